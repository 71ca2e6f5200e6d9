import type { CollectionKind } from '@syncline/store';
import { driftOf } from '../support/drift.js';
import { OF_ROWS } from '../support/row-changes.js';
import { livingIn } from './kinds.js';
import { isConfirmedByShortListings, SMALL_SWEEP } from './listings.js';
import { catchUp } from './quiet.js';
import { accountsOf, connect, Found, type OracleWorld } from './world.js';

/**
 * Checks everything that must hold when no work is pending.
 * @throws Found
 */
export async function checkAll(world: OracleWorld): Promise<void> {
  await mirrorEqualsSource(world);
  await feedFoldsToRows(world);
  await noExistingItemWasDeleted(world);
  await onlyFailingItemsWereQuarantined(world);
  await listingsCompleted(world);
  await mirrorAgain(world);
  await incrementalEqualsFresh(world);
  if (world.chance.happens(0.3)) {
    await fullSyncChangesNothing(world);
    await incrementalEqualsFresh(world);
  }
  await noCollectionIsIdle(world);
  noViolationsCounted(world);
}

async function mirrorEqualsSource(world: OracleWorld): Promise<void> {
  const { simulator } = world;
  const list = async () =>
    (await accountsOf(world)).map((account) => ({ ...account, collections: MIRRORED }));
  const mirror = { accounts: { list }, mirror: world.engine.store.mirror };
  const drift = await driftOf(mirror, {
    accounts: async () =>
      simulator.accounts().filter((account) => world.accounts.has(account.email)),
    truth: async (email, resource) =>
      ({
        gmail: () => simulator.gmailTruth(email),
        calendar: () => simulator.calendarTruth(email),
        contacts: () => simulator.contactsTruth(email),
      })[resource]() as unknown as Record<string, unknown>[],
  });
  const wrong = [
    ...drift.missing.map((key) => `missing ${key}`),
    ...drift.extra.map((key) => `too much ${key}`),
    ...drift.stale.map((key) => `stale ${key}`),
  ];
  if (wrong.length > 0) throw new Found('mirror ≡ source', wrong.slice(0, 5).join(' | '));
}

/** Every account has all resources. */
const MIRRORED = [{ kind: 'gmail' }, { kind: 'calendar-list' }, { kind: 'contacts-groups' }];

/**
 * Mirrors the same mailboxes for a second tenant from nothing, without faults and in large pages,
 * as the reference for the others.
 */
async function mirrorAgain(world: OracleWorld): Promise<void> {
  world.simulator.setPages({
    largestPage: 2_500,
    shortGmailPages: false,
    shortCalendarPages: false,
    shortPeoplePages: false,
  });
  const accountIds: string[] = [];
  for (const { email, refreshToken } of world.simulator.accounts()) {
    if (world.accounts.has(email))
      accountIds.push(await connect(world, email, refreshToken, 'fresh'));
  }
  await catchUp(world, { accountIds, withShortSlices: false });
}

/** Checks that both tenants hold the same rows. */
async function incrementalEqualsFresh(world: OracleWorld): Promise<void> {
  const fresh = new Map(
    (await accountsOf(world))
      .filter((account) => account.tenant === 'fresh')
      .map((account) => [account.email, account.id]),
  );
  const tables = await mirrorTables(world);
  for (const [email, id] of world.accounts) {
    for (const [table, columns] of tables) {
      const unlike = await world.database.pool.query<{ side: string; row: unknown }>(
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
  'contacts',
  'other_contacts',
  'contact_groups',
];
/**
 * Columns that differ between tenants: account, times, and Gmail's counter, which at the source
 * changes also with a change that has no effect on the labels.
 */
const NOT_COMPARED = ['account_id', 'updated_at', 'created_at', 'history_id'];

async function mirrorTables(world: OracleWorld): Promise<[table: string, columns: string][]> {
  const rows = await world.database.pool.query<{ table_name: string; columns: string }>(
    `SELECT table_name, string_agg(column_name, ', ' ORDER BY ordinal_position) AS columns FROM information_schema.columns
      WHERE table_schema = 'syncline' AND table_name = ANY($1) AND column_name <> ALL($2) GROUP BY table_name ORDER BY table_name`,
    [MIRROR, NOT_COMPARED],
  );
  return rows.rows.map((row) => [row.table_name, row.columns]);
}

/** Checks that a full sync of an existing mirror reports no change and writes nothing else. */
async function fullSyncChangesNothing(world: OracleWorld): Promise<void> {
  const before = await feedEnds(world);
  await catchUp(world, {
    full: true,
    accountIds: [...world.accounts.values()],
    withShortSlices: false,
  });
  const after = await feedEnds(world);
  if (JSON.stringify(before) !== JSON.stringify(after))
    throw new Found(
      'no event without a change',
      `a full sync moved the feed from ${JSON.stringify(before)} to ${JSON.stringify(after)}`,
    );
}

async function feedEnds(world: OracleWorld): Promise<unknown> {
  return (
    await world.database.pool.query(
      `SELECT a.tenant, a.email, (SELECT max(c.seq) FROM syncline.changes c WHERE c.account_id = a.id AND c.${OF_ROWS}) AS seq FROM syncline.accounts a ORDER BY a.tenant, a.email`,
    )
  ).rows;
}

async function feedFoldsToRows(world: OracleWorld): Promise<void> {
  for (const [email, id] of world.accounts) {
    const folded = await foldedFeed(world, email, id);
    const rows = await world.database.pool.query<{ key: string }>(
      `SELECT 'message  ' || id AS key FROM syncline.gmail_messages WHERE account_id = $1 UNION ALL SELECT 'label  ' || id FROM syncline.gmail_labels WHERE account_id = $1
       UNION ALL SELECT 'calendar  ' || id FROM syncline.calendars WHERE account_id = $1 UNION ALL SELECT 'event ' || calendar_id || ' ' || id FROM syncline.calendar_events WHERE account_id = $1
       UNION ALL SELECT 'contact  ' || id FROM syncline.contacts WHERE account_id = $1 UNION ALL SELECT 'other_contact  ' || id FROM syncline.other_contacts WHERE account_id = $1
       UNION ALL SELECT 'contact_group  ' || id FROM syncline.contact_groups WHERE account_id = $1
       UNION ALL SELECT 'account  ' || id FROM syncline.accounts WHERE id = $1 UNION ALL SELECT 'collection  ' || id FROM syncline.collections WHERE account_id = $1 AND state = 'active'`,
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
async function foldedFeed(world: OracleWorld, email: string, id: string): Promise<Set<string>> {
  const folded = new Set<string>();
  let seq = 0n;
  for (;;) {
    const page = await world.engine.store.feed.changes(id, seq, 1_000);
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
 * Checks that the feed does not report the deletion of a message or a contact that Google still has,
 * except for the few rows that may be deleted after one listing. Neither ever comes back.
 */
async function noExistingItemWasDeleted(world: OracleWorld): Promise<void> {
  for (const [email, id] of world.accounts)
    for (const [kind, entity] of NEVER_BACK) {
      const { rows } = await world.database.pool.query<{ entity_id: string; seq: string }>(
        `SELECT entity_id, seq FROM syncline.changes WHERE account_id = $1 AND entity = $2 AND op = 'deleted' AND entity_id = ANY($3)`,
        [id, entity, livingIn(world, email, { kind, external_id: '' })],
      );
      const short = world.shortListings.get(`${id} ${kind}`) ?? 0;
      if (rows.length > SMALL_SWEEP * short && !isConfirmedByShortListings(kind, short - 1))
        throw new Found(
          'nothing that is alive was deleted',
          `${email}: ${rows
            .slice(0, 3)
            .map((row) => `${row.entity_id} by ${row.seq}`)
            .join(', ')}`,
        );
    }
}

const NEVER_BACK = [
  ['gmail', 'message'],
  ['contacts-connections', 'contact'],
  ['contacts-other', 'other_contact'],
  ['contacts-groups', 'contact_group'],
] as const;

/**
 * Checks that an outage quarantines nothing, and a bad item no other item. An item in hand when
 * workers crashed may be quarantined without fault; its reason identifies it.
 */
async function onlyFailingItemsWereQuarantined(world: OracleWorld): Promise<void> {
  const { rows } = await world.database.pool.query<{ item_id: string; reason: string }>(
    `SELECT DISTINCT q.item_id, q.reason FROM syncline.oracle_quarantined q JOIN syncline.accounts a ON a.id = q.account_id
      WHERE q.item_id <> ALL($1) AND q.reason NOT LIKE '%ended the worker%' LIMIT 3`,
    [[...world.failingItems.keys()]],
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
  'contacts-connections': ['people.connections.list'],
  'contacts-other': ['otherContacts.list'],
  'contacts-groups': ['contactGroups.list'],
};

async function listingsCompleted(world: OracleWorld): Promise<void> {
  const { rows } = await world.database.pool.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM syncline.collections WHERE kind = 'calendar-events'`,
  );
  // Each calendar may have such a listing.
  const calendars = rows[0]?.n ?? 0;
  const triesOf = (method: string): number =>
    [...world.endlessTries].reduce(
      (sum, [kind, tries]) => sum + (LISTED_BY[kind].includes(method) ? tries : 0),
      method === 'events.list' ? calendars : 0,
    );
  for (const [method, { calls }] of Object.entries(world.simulator.ledger.snapshot().methods)) {
    const most = CALLS_OF_A_METHOD + CALLS_OF_AN_ENDLESS_LISTING * triesOf(method);
    if (method.endsWith('.list') && calls > most)
      throw new Found('no run repeats without an end', `${calls} calls of ${method}`);
  }
}

/** Checks that every active collection has a next date, and every other one a reason. */
async function noCollectionIsIdle(world: OracleWorld): Promise<void> {
  const idle = await world.database.pool.query<{ name: string }>(
    `SELECT a.email || ' ' || c.kind || ' ' || c.external_id AS name FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE (a.state = 'active' AND c.state = 'active' AND c.next_sync_at > now() + interval '20 minutes')
         OR (a.state <> 'active' AND a.reason IS NULL) OR (c.state <> 'active' AND c.error IS NULL)
         OR (a.state = 'active' AND c.kind <> 'calendar-events' AND c.state <> 'active')
         OR (a.state = 'active' AND c.state = 'gone' AND EXISTS (SELECT 1 FROM syncline.calendars k WHERE k.account_id = a.id AND k.id = c.external_id))`,
  );
  if (idle.rows.length > 0)
    throw new Found('never silently idle', idle.rows.map((row) => row.name).join(', '));
  // Accounts without a valid grant read nothing again.
  const set = await world.database.pool.query<{ item_id: string; reason: string }>(
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
function noViolationsCounted(world: OracleWorld): void {
  const { violations, callsAfterInvalidGrant, callsAfterRevoke, methods, faults } =
    world.simulator.ledger.snapshot();
  // Two accounts of one person have their own copies of the grant: each receives the refusal once.
  const shared = 2 * (world.fired.get('second tenant') ?? 0) * (faults['revoke-grant'] ?? 0);
  if (violations.total > 0)
    throw new Found('no quota violation', JSON.stringify(violations.recent.slice(0, 3)));
  if (callsAfterInvalidGrant + callsAfterRevoke > world.callsForgiven + shared)
    throw new Found(
      'no call after a refused grant',
      `${callsAfterInvalidGrant + callsAfterRevoke} calls`,
    );
  for (const [method, { units }] of Object.entries(methods)) {
    const charged = world.engine.charged(method);
    if (charged < units)
      throw new Found(
        'whatever reaches Google is charged',
        `${method}: Google counted ${units} units, the governor ${charged}`,
      );
  }
}
