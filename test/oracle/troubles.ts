import type { FaultOrder } from '@syncline/simulator';
import { liesIn } from './listings.js';
import { activeCollections, Found, note, passTime, work, type Stage } from './stage.js';

/*
 * Faults of one item: a permanently bad response, or a row that Postgres refuses. They delay no
 * other item. The world keeps them until no other work is pending; everything else must then be
 * mirrored before the faults end.
 */

const SPOILINGS = ['403-permission', '500', 'malformed-json'] as const;

/**
 * Makes one message, stored or not, unreadable from now on. Only a few per mailbox: many would
 * count as the mailbox's own failure, and park it.
 */
export async function makeItemUnreadable(stage: Stage): Promise<string> {
  const item = await pickMessage(stage, true);
  if (item === null) return 'no message is left to spoil';
  const kind = stage.chance.pick(SPOILINGS);
  stage.simulator.faults.add({ kind, item: item.id } as FaultOrder);
  stage.troubled.set(item.id, item.email);
  note(stage, `item ${kind}`);
  return `${kind} for ${item.id}`;
}

/** Makes a trigger refuse one message, like a constraint of the operator's. */
export async function refuseRow(stage: Stage): Promise<string> {
  // Two in a small page would count as a failure of the fleet, and fail the run.
  if (stage.fired.has(REFUSED)) return 'one is refused already';
  const item = await pickMessage(stage, stage.chance.happens(0.5));
  if (item === null) return 'no message is left to refuse';
  await stage.database.pool.query('INSERT INTO syncline.oracle_refused VALUES ($1)', [item.id]);
  stage.troubled.set(item.id, item.email);
  note(stage, REFUSED);
  return item.id;
}

const REFUSED = 'row refused by Postgres';
const TROUBLED_AT_MOST = 2;

/**
 * @param isNew whether a message that is not stored yet is preferred: a stored message is seldom
 * read again
 */
async function pickMessage(
  stage: Stage,
  isNew: boolean,
): Promise<{ id: string; email: string } | null> {
  if (stage.troubled.size >= TROUBLED_AT_MOST) return null;
  const email = stage.chance.pick([...stage.accounts.keys()]);
  if (isNew) stage.simulator.act(email, { action: 'deliver' });
  const ids = stage.simulator
    .gmailTruth(email)
    .map(({ id }) => id)
    .filter((id) => !stage.troubled.has(id));
  if (ids.length < 3) return null;
  const stored = await storedIds(stage, stage.accounts.get(email));
  const unstored = ids.filter((id) => !stored.has(id));
  return { id: stage.chance.pick(isNew && unstored.length > 0 ? unstored : ids), email };
}

async function storedIds(stage: Stage, accountId: string | undefined): Promise<Set<string>> {
  const { rows } = await stage.database.pool.query<{ id: string }>(
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
export async function othersAreMirrored(stage: Stage): Promise<void> {
  if (stage.troubled.size === 0) return;
  // Sync positions and page tokens that expired before have used up the full syncs of a day, which
  // is not due to the item; an item that uses that many by itself is still found.
  await stage.database.pool.query(
    `UPDATE syncline.collections SET full_syncs_since = full_syncs_since - interval '25 hours'`,
  );
  // A listing that lacked a few messages is accepted: a full sync restores them, beside the bad
  // item.
  if (liesIn(stage) > 0)
    await stage.engine.store.collections.requestSync([...stage.accounts.values()], { full: true });
  let left: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const collection of await activeCollections(stage)) await work(stage, collection, 60_000);
    left = await unmirrored(stage);
    if (left.length === 0) return note(stage, 'others mirrored beside a bad item');
    await passTime(stage, 60_000, true);
  }
  throw new Found(
    'one bad item delays no other item',
    `beside ${[...stage.troubled.keys()].join(', ')} these wait: ${left.slice(0, 5).join(', ')}`,
  );
}

/** Returns other messages that are not stored, and mailboxes that are not in phase incremental. */
async function unmirrored(stage: Stage): Promise<string[]> {
  const waiting = await stage.database.pool.query<{ name: string }>(
    `SELECT a.email || ' is ' || coalesce(c.parked, c.phase) AS name FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
      WHERE c.kind = 'gmail' AND a.id = ANY($1) AND a.state = 'active' AND (c.phase <> 'incremental' OR c.parked IS NOT NULL)`,
    [[...stage.accounts.values()]],
  );
  const missing = waiting.rows.map(({ name }) => name);
  for (const { id: accountId, email } of await activeMailboxes(stage)) {
    const stored = await storedIds(stage, accountId);
    missing.push(
      ...stage.simulator
        .gmailTruth(email)
        .map(({ id }) => id)
        .filter((id) => !stored.has(id) && !stage.troubled.has(id)),
    );
  }
  return missing;
}

async function activeMailboxes(stage: Stage): Promise<{ id: string; email: string }[]> {
  const ids = [...stage.accounts.values()];
  const { rows } = await stage.database.pool.query<{ id: string; email: string }>(
    `SELECT a.id, a.email FROM syncline.accounts a WHERE a.id = ANY($1) AND a.state = 'active'`,
    [ids],
  );
  return rows.filter(({ email }) => stage.accounts.has(email));
}

/** Ends every fault that is not one item's. */
export async function endFleetTroubles({ simulator }: Stage): Promise<void> {
  const standing = simulator.faults.list();
  simulator.faults.clear();
  for (const { order } of standing) if (order.item !== undefined) simulator.faults.add(order);
}

/**
 * Makes unreadable items readable and refused rows acceptable, and requests another try, as a
 * person would after a repair.
 */
export async function endTroubles(stage: Stage): Promise<void> {
  stage.simulator.faults.clear();
  await stage.database.pool.query('DELETE FROM syncline.oracle_refused');
  const ids = [...stage.troubled.keys()];
  for (const accountId of stage.accounts.values())
    if (ids.length > 0) await stage.engine.store.quarantine.retry(accountId, ids);
}
