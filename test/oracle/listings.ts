import { must } from '@syncline/runtime';
import { activeCollections, Found, note, passTime, work, type Stage } from './stage.js';

/* Wrong listings, listings without an end, and real deletions that only listings show. */

const LISTING_OF = {
  gmail: 'messages.list',
  'calendar-events': 'events.list',
  'calendar-list': 'calendarList.list',
} as const;
const FULL_LISTINGS = Object.values(LISTING_OF);

interface Incremental {
  id: string;
  account_id: string;
  kind: keyof typeof LISTING_OF;
  external_id: string;
}

/** Makes one full listing of a mirrored collection empty or incomplete, with status 200. */
export async function listingLies(stage: Stage): Promise<string> {
  const incremental = await incrementalCollections(stage);
  const mailboxes = incremental.filter(({ kind }) => kind === 'gmail');
  const some = mailboxes.length > 0 && stage.chance.happens(0.6) ? mailboxes : incremental;
  if (some.length === 0) return 'nothing is mirrored yet';
  const chosen = stage.chance.pick(some);
  const email = emailOf(stage, chosen);
  if (email === undefined) return 'nobody of ours';
  const lie = orderLie(stage, chosen, email);
  await stage.engine.store.collections.requestSync([chosen.account_id], { full: true });
  const end = await deletingFew(stage, chosen, sweptWithoutEvidence, () =>
    workOn(stage, chosen.id),
  );
  const standing = stage.simulator.faults.list().map((one) => one.id);
  for (const fault of lie.faults) if (standing.includes(fault)) stage.simulator.faults.end(fault);
  if (chosen.kind === 'gmail')
    stage.lies.set(chosen.account_id, (stage.lies.get(chosen.account_id) ?? 0) + 1);
  return `${chosen.kind}: ${lie.words}: ${end}`;
}

/** Orders the faults of one wrong listing. */
function orderLie(
  stage: Stage,
  chosen: Incremental,
  email: string,
): { faults: number[]; words: string } {
  const kind = stage.chance.pick(['empty-listing', 'omitting-listing'] as const);
  const { id } = stage.simulator.faults.add({
    kind,
    method: LISTING_OF[chosen.kind],
    email,
    ...(kind === 'empty-listing' ? { count: stage.chance.between(1, 2) } : {}),
    share: stage.chance.pick([0.1, 0.6, 0.9]),
    ...(chosen.kind === 'calendar-events' ? { id: chosen.external_id } : {}),
  });
  const faults = [id];
  // The count of a server that has lost data may agree with its list.
  const agrees = chosen.kind === 'gmail' && stage.chance.happens(0.5);
  if (agrees)
    faults.push(
      stage.simulator.faults.add({
        kind: 'altered-answer',
        method: 'getProfile',
        email,
        patch: { messagesTotal: kind === 'empty-listing' ? 0 : 1 },
      }).id,
    );
  return { faults, words: agrees ? `${kind}, and the profile agrees` : kind };
}

/** The share of a collection that is listed before the page token expires: few items are left. */
const NEARLY_LISTED = 0.75;

/**
 * Expires the page token of a full listing that is nearly complete. Items that the listing has not
 * named yet are not deleted.
 */
export async function listingLosesItsPlace(stage: Stage): Promise<string> {
  const incremental = (await incrementalCollections(stage)).filter(
    ({ kind }) => kind !== 'calendar-list',
  );
  const mailboxes = incremental.filter(({ kind }) => kind === 'gmail');
  const some = mailboxes.length > 0 && stage.chance.happens(0.7) ? mailboxes : incremental;
  if (some.length === 0) return 'nothing is mirrored yet';
  const chosen = stage.chance.pick(some);
  await stage.engine.store.collections.requestSync([chosen.account_id], { full: true });
  const rows = await mirroredRows(stage, chosen);
  return deletingFew(
    stage,
    chosen,
    () => 0,
    async () => {
      let ran = 0;
      while (!(await loseAlmostLastPage(stage, chosen, rows))) {
        const run = await stage.engine.run(chosen.id, { sliceMs: 0, stop: null });
        if (run.kind !== 'finished' || run.outcome.kind !== 'more' || ++ran > RUNS)
          return `${chosen.kind}: no page of its end was met in ${ran} runs`;
      }
      note(stage, 'page token of a last page lost');
      return `${chosen.kind}: the page token is lost after ${ran} runs: ${await workOn(stage, chosen.id)}`;
    },
  );
}

/**
 * Whether the collection's full listing is nearly complete; its page token is then replaced by an
 * unknown one.
 */
async function loseAlmostLastPage(
  { database }: Stage,
  { id }: Incremental,
  rows: number,
): Promise<boolean> {
  const { rowCount } = await database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{pageToken}', '"forgotten"')
      WHERE id = $1 AND phase <> 'incremental' AND cursor ->> 'pageToken' IS NOT NULL AND (cursor ->> 'listed')::numeric >= $2`,
    [id, NEARLY_LISTED * rows],
  );
  return rowCount === 1;
}

/** Fewer missing rows are deleted without evidence, if they are a small part of the collection. */
export const SMALL_SWEEP = 5;
const SMALL_SHARE = 5;

function sweptWithoutEvidence(rows: number): number {
  return Math.min(SMALL_SWEEP, Math.floor(rows / SMALL_SHARE));
}

/**
 * Runs a function during which nothing changes at Google.
 * @param most returns for a number of rows how many items that Google still has may be deleted
 * @throws Found when more are deleted
 */
async function deletingFew(
  stage: Stage,
  incremental: Incremental,
  most: (rows: number) => number,
  run: () => Promise<string>,
): Promise<string> {
  const living = new Set(livingIn(stage, incremental));
  const before = await feedEnd(stage, incremental);
  const end = await run();
  const deleted = await deletedSince(stage, incremental, before);
  const alive = deleted.filter(
    ({ entity, entity_id }) => entity === ENTITY_OF[incremental.kind] && living.has(entity_id),
  ).length;
  const bound = most((await mirroredRows(stage, incremental)) + deleted.length);
  if (alive > bound)
    throw new Found(
      'nothing that is alive was deleted',
      `${incremental.kind}: ${alive} of ${living.size} that Google has, at most ${bound}: ${end}`,
    );
  return end;
}

/** Returns what was deleted since then. A calendar is deleted with its events. */
async function deletedSince(
  { database }: Stage,
  { account_id, kind, external_id }: Incremental,
  before: string,
): Promise<{ entity: string; entity_id: string }[]> {
  const { rows } = await database.pool.query<{ entity: string; entity_id: string }>(
    `SELECT entity, entity_id FROM syncline.changes WHERE account_id = $1 AND seq > $2 AND op = 'deleted'
        AND CASE $3 WHEN 'gmail' THEN entity = 'message' WHEN 'calendar-list' THEN entity IN ('calendar', 'event')
                    ELSE entity = 'event' AND calendar_id = $4 END`,
    [account_id, before, kind, external_id],
  );
  return rows;
}

const ENTITY_OF: Record<Incremental['kind'], string> = {
  gmail: 'message',
  'calendar-events': 'event',
  'calendar-list': 'calendar',
};

/** Returns the ids of Google's current items of the collection. */
function livingIn(stage: Stage, incremental: Incremental): string[] {
  const email = must(emailOf(stage, incremental), 'nobody of ours');
  if (incremental.kind === 'gmail') return stage.simulator.gmailTruth(email).map(({ id }) => id);
  const entries = must(stage.simulator.world.get(email), 'no such account').shelf.current();
  if (incremental.kind === 'calendar-list') return entries.map(({ calendar }) => calendar.id);
  return (
    entries
      .find(({ calendar }) => calendar.id === incremental.external_id)
      ?.calendar.current()
      .map(({ id }) => id) ?? []
  );
}

/**
 * Returns the number of rows that a full listing of the collection covers: for a calendar list
 * including its events.
 */
async function mirroredRows({ database }: Stage, incremental: Incremental): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    {
      gmail: 'SELECT count(*)::int AS n FROM syncline.gmail_messages WHERE account_id = $1',
      'calendar-events':
        'SELECT count(*)::int AS n FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $2',
      'calendar-list':
        'SELECT (SELECT count(*) FROM syncline.calendars WHERE account_id = $1)::int + (SELECT count(*) FROM syncline.calendar_events WHERE account_id = $1)::int AS n',
    }[incremental.kind],
    incremental.kind === 'calendar-events'
      ? [incremental.account_id, incremental.external_id]
      : [incremental.account_id],
  );
  return rows[0]?.n ?? 0;
}

async function feedEnd({ database }: Stage, incremental: Incremental): Promise<string> {
  const { rows } = await database.pool.query<{ feed_seq: string }>(
    'SELECT feed_seq FROM syncline.accounts WHERE id = $1',
    [incremental.account_id],
  );
  return must(rows[0], 'no such account').feed_seq;
}

/**
 * The maximum number of calls of one method for one listing without an end: Google may send a
 * thousand pages without items.
 */
const CALLS_WITHOUT_END = 1_500;
const SLICE_MS = 1_000;
const RUNS = 30;

/** Makes pages lead back to an earlier page, or continue empty without end. */
export async function listingNeverEnds(stage: Stage): Promise<string> {
  const kind = stage.chance.pick([
    'page-names-itself',
    'pages-in-a-circle',
    'pages-repeat',
    'empty-pages',
  ] as const);
  const method = stage.chance.pick([...FULL_LISTINGS, 'history.list']);
  stage.simulator.faults.add({ kind, method });
  // A listing of empty pages ends after a thousand; the next run of any worker reads them.
  if (kind === 'empty-pages' || stage.chance.happens(0.5)) return `${kind} of ${method}`;
  const [chosen] = (await incrementalCollections(stage)).filter(
    (one) => LISTING_OF[one.kind] === method || (method === 'history.list' && one.kind === 'gmail'),
  );
  if (chosen === undefined) return `${kind} of ${method}`;
  await stage.engine.store.collections.requestSync([chosen.account_id], {
    full: method !== 'history.list',
  });
  const before = callsOf(stage, method);
  let more = true;
  for (let runs = 0; more && runs < RUNS; runs++) {
    const ran = await stage.engine.run(chosen.id, { sliceMs: SLICE_MS, stop: null });
    more = ran.kind === 'finished' && ran.outcome.kind === 'more';
    const calls = callsOf(stage, method) - before;
    if (calls > CALLS_WITHOUT_END)
      throw new Found('nothing goes on without an end', `${calls} calls of ${method}: ${kind}`);
  }
  return `${kind} of ${method}, met by ${chosen.kind}`;
}

function callsOf({ simulator }: Stage, method: string): number {
  return simulator.ledger.snapshot().methods[method]?.calls ?? 0;
}

/** Fewer missing rows are deleted without a second listing. */
const CLEARED_AT_LEAST = 6;
const MONTH_MS = 31 * 86_400_000;

/**
 * Deletes most of a mailbox or a calendar, without a trace in Google's log of changes: only a full
 * listing shows it. The sweep is held until a second listing confirms it.
 */
export async function cleared(stage: Stage): Promise<string> {
  const incremental = await incrementalCollections(stage);
  const large = incremental.filter((one) => clearable(stage, one).length >= CLEARED_AT_LEAST);
  if (large.length === 0) return 'nothing is large enough';
  // Large calendars are few: choosing the kind first clears them as often as mailboxes.
  const kind = stage.chance.pick([...new Set(large.map((one) => one.kind))]);
  const chosen = stage.chance.pick(large.filter((one) => one.kind === kind));
  const email = must(emailOf(stage, chosen), 'nobody of ours');
  const deletions = clearable(stage, chosen);
  for (const order of deletions) stage.simulator.act(email, order);
  // An agreeing count would replace the second listing.
  if (chosen.kind === 'gmail')
    stage.simulator.faults.add({
      kind: 'altered-answer',
      method: 'getProfile',
      email,
      count: 1,
      patch: { messagesTotal: 1_000 },
    });
  await passTime(stage, MONTH_MS, true);
  await stage.engine.store.collections.requestSync([chosen.account_id], { full: true });
  const first = await workOn(stage, chosen.id);
  if (stage.chance.happens(0.3)) return `${chosen.kind}: ${deletions.length} deleted: ${first}`;
  await passTime(stage, 90_000, true);
  const second = await workOn(stage, chosen.id);
  note(stage, `${chosen.kind} cleared`);
  return `${chosen.kind}: ${deletions.length} deleted: ${first}, ${second}`;
}

interface Deletion {
  action: 'delete' | 'event-delete';
  messageId?: string;
  calendarId?: string;
  eventId?: string;
}

/**
 * Returns what is deleted of a collection: three of four messages, or every event except changed
 * occurrences; nothing of a calendar list.
 */
function clearable(stage: Stage, incremental: Incremental): Deletion[] {
  const email = emailOf(stage, incremental);
  if (email === undefined || incremental.kind === 'calendar-list') return [];
  if (incremental.kind === 'gmail')
    return stage.simulator
      .gmailTruth(email)
      .filter(({ id }, i) => i % 4 > 0 && !stage.troubled.has(id))
      .map(({ id }) => ({ action: 'delete', messageId: id }));
  const calendarId = incremental.external_id;
  const entry = stage.simulator.world.get(email)?.shelf.find(calendarId);
  if (!entry || entry.accessRole !== 'owner') return [];
  return entry.calendar
    .current()
    .filter(({ body }) => body.recurringEventId === undefined)
    .map(({ id }) => ({ action: 'event-delete', calendarId, eventId: id }));
}

async function incrementalCollections(stage: Stage): Promise<Incremental[]> {
  const { rows } = await stage.database.pool.query<Incremental>(
    `SELECT c.id, c.account_id, c.kind, c.external_id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE c.phase = 'incremental' AND c.state = 'active' AND a.state = 'active' AND a.tenant = 'default'
      ORDER BY a.email, c.kind, c.external_id`,
  );
  return rows;
}

function emailOf(stage: Stage, incremental: Incremental): string | undefined {
  return [...stage.accounts].find(([, id]) => id === incremental.account_id)?.[0];
}

async function workOn(stage: Stage, id: string): Promise<string> {
  const collection = (await activeCollections(stage)).find((one) => one.id === id);
  return collection ? (await work(stage, collection, 60_000)).kind : 'gone';
}

/** Returns the number of full listings that lacked items. */
export function liesIn({ simulator }: Stage): number {
  const { faults } = simulator.ledger.snapshot();
  return (faults['empty-listing'] ?? 0) + (faults['omitting-listing'] ?? 0);
}
