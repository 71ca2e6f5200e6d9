import { shortListingsIn } from './listings.js';
import { removeSecond } from './people.js';
import { endFleetFaults, endItemFaults, othersAreMirrored } from './item-faults.js';
import {
  accountsOf,
  activeCollections,
  connect,
  Found,
  note,
  passTime,
  work,
  type OracleWorld,
} from './world.js';

/**
 * The maximum number of scheduler rounds until no work is pending; work that is left then would
 * never end.
 */
const MAX_ROUNDS = 40;

const A_DAY_MS = 25 * 3_600_000;

/**
 * Ends users' actions, faults and crashes. Most people whose grant is refused, or whom policy
 * forbade everything, consent again; the other accounts must stay in their named state.
 */
export async function makeQuiet(world: OracleWorld): Promise<void> {
  await endFleetFaults(world);
  await othersAreMirrored(world);
  await endItemFaults(world);
  await removeSecond(world);
  if (
    world.simulator.ledger.snapshot().faults['revoke-grant'] ||
    world.fired.has('grant of another account')
  )
    await findRefusals(world);
  const waiting = (await accountsOf(world)).filter((account) => account.state !== 'active');
  for (const account of waiting) {
    if (!['reauth_required', 'disabled'].includes(account.state) || !account.reason)
      throw new Found(
        'never silently idle',
        `${account.email} is ${account.state} without a reason`,
      );
    if (world.chance.happens(0.2)) leave(world, account.id);
    else await connect(world, account.email, world.simulator.consent(account.email), 'default');
  }
  const midway = await world.database.pool.query(
    "SELECT 1 FROM syncline.collections WHERE kind = 'calendar-list' AND phase = 'full'",
  );
  // Changes without a trace in deltas (renamed labels, the access to calendars) are read again in
  // full at this age.
  await passTime(world, A_DAY_MS, true);
  // Full syncs are counted per day, and a refused calendar is not tried again at once: both by the
  // database's clock.
  await world.database.pool.query(
    `UPDATE syncline.collections SET full_syncs_since = full_syncs_since - interval '25 hours', gone_at = gone_at - interval '25 hours'`,
  );
  // A listing that lacked a few rows is accepted: an audit finds them, and a full sync restores
  // them.
  await catchUp(world, { full: shortListingsIn(world) > 0 });
  // A list in the middle of a full sync may have passed the entry of a refused calendar before its
  // waiting time was over: the next sync opens it.
  const refused = await world.database.pool.query(
    "SELECT 1 FROM syncline.collections g JOIN syncline.calendars k ON k.account_id = g.account_id AND k.id = g.external_id WHERE g.kind = 'calendar-events' AND g.state = 'gone'",
  );
  if (refused.rowCount) await catchUp(world);
  // A list in the middle of a full sync may have passed a calendar before it was shared again: the
  // next day's listing has it.
  if (midway.rowCount) {
    await passTime(world, A_DAY_MS, true);
    await catchUp(world);
  }
}

/** Leaves this account in its state; it is compared with nothing. */
function leave(world: OracleWorld, accountId: string): void {
  for (const [email, id] of world.accounts) if (id === accountId) world.accounts.delete(email);
}

/**
 * Runs every collection, so that a withdrawn grant is found before the checks; no access token of
 * an older grant is then valid.
 */
async function findRefusals(world: OracleWorld): Promise<void> {
  await passTime(world, 61 * 60_000, true);
  for (const collection of await activeCollections(world)) await work(world, collection, 60_000);
}

interface CatchUp {
  full?: boolean;
  /** Default: all active accounts. */
  accountIds?: string[];
  /** Whether some runs get slices that end at once; default true. */
  withShortSlices?: boolean;
}

/**
 * Does the work of scheduler and workers until every collection was served by a run that began
 * after this call.
 */
export async function catchUp(world: OracleWorld, options: CatchUp = {}): Promise<void> {
  const { schedule } = world.engine.store;
  const ids =
    options.accountIds ??
    (await accountsOf(world))
      .filter((account) => account.state === 'active')
      .map((account) => account.id);
  const since = await schedule.requestSync(ids, { full: options.full ?? false });
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const sentAway = await runDueCollections(world, ids, since, options.withShortSlices ?? true);
    await confirmMailboxes(world, ids);
    if ((await schedule.behindSince(ids, since)).length === 0) return;
    await passTime(world, 5_000, sentAway);
  }
  const behind = await schedule.behindSince(ids, since);
  throw new Found(
    'never silently idle',
    `not served: ${behind.map((c) => `${c.email} ${c.kind} ${c.externalId} (${c.accountState}, ${c.reason})`).join('; ')}`,
  );
}

/**
 * People decide what the engine cannot: when all that was stored has been deleted meanwhile,
 * nothing proves that a grant is the account's. They consent again, so that the grant is their own,
 * and confirm that.
 */
async function confirmMailboxes(world: OracleWorld, ids: readonly string[]): Promise<void> {
  const { store } = world.engine;
  const accounts = new Map((await accountsOf(world)).map((account) => [account.id, account]));
  for (const [email, id] of world.accounts) {
    const account = accounts.get(id);
    if (!ids.includes(id) || !account?.reason?.startsWith('nothing proves')) continue;
    if (world.consentedAgain.has(id)) {
      if (await store.grantChecks.vouch(id)) note(world, 'mailbox confirmed by a person');
    } else {
      world.consentedAgain.add(id);
      await connect(world, email, world.simulator.consent(email), account.tenant);
    }
  }
}

/**
 * Runs one round: every due collection that was not served yet. Returns whether any of them ended
 * with an outcome other than `caught-up`.
 */
async function runDueCollections(
  world: OracleWorld,
  ids: string[],
  since: string,
  withShortSlices: boolean,
): Promise<boolean> {
  const due = new Set(
    (await world.engine.store.schedule.claimDue({ limit: 100, visibilityMs: 60_000 })).map(
      (collection) => collection.id,
    ),
  );
  let sentAway = false;
  for (const collection of await activeCollections(world, since)) {
    if (!due.has(collection.id) || !ids.includes(collection.account_id)) continue;
    sentAway =
      (await work(world, collection, withShortSlices && world.chance.happens(0.25) ? 5 : 60_000))
        .kind !== 'caught-up' || sentAway;
  }
  return sentAway;
}
