import type { CollectionKind } from '@syncline/store';
import { driftOf } from '../support/drift.js';
import { SMALL_SWEEP } from './listings.js';
import { catchUp } from './quiet.js';
import { accountsOf, connect, Found, type Stage } from './stage.js';

/**
 * Checks everything that must hold when no work is pending.
 * @throws Found
 */
export async function checkAll(stage: Stage): Promise<void> {
  await mirrorEqualsSource(stage);
  await feedFoldsToRows(stage);
  await nothingAliveWasDeleted(stage);
  await onlyTheTroubledWereQuarantined(stage);
  await listingsCompleted(stage);
  await mirrorAnew(stage);
  await incrementalEqualsFresh(stage);
  if (stage.chance.happens(0.3)) {
    await fullSyncChangesNothing(stage);
    await incrementalEqualsFresh(stage);
  }
  await noCollectionIsIdle(stage);
  googleSawNoViolations(stage);
}

async function mirrorEqualsSource(stage: Stage): Promise<void> {
  const { simulator } = stage;
  const mirror = { accounts: { list: () => accountsOf(stage) }, mirror: stage.engine.store.mirror };
  const drift = await driftOf(mirror, {
    accounts: async () =>
      simulator.accounts().filter((account) => stage.accounts.has(account.email)),
    truth: async (email, resource) =>
      (resource === 'gmail'
        ? simulator.gmailTruth(email)
        : simulator.calendarTruth(email)) as unknown as Record<string, unknown>[],
  });
  const wrong = [
    ...drift.missing.map((key) => `missing ${key}`),
    ...drift.extra.map((key) => `too much ${key}`),
    ...drift.stale.map((key) => `stale ${key}`),
  ];
  if (wrong.length > 0) throw new Found('mirror ≡ source', wrong.slice(0, 5).join(' | '));
}

/**
 * Mirrors the same mailboxes for a second tenant from nothing, without faults and in large pages,
 * as the reference for the others.
 */
async function mirrorAnew(stage: Stage): Promise<void> {
  stage.simulator.setPages({
    largestPage: 2_500,
    shortGmailPages: false,
    shortCalendarPages: false,
  });
  const accountIds: string[] = [];
  for (const { email, refreshToken } of stage.simulator.accounts()) {
    if (stage.accounts.has(email))
      accountIds.push(await connect(stage, email, refreshToken, 'fresh'));
  }
  await catchUp(stage, { accountIds, hurried: false });
}

/** Checks that both tenants hold the same rows. */
async function incrementalEqualsFresh(stage: Stage): Promise<void> {
  const fresh = new Map(
    (await accountsOf(stage))
      .filter((account) => account.tenant === 'fresh')
      .map((account) => [account.email, account.id]),
  );
  const tables = await mirrorTables(stage);
  for (const [email, id] of stage.accounts) {
    for (const [table, columns] of tables) {
      const unlike = await stage.database.pool.query<{ side: string; row: unknown }>(
        `(SELECT 'only incremental' AS side, to_jsonb(x) AS row FROM (SELECT ${columns} FROM syncline.${table} WHERE account_id = $1 EXCEPT SELECT ${columns} FROM syncline.${table} WHERE account_id = $2) x)
         UNION ALL (SELECT 'only fresh', to_jsonb(x) FROM (SELECT ${columns} FROM syncline.${table} WHERE account_id = $2 EXCEPT SELECT ${columns} FROM syncline.${table} WHERE account_id = $1) x) LIMIT 3`,
        [id, fresh.get(email)],
      );
      if (unlike.rows.length > 0)
        throw new Found(
          'incremental ≡ fresh full',
          `${table}: ${JSON.stringify(unlike.rows).slice(0, 800)}`,
        );
    }
  }
}

const MIRROR = [
  'gmail_messages',
  'gmail_bodies',
  'gmail_attachments',
  'gmail_threads',
  'gmail_labels',
  'calendars',
  'calendar_events',
];
/**
 * Columns that differ between tenants: account, times, and Gmail's counter, which at the source
 * changes also with a change that has no effect on the labels.
 */
const NOT_COMPARED = ['account_id', 'updated_at', 'created_at', 'history_id'];

async function mirrorTables(stage: Stage): Promise<[table: string, columns: string][]> {
  const rows = await stage.database.pool.query<{ table_name: string; columns: string }>(
    `SELECT table_name, string_agg(column_name, ', ' ORDER BY ordinal_position) AS columns FROM information_schema.columns
      WHERE table_schema = 'syncline' AND table_name = ANY($1) AND column_name <> ALL($2) GROUP BY table_name ORDER BY table_name`,
    [MIRROR, NOT_COMPARED],
  );
  return rows.rows.map((row) => [row.table_name, row.columns]);
}

/** Checks that a full sync of an existing mirror reports no change and writes nothing else. */
async function fullSyncChangesNothing(stage: Stage): Promise<void> {
  const before = await feedEnds(stage);
  await catchUp(stage, { full: true, accountIds: [...stage.accounts.values()], hurried: false });
  const after = await feedEnds(stage);
  if (JSON.stringify(before) !== JSON.stringify(after))
    throw new Found(
      'no event without a change',
      `a full sync moved the feed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
    );
}

async function feedEnds(stage: Stage): Promise<unknown> {
  return (
    await stage.database.pool.query(
      'SELECT tenant, email, feed_seq FROM syncline.accounts ORDER BY tenant, email',
    )
  ).rows;
}

async function feedFoldsToRows(stage: Stage): Promise<void> {
  for (const [email, id] of stage.accounts) {
    const folded = await foldedFeed(stage, email, id);
    const rows = await stage.database.pool.query<{ key: string }>(
      `SELECT 'message  ' || id AS key FROM syncline.gmail_messages WHERE account_id = $1 UNION ALL SELECT 'label  ' || id FROM syncline.gmail_labels WHERE account_id = $1
       UNION ALL SELECT 'calendar  ' || id FROM syncline.calendars WHERE account_id = $1 UNION ALL SELECT 'event ' || calendar_id || ' ' || id FROM syncline.calendar_events WHERE account_id = $1`,
      [id],
    );
    for (const { key } of rows.rows)
      if (!folded.delete(key))
        throw new Found('the feed folds to the rows', `${email}: no event speaks of ${key}`);
    if (folded.size > 0)
      throw new Found(
        'the feed folds to the rows',
        `${email}: no row for ${[...folded].slice(0, 3).join(', ')}`,
      );
  }
}

/** Returns the keys of the rows according to the account's feed. */
async function foldedFeed(stage: Stage, email: string, id: string): Promise<Set<string>> {
  const folded = new Set<string>();
  let seq = 0n;
  for (;;) {
    const page = await stage.engine.store.changes(id, seq, 1_000);
    if (page.length === 0) return folded;
    for (const event of page) {
      if (event.seq !== seq + 1n)
        throw new Found('the feed is gapless', `${email}: ${seq} is followed by ${event.seq}`);
      seq = event.seq;
      const key = `${event.entity} ${event.calendarId ?? ''} ${event.id}`;
      if (event.op === 'created' && folded.has(key))
        throw new Found('the feed folds to the rows', `${email}: ${key} is created twice`);
      if (event.op !== 'created' && !folded.has(key))
        throw new Found(
          'the feed folds to the rows',
          `${email}: ${key} is ${event.op} before it is created`,
        );
      if (event.op === 'deleted') folded.delete(key);
      else folded.add(key);
    }
  }
}

/**
 * Checks that the feed does not report the deletion of a message that Google still has, except for
 * the few rows that may be deleted after one listing.
 */
async function nothingAliveWasDeleted(stage: Stage): Promise<void> {
  for (const [email, id] of stage.accounts) {
    const alive = stage.simulator.gmailTruth(email).map((message) => message.id);
    const { rows } = await stage.database.pool.query<{ entity_id: string; seq: string }>(
      `SELECT entity_id, seq FROM syncline.changes WHERE account_id = $1 AND entity = 'message' AND op = 'deleted' AND entity_id = ANY($2)`,
      [id, alive],
    );
    if (rows.length > SMALL_SWEEP * (stage.lies.get(id) ?? 0))
      throw new Found(
        'nothing that is alive was deleted',
        `${email}: ${rows
          .slice(0, 3)
          .map((row) => `${row.entity_id} by ${row.seq}`)
          .join(', ')}`,
      );
  }
}

/**
 * Checks that an outage quarantines nothing, and a bad item no other item. An item in hand when
 * workers crashed may be quarantined without fault; its reason identifies it.
 */
async function onlyTheTroubledWereQuarantined(stage: Stage): Promise<void> {
  const { rows } = await stage.database.pool.query<{ item_id: string; reason: string }>(
    `SELECT DISTINCT q.item_id, q.reason FROM syncline.oracle_quarantined q JOIN syncline.accounts a ON a.id = q.account_id
      WHERE q.item_id <> ALL($1) AND q.reason NOT LIKE '%ended the worker%' LIMIT 3`,
    [[...stage.troubled.keys()]],
  );
  if (rows.length > 0)
    throw new Found(
      'only what cannot be read is quarantined',
      rows.map((row) => `${row.item_id} (${row.reason})`).join(', '),
    );
}

/**
 * The maximum number of calls of one method in one world: the smallest pages and the longest
 * sequence of actions need a fraction of it.
 */
const CALLS_OF_A_METHOD = 3_000;
/** A listing whose pages are all empty is given up after 1,000 of them. */
const CALLS_OF_AN_ENDLESS_LISTING = 1_100;
const LISTED_BY: Record<CollectionKind, readonly string[]> = {
  gmail: ['messages.list', 'threads.list', 'history.list'],
  'calendar-list': ['calendarList.list'],
  'calendar-events': ['events.list'],
};

async function listingsCompleted(stage: Stage): Promise<void> {
  const { rows } = await stage.database.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM syncline.collections WHERE kind = 'calendar-events'`,
  );
  // Each calendar may have such a listing.
  const calendars = rows[0]?.n ?? 0;
  const triesOf = (method: string): number =>
    [...stage.endlessTries].reduce(
      (sum, [kind, tries]) => sum + (LISTED_BY[kind].includes(method) ? tries : 0),
      method === 'events.list' ? calendars : 0,
    );
  for (const [method, { calls }] of Object.entries(stage.simulator.ledger.snapshot().methods)) {
    const most = CALLS_OF_A_METHOD + CALLS_OF_AN_ENDLESS_LISTING * triesOf(method);
    if (method.endsWith('.list') && calls > most)
      throw new Found('nothing goes on without an end', `${calls} calls of ${method}`);
  }
}

/** Checks that every active collection has a next date, and every other one a reason. */
async function noCollectionIsIdle(stage: Stage): Promise<void> {
  const idle = await stage.database.pool.query<{ name: string }>(
    `SELECT a.email || ' ' || c.kind || ' ' || c.external_id AS name FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE (a.state = 'active' AND c.state = 'active' AND c.next_sync_at > now() + interval '20 minutes')
         OR (a.state <> 'active' AND a.reason IS NULL) OR (c.state <> 'active' AND c.error IS NULL)
         OR (a.state = 'active' AND c.kind <> 'calendar-events' AND c.state <> 'active')
         OR (a.state = 'active' AND c.state = 'gone' AND EXISTS (SELECT 1 FROM syncline.calendars k WHERE k.account_id = a.id AND k.id = c.external_id))`,
  );
  if (idle.rows.length > 0)
    throw new Found('never silently idle', idle.rows.map((row) => row.name).join(', '));
  // Accounts without a valid grant read nothing again.
  const set = await stage.database.pool.query<{ item_id: string; reason: string }>(
    `SELECT q.item_id, q.reason FROM syncline.quarantined_items q JOIN syncline.accounts a ON a.id = q.account_id WHERE a.state = 'active'`,
  );
  if (set.rows.length > 0)
    throw new Found(
      'nothing is quarantined for transient errors',
      JSON.stringify(set.rows.slice(0, 3)),
    );
}

/**
 * Checks the simulator's record of violations, and that the governor has charged every call that
 * reached Google.
 */
function googleSawNoViolations(stage: Stage): void {
  const { violations, callsAfterInvalidGrant, callsAfterRevoke, methods, faults } =
    stage.simulator.ledger.snapshot();
  // Two accounts of one person have their own copies of the grant: each receives the refusal once.
  const shared = 2 * (stage.fired.get('second tenant') ?? 0) * (faults['revoke-grant'] ?? 0);
  if (violations.total > 0)
    throw new Found('no quota violation', JSON.stringify(violations.recent.slice(0, 3)));
  if (callsAfterInvalidGrant + callsAfterRevoke > stage.callsForgiven + shared)
    throw new Found(
      'no call after a refused grant',
      `${callsAfterInvalidGrant + callsAfterRevoke} calls`,
    );
  for (const [method, { units }] of Object.entries(methods)) {
    const charged = stage.engine.charged(method);
    if (charged < units)
      throw new Found(
        'whatever reaches Google is charged',
        `${method}: Google counted ${units} units, the governor ${charged}`,
      );
  }
}
