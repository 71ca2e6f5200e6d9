import { GoogleError } from '@syncline/google';
import { describeError, unreachable, type Runtime } from '@syncline/runtime';
import { LEASE_TTL_MS, LeaseLost, type Lease, type Settlement } from '@syncline/store';
import { begunAgain, isPaged, phaseOf, type Cursor } from './cursor.js';
import { AccountHeld } from './identity/check-grant.js';
import { verdictOf, type Outcome, type Reauthorization, type Verdict } from './outcome.js';
import { MAX_WALKS_A_DAY, restFor, type Rest } from './parking.js';
import type { Position } from './position.js';
import { projectTryDelayMs } from './probe-schedule.js';
import type { SyncDeps } from './sync-collection.js';
import type { CaughtUp, Turn, TurnContext } from './turn.js';
import { afterRun, noteAfterRun } from './watch/after-run.js';

/**
 * How a run ends: by what Google has told it, or by the error that ended it. One function writes each of these to the
 * collection and makes the job's outcome of it.
 */
export type Ended =
  | CaughtUp
  /** The time slice is spent, or the process drains. */
  | { kind: 'more' }
  /** Level but for a sweep that waits for evidence until then, in milliseconds since the epoch. */
  | { kind: 'held'; untilMs: number; reason: string }
  | Extract<Verdict, { kind: 'snoozed' | 'parked' | 'reauth-required' | 'gone' }>
  /** A bug of ours: written down, and thrown on. */
  | { kind: 'failed'; error: unknown };

/** Runs that end without a word, in a row, before items are taken one by one. */
export const CAREFUL_AFTER_CRASHES = 2;

/**
 * Writes how the run ended and when the collection comes next.
 * @param calm the run is counted as one that ended properly, after runs that ended without a word
 * @throws LeaseLost, and nothing is written; the error of a run that `failed`
 */
export async function settleRun(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  ended: Ended,
  calm: boolean,
): Promise<Outcome> {
  switch (ended.kind) {
    case 'caught-up':
    case 'held':
      return settleLevel(rt, deps, lease, position, ended);
    case 'more':
      return settleMore(deps, lease, position, calm);
    case 'snoozed':
      return snooze(rt, deps, lease, ended, calm);
    case 'parked':
      return park(rt, deps, lease, ended, position.cursor);
    case 'reauth-required':
      return reauthorize(rt, deps, lease, ended);
    case 'gone':
      await deps.store.lease.settleGone(lease, 'Google no longer shows it to this account');
      return { kind: 'gone' };
    case 'failed':
      return settleFailed(rt, deps, lease, ended.error);
    default:
      return unreachable(ended);
  }
}

/** The same for a run that an error ended. What somebody else has taken over is written by nobody here. */
export async function settleError(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  error: unknown,
  signal: AbortSignal,
): Promise<Outcome> {
  if (error instanceof LeaseLost) return lostOrThrow(rt, error);
  if (error instanceof AccountHeld) return { kind: 'reauth-required', reason: error.reason };
  const isCutOff = signal.aborted && !(error instanceof GoogleError);
  if (isCutOff && signal.reason instanceof LeaseLost) return lostOrThrow(rt, signal.reason);
  const ended: Ended = isCutOff ? { kind: 'more' } : endedBy(rt, lease, position, error);
  return settleRun(rt, deps, lease, position, ended, lease.crashes < CAREFUL_AFTER_CRASHES);
}

function endedBy(rt: Runtime, lease: Lease, position: Position, error: unknown): Ended {
  if (!(error instanceof GoogleError)) return { kind: 'failed', error };
  const verdict = judge(rt, lease, position, error);
  switch (verdict.kind) {
    // Taken care of in takeTurn; a bookmark that expires in the first turn of a new listing is a bug.
    case 'walk-again':
    case 'list-again':
    case 'failed':
      return { kind: 'failed', error };
    case 'snoozed':
    case 'parked':
    case 'reauth-required':
    case 'gone':
      return verdict;
    default:
      return unreachable(verdict);
  }
}

/** A run that a turn has ended before the collection was level. */
export function endedEarly(
  { rt, lease }: Pick<TurnContext, 'rt' | 'lease'>,
  rest: Exclude<NonNullable<Turn['rest']>, CaughtUp>,
): Ended {
  if (rest.kind === 'snoozed') return rest;
  const { cause } = rest;
  const parked = restFor(cause, lease.kind, lease.failures, rt.random.next());
  return { kind: 'parked', code: cause, ...parked };
}

async function settleMore(
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  calm: boolean,
): Promise<Outcome> {
  await deps.store.lease.settle(lease, {
    result: 'more',
    nextInMs: 0,
    error: null,
    calm,
    spent: position.untold,
  });
  position.untold = [];
  return { kind: 'more', full: phaseOf(position.cursor) !== 'follow' };
}

type LevelEnd = CaughtUp | Extract<Ended, { kind: 'held' }>;

/**
 * A run that is level with Google, but for a sweep that may wait for evidence: what is next is a
 * matter of policy.
 */
async function settleLevel(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  ended: LevelEnd,
): Promise<Outcome> {
  const nowMs = rt.clock.nowMs();
  const lastChangeAtMs = position.changed > 0 ? nowMs : (lease.lastChangeAt?.getTime() ?? null);
  const after = afterRun(
    lease,
    {
      changed: position.changed,
      unlogged: position.unlogged,
      nowMs,
      lastChangeAtMs,
      jitter: rt.random.next(),
    },
    deps.policy,
    deps.doorbells,
  );
  const next = nextAfterLevel(ended, after.nextInMs, nowMs);
  position.nextSyncAtMs = nowMs + next.nextInMs;
  const { wantedAgain } = await deps.store.lease.settle(lease, {
    result: ended.kind,
    ...next,
    spent: position.untold,
  });
  position.untold = [];
  await noteAfterRun(
    rt,
    deps.store,
    lease,
    after,
    position.storedAtMs && position.storedAtMs - position.beganMs,
  );
  if (wantedAgain) return { kind: 'more', full: phaseOf(position.cursor) !== 'follow' };
  return ended.kind === 'held'
    ? { kind: 'held', until: later(rt, Math.max(0, ended.untilMs - nowMs)), reason: ended.reason }
    : { kind: 'caught-up', changes: position.changed };
}

/** When the collection is looked at next, and what `syncline status` says until then. */
function nextAfterLevel(
  ended: LevelEnd,
  nextInMs: number,
  nowMs: number,
): Pick<Settlement, 'nextInMs' | 'error' | 'asOfFullSync'> {
  if (ended.kind === 'held')
    return {
      nextInMs: Math.min(nextInMs, Math.max(0, ended.untilMs - nowMs)),
      error: ended.reason,
    };
  const { withoutPosition } = ended;
  return {
    nextInMs: Math.max(nextInMs, withoutPosition?.fullSyncInMs ?? 0),
    error: withoutPosition?.why ?? null,
    asOfFullSync: withoutPosition?.fullSyncInMs !== undefined,
  };
}

/**
 * The longest that a collection is put off in Redis. A delayed job holds its collection's place in the queue, so a wish that comes meanwhile
 * (`syncline sync`, a push) would not get in before the delay is over. Whatever rests longer rests in Postgres only, where `next_sync_at` says when
 * and a wish can move it.
 */
export const QUEUED_SNOOZE_LIMIT_MS = 30_000;
/** A snoozed job waits in Redis; the schedule remembers it too, a little later, in case Redis forgets. */
const SNOOZE_GRACE_MS = 5_000;
const FAILED_BASE_MS = 30_000;
const FAILED_CAP_MS = 15 * 60_000;

async function snooze(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  { delayMs, reason, counts }: Extract<Ended, { kind: 'snoozed' }>,
  calm: boolean,
): Promise<Outcome> {
  await deps.store.lease.settle(lease, {
    result: 'snoozed',
    nextInMs: delayMs + (delayMs > QUEUED_SNOOZE_LIMIT_MS ? 0 : SNOOZE_GRACE_MS),
    error: reason,
    countsAsFailure: counts,
    calm,
  });
  return { kind: 'snoozed', until: later(rt, delayMs), reason };
}

/**
 * A grant without the scope is asked anew at the next look: what is cached may be older than a new
 * consent. A listing without an end is begun again at the next look: its page tokens lead nowhere.
 */
async function park(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  rest: Rest & { code: string },
  cursor: Cursor,
): Promise<Outcome> {
  if (rest.cause === 'scope') await deps.google.forgetToken(lease.accountId);
  const again = rest.cause === 'endless' ? begunAgain(cursor) : null;
  const { project } = lease;
  const refused = rest.waitsFor && { project, scope: rest.waitsFor, code: rest.code };
  const isNews = await deps.store.lease.park(lease, {
    cause: rest.cause,
    reason: rest.reason,
    nextInMs: rest.delayMs,
    ...(refused ? { waitsFor: { ...refused, tryInMs: projectTryDelayMs(0) } } : {}),
    ...(again ? { beginsAgain: { cursor: again, phase: phaseOf(again) } } : {}),
  });
  if (isNews)
    rt.log.warn(
      { event: 'project_refused', ...refused },
      'Google refuses a project: its accounts wait, and one of them is tried for all',
    );
  return { kind: 'parked', until: later(rt, rest.delayMs), reason: rest.reason };
}

/**
 * A grant that was imported during the run is not refused by what Google said of the one before.
 */
async function reauthorize(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  refused: Reauthorization,
): Promise<Outcome> {
  if (await deps.store.accounts.requireReauth(lease, refused))
    return { kind: 'reauth-required', reason: refused.reason };
  return {
    kind: 'snoozed',
    until: later(rt, OVERTAKEN_REST_MS),
    reason: 'another grant was imported',
  };
}

const OVERTAKEN_REST_MS = 1_000;

async function settleFailed(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  error: unknown,
): Promise<never> {
  const nextInMs =
    Math.min(FAILED_CAP_MS, FAILED_BASE_MS * 2 ** Math.min(lease.failures, 10)) *
    (0.9 + 0.2 * rt.random.next());
  await deps.store.lease.settle(lease, { result: 'failed', nextInMs, error: describeError(error) });
  throw error;
}

export function later(rt: Runtime, ms: number): Date {
  return new Date(rt.clock.nowMs() + ms);
}
export function judge(rt: Runtime, lease: Lease, position: Position, error: GoogleError): Verdict {
  const place = { kind: lease.kind, phase: position.cursor.phase, paged: isPaged(position.cursor) };
  const jitter = rt.random.next();
  // Pages of a listing without an end are committed and end the count of failures; the count of
  // such listings outlives them.
  const failures = error.detail.kind === 'endless-listing' ? lease.endlessListings : lease.failures;
  const verdict = verdictOf(error.detail, place, failures, jitter);
  const walks = lease.walksToday + position.restarts;
  return verdict.kind === 'walk-again' && walks >= MAX_WALKS_A_DAY
    ? { kind: 'parked', code: 'restless', ...restFor('restless', lease.kind, 0, jitter) }
    : verdict;
}

/** Somebody else has the collection now, and whatever is to be said of it: nothing is settled. */
export function lostOrThrow(rt: Runtime, error: unknown): Outcome {
  if (error instanceof LeaseLost) return { kind: 'busy', until: later(rt, LEASE_TTL_MS / 4) };
  throw error;
}
