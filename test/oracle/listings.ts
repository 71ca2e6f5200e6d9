import { must } from '@syncline/runtime';
import type { CollectionKind } from '@syncline/store';
import { ENTITY_OF, LISTING_OF, livingIn, mirroredRows, type Incremental } from './kinds.js';
import { activeCollections, Found, note, passTime, work, type OracleWorld } from './world.js';

/* Wrong listings, listings without an end, and real deletions that only listings show. */

const FULL_LISTINGS = Object.values(LISTING_OF);

/** Makes one full listing of a mirrored collection empty or incomplete, with status 200. */
export async function listingOmitsItems(world: OracleWorld): Promise<string> {
  const incremental = await incrementalCollections(world);
  const mailboxes = incremental.filter(({ kind }) => kind === 'gmail');
  const some = mailboxes.length > 0 && world.chance.happens(0.6) ? mailboxes : incremental;
  if (some.length === 0) return 'nothing is mirrored yet';
  const chosen = world.chance.pick(some);
  const email = emailOf(world, chosen);
  if (email === undefined) return 'an unknown account';
  const ordered = orderShortListing(world, chosen, email);
  await world.engine.store.schedule.requestSync([chosen.account_id], { full: true });
  const shortened = `${chosen.account_id} ${chosen.kind}`;
  const earlier = world.shortListings.get(shortened) ?? 0;
  const most = isConfirmedByShortListings(chosen.kind, earlier) ? everyRow : sweptWithoutEvidence;
  const end = await deletingFew(world, chosen, most, () => workOn(world, chosen.id));
  const active = world.simulator.faults.list().map((one) => one.id);
  for (const fault of ordered.faults) if (active.includes(fault)) world.simulator.faults.end(fault);
  world.shortListings.set(shortened, earlier + 1);
  return `${chosen.kind}: ${ordered.words}: ${end}`;
}

/** Orders the faults of one wrong listing. */
function orderShortListing(
  world: OracleWorld,
  chosen: Incremental,
  email: string,
): { faults: number[]; words: string } {
  const kind = world.chance.pick(['empty-listing', 'omitting-listing'] as const);
  const { id } = world.simulator.faults.add({
    kind,
    method: LISTING_OF[chosen.kind],
    email,
    ...(kind === 'empty-listing' ? { count: world.chance.between(1, 2) } : {}),
    share: world.chance.pick([0.1, 0.6, 0.9]),
    ...(chosen.kind === 'calendar-events' ? { id: chosen.external_id } : {}),
  });
  const faults = [id];
  // The count of a server that has lost data may agree with its list.
  const agrees = chosen.kind === 'gmail' && world.chance.happens(0.5);
  if (agrees)
    faults.push(
      world.simulator.faults.add({
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
export async function listingLosesPageToken(world: OracleWorld): Promise<string> {
  const incremental = (await incrementalCollections(world)).filter(
    ({ kind }) => kind !== 'calendar-list',
  );
  const mailboxes = incremental.filter(({ kind }) => kind === 'gmail');
  const some = mailboxes.length > 0 && world.chance.happens(0.7) ? mailboxes : incremental;
  if (some.length === 0) return 'nothing is mirrored yet';
  const chosen = world.chance.pick(some);
  await world.engine.store.schedule.requestSync([chosen.account_id], { full: true });
  const rows = await mirroredRows(world, chosen);
  return deletingFew(
    world,
    chosen,
    () => 0,
    async () => {
      let ran = 0;
      while (!(await loseAlmostLastPage(world, chosen, rows))) {
        const run = await world.engine.run(chosen.id, { sliceMs: 0, stop: null });
        if (run.kind !== 'finished' || run.outcome.kind !== 'more' || ++ran > RUNS)
          return `${chosen.kind}: no page of its end was met in ${ran} runs`;
      }
      note(world, 'page token of a last page lost');
      return `${chosen.kind}: the page token is lost after ${ran} runs: ${await workOn(world, chosen.id)}`;
    },
  );
}

/**
 * Whether the collection's full listing is nearly complete; its page token is then replaced by an
 * unknown one.
 */
async function loseAlmostLastPage(
  { database }: OracleWorld,
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

function everyRow(rows: number): number {
  return rows;
}

/**
 * Whether wrong listings alone may delete: Google has no call for one other contact, so a second
 * listing that lacks the same rows is all the evidence that there can be.
 */
export function isConfirmedByShortListings(kind: CollectionKind, earlier: number): boolean {
  return kind === 'contacts-other' && earlier > 0;
}

/**
 * Runs a function during which nothing changes at Google.
 * @param most returns for a number of rows how many items that Google still has may be deleted
 * @throws Found when more are deleted
 */
async function deletingFew(
  world: OracleWorld,
  incremental: Incremental,
  most: (rows: number) => number,
  run: () => Promise<string>,
): Promise<string> {
  const email = must(emailOf(world, incremental), 'an unknown account');
  const living = new Set(livingIn(world, email, incremental));
  const before = await feedEnd(world, incremental);
  const end = await run();
  const deleted = await deletedSince(world, incremental, before);
  const alive = deleted.filter(
    ({ entity, entity_id }) => entity === ENTITY_OF[incremental.kind] && living.has(entity_id),
  ).length;
  const bound = most((await mirroredRows(world, incremental)) + deleted.length);
  if (alive > bound)
    throw new Found(
      'nothing that is alive was deleted',
      `${incremental.kind}: ${alive} of ${living.size} that Google has, at most ${bound}: ${end}`,
    );
  return end;
}

/** Returns what was deleted since then. A calendar is deleted with its events. */
async function deletedSince(
  { database }: OracleWorld,
  { account_id, kind, external_id }: Incremental,
  before: string,
): Promise<{ entity: string; entity_id: string }[]> {
  const { rows } = await database.pool.query<{ entity: string; entity_id: string }>(
    `SELECT entity, entity_id FROM syncline.changes WHERE account_id = $1 AND seq > $2 AND op = 'deleted'
        AND CASE $3 WHEN 'calendar-list' THEN entity IN ('calendar', 'event') WHEN 'calendar-events' THEN entity = 'event' AND calendar_id = $4 ELSE entity = $5 END`,
    [account_id, before, kind, external_id, ENTITY_OF[kind]],
  );
  return rows;
}

async function feedEnd({ database }: OracleWorld, incremental: Incremental): Promise<string> {
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
export async function listingNeverEnds(world: OracleWorld): Promise<string> {
  const kind = world.chance.pick([
    'page-names-itself',
    'pages-in-a-cycle',
    'pages-repeat',
    'empty-pages',
  ] as const);
  const method = world.chance.pick([...FULL_LISTINGS, 'history.list']);
  world.simulator.faults.add({ kind, method });
  // A listing of empty pages ends after a thousand; the next run of any worker reads them.
  if (kind === 'empty-pages' || world.chance.happens(0.5)) return `${kind} of ${method}`;
  const [chosen] = (await incrementalCollections(world)).filter(
    (one) => LISTING_OF[one.kind] === method || (method === 'history.list' && one.kind === 'gmail'),
  );
  if (chosen === undefined) return `${kind} of ${method}`;
  await world.engine.store.schedule.requestSync([chosen.account_id], {
    full: method !== 'history.list',
  });
  const before = callsOf(world, method);
  let more = true;
  for (let runs = 0; more && runs < RUNS; runs++) {
    const ran = await world.engine.run(chosen.id, { sliceMs: SLICE_MS, stop: null });
    more = ran.kind === 'finished' && ran.outcome.kind === 'more';
    const calls = callsOf(world, method) - before;
    if (calls > CALLS_WITHOUT_END)
      throw new Found('no run repeats without an end', `${calls} calls of ${method}: ${kind}`);
  }
  return `${kind} of ${method}, met by ${chosen.kind}`;
}

function callsOf({ simulator }: OracleWorld, method: string): number {
  return simulator.ledger.snapshot().methods[method]?.calls ?? 0;
}

/** The runs in which a message on the list of a full sync is requested, and how far apart they are. */
const GETS = 4;
const BETWEEN_GETS_MS = 2_500;

/** Makes Google answer 404 for messages of a mailbox while a full sync lists and fetches them. */
export async function messagesNotFound(world: OracleWorld): Promise<string> {
  const mailboxes = (await incrementalCollections(world)).filter(({ kind }) => kind === 'gmail');
  if (mailboxes.length === 0) return 'nothing is mirrored yet';
  const chosen = world.chance.pick(mailboxes);
  const email = emailOf(world, chosen);
  if (email === undefined) return 'an unknown account';
  const { id } = world.simulator.faults.add({
    kind: '404',
    method: 'messages.get',
    email,
    probability: world.chance.pick([1, 0.5]),
  });
  await world.engine.store.schedule.requestSync([chosen.account_id], { full: true });
  const end = await deletingFew(
    world,
    chosen,
    () => 0,
    async () => {
      const ends: string[] = [];
      for (let gets = 0; gets < GETS; gets++) {
        ends.push(await workOn(world, chosen.id));
        await passTime(world, BETWEEN_GETS_MS, true);
      }
      return ends.join(', ');
    },
  );
  if (world.simulator.faults.list().some((one) => one.id === id)) world.simulator.faults.end(id);
  note(world, 'messages not found');
  return end;
}

/** Fewer missing rows are deleted without a second listing. */
const CLEARED_AT_LEAST = 6;
const MONTH_MS = 31 * 86_400_000;

/**
 * Deletes most of a mailbox, a calendar or a list of contacts, without a trace in Google's log of
 * changes: only a full listing shows it. The sweep is held until a second listing confirms it.
 */
export async function cleared(world: OracleWorld): Promise<string> {
  const incremental = await incrementalCollections(world);
  const large = incremental.filter((one) => clearable(world, one).length >= CLEARED_AT_LEAST);
  if (large.length === 0) return 'nothing is large enough';
  // Large calendars are few: choosing the kind first clears them as often as mailboxes.
  const kind = world.chance.pick([...new Set(large.map((one) => one.kind))]);
  const chosen = world.chance.pick(large.filter((one) => one.kind === kind));
  const email = must(emailOf(world, chosen), 'an unknown account');
  const deletions = clearable(world, chosen);
  for (const order of deletions) world.simulator.act(email, order);
  // An agreeing count would replace the second listing.
  if (chosen.kind === 'gmail')
    world.simulator.faults.add({
      kind: 'altered-answer',
      method: 'getProfile',
      email,
      count: 1,
      patch: { messagesTotal: 1_000 },
    });
  await passTime(world, MONTH_MS, true);
  await world.engine.store.schedule.requestSync([chosen.account_id], { full: true });
  const first = await workOn(world, chosen.id);
  if (world.chance.happens(0.3)) return `${chosen.kind}: ${deletions.length} deleted: ${first}`;
  await passTime(world, 90_000, true);
  const second = await workOn(world, chosen.id);
  note(world, `${chosen.kind} cleared`);
  return `${chosen.kind}: ${deletions.length} deleted: ${first}, ${second}`;
}

interface Deletion {
  action: 'delete' | 'event-delete' | 'contact-delete' | 'other-delete';
  messageId?: string;
  calendarId?: string;
  eventId?: string;
  resourceName?: string;
}

/**
 * Returns what is deleted of a collection: three of four messages or contacts, or every event except
 * changed occurrences; nothing of a calendar list, and no groups.
 */
function clearable(world: OracleWorld, incremental: Incremental): Deletion[] {
  const email = emailOf(world, incremental);
  if (email === undefined) return [];
  const contacts = CONTACT_DELETION[incremental.kind];
  if (contacts !== undefined)
    return livingIn(world, email, incremental)
      .filter((_, i) => i % 4 > 0)
      .map((resourceName) => ({ action: contacts, resourceName }));
  if (incremental.kind === 'gmail')
    return world.simulator
      .gmailTruth(email)
      .filter(({ id }, i) => i % 4 > 0 && !world.failingItems.has(id))
      .map(({ id }) => ({ action: 'delete', messageId: id }));
  if (incremental.kind !== 'calendar-events') return [];
  const calendarId = incremental.external_id;
  const entry = world.simulator.world.get(email)?.shelf.find(calendarId);
  if (!entry || entry.accessRole !== 'owner') return [];
  return entry.calendar
    .current()
    .filter(({ body }) => body.recurringEventId === undefined)
    .map(({ id }) => ({ action: 'event-delete', calendarId, eventId: id }));
}

const CONTACT_DELETION: Partial<Record<CollectionKind, 'contact-delete' | 'other-delete'>> = {
  'contacts-connections': 'contact-delete',
  'contacts-other': 'other-delete',
};

async function incrementalCollections(world: OracleWorld): Promise<Incremental[]> {
  const { rows } = await world.database.pool.query<Incremental>(
    `SELECT c.id, c.account_id, c.kind, c.external_id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE c.phase = 'incremental' AND c.state = 'active' AND a.state = 'active' AND a.tenant = 'default'
      ORDER BY a.email, c.kind, c.external_id`,
  );
  return rows;
}

function emailOf(world: OracleWorld, incremental: Incremental): string | undefined {
  return [...world.accounts].find(([, id]) => id === incremental.account_id)?.[0];
}

async function workOn(world: OracleWorld, id: string): Promise<string> {
  const collection = (await activeCollections(world)).find((one) => one.id === id);
  return collection ? (await work(world, collection, 60_000)).kind : 'gone';
}

/** Returns the number of full listings that lacked items. */
export function shortListingsIn({ simulator }: OracleWorld): number {
  const { faults } = simulator.ledger.snapshot();
  return (faults['empty-listing'] ?? 0) + (faults['omitting-listing'] ?? 0);
}
