import { liesIn } from './listings.js';
import { removeSecond } from './people.js';
import { endFleetTroubles, endTroubles, othersAreMirrored } from './troubles.js';
import {
  accountsOf,
  activeCollections,
  connect,
  Found,
  passTime,
  work,
  type Stage,
} from './stage.js';

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
export async function makeQuiet(stage: Stage): Promise<void> {
  await endFleetTroubles(stage);
  await othersAreMirrored(stage);
  await endTroubles(stage);
  await removeSecond(stage);
  if (
    stage.simulator.ledger.snapshot().faults['revoke-grant'] ||
    stage.fired.has('grant of another account')
  )
    await letRefusalsShow(stage);
  const waiting = (await accountsOf(stage)).filter((account) => account.state !== 'active');
  for (const account of waiting) {
    if (!['reauth_required', 'disabled'].includes(account.state) || !account.reason)
      throw new Found(
        'never silently idle',
        `${account.email} is ${account.state} without a reason`,
      );
    if (stage.chance.happens(0.2)) leave(stage, account.id);
    else await connect(stage, account.email, stage.simulator.consent(account.email), 'default');
  }
  const midway = await stage.database.pool.query(
    "SELECT 1 FROM syncline.collections WHERE kind = 'calendar-list' AND phase = 'full'",
  );
  // Changes without a trace in deltas (renamed labels, the access to calendars) are read again in
  // full at this age.
  await passTime(stage, A_DAY_MS, true);
  // Full syncs are counted per day, and a refused calendar is not tried again at once: both by the
  // database's clock.
  await stage.database.pool.query(
    `UPDATE syncline.collections SET full_syncs_since = full_syncs_since - interval '25 hours', gone_at = gone_at - interval '25 hours'`,
  );
  // A listing that lacked a few rows is accepted: an audit finds them, and a full sync restores
  // them.
  await catchUp(stage, { full: liesIn(stage) > 0 });
  // A list in the middle of a full sync may have passed the entry of a refused calendar before its
  // waiting time was over: the next sync opens it.
  const refused = await stage.database.pool.query(
    "SELECT 1 FROM syncline.collections g JOIN syncline.calendars k ON k.account_id = g.account_id AND k.id = g.external_id WHERE g.kind = 'calendar-events' AND g.state = 'gone'",
  );
  if (refused.rowCount) await catchUp(stage);
  // A list in the middle of a full sync may have passed a calendar before it was shared again: the
  // next day's listing has it.
  if (midway.rowCount) {
    await passTime(stage, A_DAY_MS, true);
    await catchUp(stage);
  }
}

/** Leaves this account in its state; it is compared with nothing. */
function leave(stage: Stage, accountId: string): void {
  for (const [email, id] of stage.accounts) if (id === accountId) stage.accounts.delete(email);
}

/**
 * Runs every collection, so that a withdrawn grant is found before the checks; no access token of
 * an older grant is then valid.
 */
async function letRefusalsShow(stage: Stage): Promise<void> {
  await passTime(stage, 61 * 60_000, true);
  for (const collection of await activeCollections(stage)) await work(stage, collection, 60_000);
}

interface CatchUp {
  full?: boolean;
  /** Default: all active accounts. */
  accountIds?: string[];
  /** Whether some runs get slices that end at once; default true. */
  hurried?: boolean;
}

/**
 * Does the work of scheduler and workers until every collection was served by a run that began
 * after this call.
 */
export async function catchUp(stage: Stage, options: CatchUp = {}): Promise<void> {
  const { collections } = stage.engine.store;
  const ids =
    options.accountIds ??
    (await accountsOf(stage))
      .filter((account) => account.state === 'active')
      .map((account) => account.id);
  const since = await collections.requestSync(ids, { full: options.full ?? false });
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const sentAway = await serve(stage, ids, since, options.hurried ?? true);
    if ((await collections.behindSince(ids, since)).length === 0) return;
    await passTime(stage, 5_000, sentAway);
  }
  const behind = await collections.behindSince(ids, since);
  throw new Found(
    'never silently idle',
    `not served: ${behind.map((c) => `${c.email} ${c.kind} ${c.externalId} (${c.accountState}, ${c.reason})`).join('; ')}`,
  );
}

/**
 * Runs one round: every due collection that was not served yet. Returns whether any of them ended
 * with an outcome other than `caught-up`.
 */
async function serve(
  stage: Stage,
  ids: string[],
  since: string,
  hurried: boolean,
): Promise<boolean> {
  const due = new Set(
    (await stage.engine.store.collections.claimDue({ limit: 100, visibilityMs: 60_000 })).map(
      (collection) => collection.id,
    ),
  );
  let sentAway = false;
  for (const collection of await activeCollections(stage, since)) {
    if (!due.has(collection.id) || !ids.includes(collection.account_id)) continue;
    sentAway =
      (await work(stage, collection, hurried && stage.chance.happens(0.25) ? 5 : 60_000)).kind !==
        'caught-up' || sentAway;
  }
  return sentAway;
}
