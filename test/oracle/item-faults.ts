import type { FaultOrder } from '@syncline/simulator';
import { shortListingsIn } from './listings.js';
import { activeCollections, Found, note, passTime, work, type OracleWorld } from './world.js';

/*
 * Faults of one item: a permanently bad response, or a row that Postgres refuses. They delay no
 * other item. The world keeps them until no other work is pending; everything else must then be
 * mirrored before the faults end.
 */

const ITEM_FAULTS = ['403-permission', '500', 'malformed-json'] as const;

/**
 * Makes one message, stored or not, unreadable from now on. Only a few per mailbox: many would
 * count as the mailbox's own failure, and park it.
 */
export async function makeItemUnreadable(world: OracleWorld): Promise<string> {
  const item = await pickMessage(world, true);
  if (item === null) return 'no message is left to spoil';
  const kind = world.chance.pick(ITEM_FAULTS);
  world.simulator.faults.add({ kind, item: item.id } as FaultOrder);
  world.failingItems.set(item.id, item.email);
  note(world, `item ${kind}`);
  return `${kind} for ${item.id}`;
}

/** Makes a trigger refuse one message, like a constraint of the operator's. */
export async function refuseRow(world: OracleWorld): Promise<string> {
  // Two in a small page would count as a failure of the fleet, and fail the run.
  if (world.fired.has(REFUSED)) return 'one is refused already';
  const item = await pickMessage(world, world.chance.happens(0.5));
  if (item === null) return 'no message is left to refuse';
  await world.database.pool.query('INSERT INTO syncline.oracle_refused VALUES ($1)', [item.id]);
  world.failingItems.set(item.id, item.email);
  note(world, REFUSED);
  return item.id;
}

const REFUSED = 'row refused by Postgres';
const FAILING_ITEMS_LIMIT = 2;

/**
 * @param isNew whether a message that is not stored yet is preferred: a stored message is seldom
 * read again
 */
async function pickMessage(
  world: OracleWorld,
  isNew: boolean,
): Promise<{ id: string; email: string } | null> {
  if (world.failingItems.size >= FAILING_ITEMS_LIMIT) return null;
  const email = world.chance.pick([...world.accounts.keys()]);
  if (isNew) world.simulator.act(email, { action: 'deliver' });
  const ids = world.simulator
    .gmailTruth(email)
    .map(({ id }) => id)
    .filter((id) => !world.failingItems.has(id));
  if (ids.length < 3) return null;
  const stored = await storedIds(world, world.accounts.get(email));
  const unstored = ids.filter((id) => !stored.has(id));
  return { id: world.chance.pick(isNew && unstored.length > 0 ? unstored : ids), email };
}

async function storedIds(world: OracleWorld, accountId: string | undefined): Promise<Set<string>> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages WHERE account_id = $1',
    [accountId],
  );
  return new Set(rows.map(({ id }) => id));
}

/**
 * Scheduler rounds within which every other item must be stored: longer than an item's tries take.
 */
const ROUNDS = 12;

/**
 * Ends all faults except those of items.
 * @throws Found when an item without a fault waits for one with a fault
 */
export async function othersAreMirrored(world: OracleWorld): Promise<void> {
  if (world.failingItems.size === 0) return;
  // Sync positions and page tokens that expired before have used up the full syncs of a day, which
  // is not due to the item; an item that uses that many by itself is still found.
  await world.database.pool.query(
    `UPDATE syncline.collections SET full_syncs_since = full_syncs_since - interval '25 hours'`,
  );
  // A listing that lacked a few messages is accepted: a full sync restores them, beside the bad
  // item.
  if (shortListingsIn(world) > 0)
    await world.engine.store.schedule.requestSync([...world.accounts.values()], { full: true });
  let left: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const collection of await activeCollections(world)) await work(world, collection, 60_000);
    left = await unmirrored(world);
    if (left.length === 0) return note(world, 'others mirrored beside a bad item');
    await passTime(world, 60_000, true);
  }
  throw new Found(
    'one bad item delays no other item',
    `beside ${[...world.failingItems.keys()].join(', ')} these wait: ${left.slice(0, 5).join(', ')}`,
  );
}

/** Returns other messages that are not stored, and mailboxes that are not in phase incremental. */
async function unmirrored(world: OracleWorld): Promise<string[]> {
  const waiting = await world.database.pool.query<{ name: string }>(
    `SELECT a.email || ' is ' || coalesce(c.parked, c.phase) AS name FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE c.kind = 'gmail' AND a.id = ANY($1) AND a.state = 'active' AND (c.phase <> 'incremental' OR c.parked IS NOT NULL)`,
    [[...world.accounts.values()]],
  );
  const missing = waiting.rows.map(({ name }) => name);
  for (const { id: accountId, email } of await activeMailboxes(world)) {
    const stored = await storedIds(world, accountId);
    missing.push(
      ...world.simulator
        .gmailTruth(email)
        .map(({ id }) => id)
        .filter((id) => !stored.has(id) && !world.failingItems.has(id)),
    );
  }
  return missing;
}

async function activeMailboxes(world: OracleWorld): Promise<{ id: string; email: string }[]> {
  const ids = [...world.accounts.values()];
  const { rows } = await world.database.pool.query<{ id: string; email: string }>(
    `SELECT a.id, a.email FROM syncline.accounts a WHERE a.id = ANY($1) AND a.state = 'active'`,
    [ids],
  );
  return rows.filter(({ email }) => world.accounts.has(email));
}

/** Ends every fault that is not one item's. */
export async function endFleetFaults({ simulator }: OracleWorld): Promise<void> {
  const active = simulator.faults.list();
  simulator.faults.clear();
  for (const { order } of active) if (order.item !== undefined) simulator.faults.add(order);
}

/**
 * Makes unreadable items readable and refused rows acceptable, and requests another try, as a
 * person would after a repair.
 */
export async function endItemFaults(world: OracleWorld): Promise<void> {
  world.simulator.faults.clear();
  await world.database.pool.query('DELETE FROM syncline.oracle_refused');
  const ids = [...world.failingItems.keys()];
  for (const accountId of world.accounts.values())
    if (ids.length > 0) await world.engine.store.quarantine.retry(accountId, ids);
}
