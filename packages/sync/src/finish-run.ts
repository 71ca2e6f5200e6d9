import { GoogleError } from '@syncline/google';
import { describeError, unreachable, type Runtime } from '@syncline/runtime';
import { LeaseLost, type Lease, type Leases } from '@syncline/store';
import { begunAgain, isPaged, phaseOf, type Cursor } from './cursor.js';
import { failingPositionWords } from './failing-position.js';
import { AccountHeld } from './identity/check-grant.js';
import {
  errorOutcomeOf,
  type Outcome,
  type Reauthorization,
  type ErrorOutcome,
} from './outcome.js';
import { MAX_FULL_SYNCS_A_DAY, parkedFor, type Parked } from './parking.js';
import type { Position } from './position.js';
import { projectTryDelayMs } from './probe-schedule.js';
import type { SyncDeps } from './sync-collection.js';
import type { CaughtUp, Step, StepContext } from './step.js';
import { afterRun, noteAfterRun } from './watch/after-run.js';

/**
 * How a run ends: by a response of Google, or by an error. `finishRun` writes each of these to the
 * collection and returns the job's outcome.
 */
export type RunEnd =
  | CaughtUp
  /** The time slice is spent, or the process drains. */
  | { kind: 'more' }
  /**
   * Caught up except for a sweep that waits for evidence until `untilMs`, in milliseconds since the
   * epoch.
   */
  | { kind: 'held'; untilMs: number; reason: string }
  | Extract<ErrorOutcome, { kind: 'snoozed' | 'parked' | 'reauth-required' | 'gone' }>
  /** A bug of ours: written to the collection, and thrown. */
  | { kind: 'failed'; error: unknown };

/** Crashed runs in a row after which items are taken one by one. */
export const ISOLATE_AFTER_CRASHES = 2;

/**
 * Writes the run's outcome and the date of the collection's next sync.
 * @param calm the run counts as one that ended properly, after runs that crashed
 * @throws LeaseLost, and nothing is written; the error of a run that `failed`
 */
export async function finishRun(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  end: RunEnd,
  calm: boolean,
): Promise<Outcome> {
  switch (end.kind) {
    case 'caught-up':
    case 'held':
      return finishCaughtUp(rt, deps, lease, position, end);
    case 'more':
      return finishMore(deps, lease, position, calm);
    case 'snoozed':
      return snooze(rt, deps, lease, end, calm);
    case 'parked':
      return park(rt, deps, lease, end, position.cursor);
    case 'reauth-required':
      return reauthorize(rt, deps, lease, end);
    case 'gone':
      await deps.store.leases.finishGone(lease, 'Google no longer shows it to this account');
      return { kind: 'gone' };
    case 'failed':
      return finishFailed(rt, deps, lease, end.error);
    default:
      return unreachable(end);
  }
}

/**
 * Finishes a run that an error ended. Writes nothing when another worker has taken the lease, or
 * when the account waits for a person.
 */
export async function finishWithError(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  error: unknown,
  signal: AbortSignal,
): Promise<Outcome> {
  if (error instanceof LeaseLost) return lostOrThrow(rt, deps.store.leases, error);
  if (error instanceof AccountHeld) return { kind: 'reauth-required', reason: error.reason };
  const isCutOff = signal.aborted && !(error instanceof GoogleError);
  if (isCutOff && signal.reason instanceof LeaseLost)
    return lostOrThrow(rt, deps.store.leases, signal.reason);
  const end: RunEnd = isCutOff ? { kind: 'more' } : endOf(rt, lease, position, error);
  return finishRun(rt, deps, lease, position, end, lease.crashes < ISOLATE_AFTER_CRASHES);
}

function endOf(rt: Runtime, lease: Lease, position: Position, error: unknown): RunEnd {
  if (!(error instanceof GoogleError)) return { kind: 'failed', error };
  const refusal = outcomeOfError(rt, lease, position, error);
  switch (refusal.kind) {
    // nextStep recovers from these; a sync position that expires in the first step of a new listing
    // is a bug.
    case 'full-sync-again':
    case 'list-again':
    case 'failed':
      return { kind: 'failed', error };
    case 'snoozed':
    case 'parked':
    case 'reauth-required':
    case 'gone':
      return refusal;
    default:
      return unreachable(refusal);
  }
}

/** Returns the end of a run that a step ended before the collection was caught up. */
export function finishedEarly(
  { rt, lease }: Pick<StepContext, 'rt' | 'lease'>,
  end: Exclude<NonNullable<Step['end']>, CaughtUp>,
): RunEnd {
  if (end.kind === 'snoozed') return end;
  const { cause } = end;
  const parked = parkedFor(cause, lease.kind, lease.failures, rt.random.next());
  return { kind: 'parked', code: cause, ...parked };
}

async function finishMore(
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  calm: boolean,
): Promise<Outcome> {
  await deps.store.leases.finish(lease, {
    result: 'more',
    nextInMs: 0,
    error: null,
    calm,
    spent: position.unreported,
  });
  position.unreported = [];
  return { kind: 'more', full: phaseOf(position.cursor) !== 'incremental' };
}

type CaughtUpEnd = CaughtUp | Extract<RunEnd, { kind: 'held' }>;

/**
 * Finishes a run that is caught up with Google, possibly except for a sweep that waits for
 * evidence. The policy decides when the next sync is due.
 */
async function finishCaughtUp(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  position: Position,
  end: CaughtUpEnd,
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
    deps.watchTargets,
  );
  const next = nextWhenCaughtUp(end, after.nextInMs, nowMs);
  position.nextSyncAtMs = nowMs + next.nextInMs;
  const { requestedAgain } = await deps.store.leases.finish(lease, {
    result: end.kind,
    ...next,
    spent: position.unreported,
  });
  position.unreported = [];
  await noteAfterRun(
    rt,
    deps.store,
    lease,
    after,
    position.storedAtMs && position.storedAtMs - position.beganMs,
  );
  if (requestedAgain) return { kind: 'more', full: phaseOf(position.cursor) !== 'incremental' };
  return end.kind === 'held'
    ? { kind: 'held', until: later(rt, Math.max(0, end.untilMs - nowMs)), reason: end.reason }
    : { kind: 'caught-up', changes: position.changed };
}

/** Returns when the next sync is due, and the text that `syncline status` shows until then. */
function nextWhenCaughtUp(
  end: CaughtUpEnd,
  nextInMs: number,
  nowMs: number,
): Pick<Parameters<Leases['finish']>[1], 'nextInMs' | 'error' | 'reasonCode' | 'asOfFullSync'> {
  if (end.kind === 'held')
    return {
      nextInMs: Math.min(nextInMs, Math.max(0, end.untilMs - nowMs)),
      error: end.reason,
      reasonCode: 'sweep-held',
    };
  const { withoutPosition } = end;
  return {
    nextInMs: Math.max(nextInMs, withoutPosition?.fullSyncInMs ?? 0),
    error: withoutPosition?.why ?? null,
    reasonCode: withoutPosition ? 'no-sync-position' : null,
    asOfFullSync: withoutPosition?.fullSyncInMs !== undefined,
  };
}

/**
 * The longest delay of a collection in Redis. A delayed job occupies its collection's place in the
 * queue, so a request that arrives meanwhile (`syncline sync`, a push notification) would wait
 * until the delay is over. Longer delays are kept in Postgres only, where `next_sync_at` has the
 * date and a request can move it.
 */
export const QUEUED_SNOOZE_LIMIT_MS = 30_000;
/**
 * A snoozed job waits in Redis. Its collection is also due in Postgres this much later, in case
 * Redis loses the job.
 */
const SNOOZE_GRACE_MS = 5_000;
const FAILED_BASE_MS = 30_000;
const FAILED_CAP_MS = 15 * 60_000;

async function snooze(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  { delayMs, reason, code, counts }: Extract<RunEnd, { kind: 'snoozed' }>,
  calm: boolean,
): Promise<Outcome> {
  await deps.store.leases.finish(lease, {
    result: 'snoozed',
    nextInMs: delayMs + (delayMs > QUEUED_SNOOZE_LIMIT_MS ? 0 : SNOOZE_GRACE_MS),
    error: reason,
    reasonCode: code,
    countsAsFailure: counts,
    calm,
  });
  return { kind: 'snoozed', until: later(rt, delayMs), reason };
}

/**
 * Parks the collection. A grant without the scope is checked again at the next sync, without the
 * cached token, which may be older than a new consent. A listing without an end is begun again at
 * the next sync, because its page tokens lead nowhere.
 */
async function park(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  end: Parked & { code: string },
  cursor: Cursor,
): Promise<Outcome> {
  if (end.cause === 'scope') await deps.google.forgetToken(lease.accountId);
  const again = end.cause === 'endless' ? begunAgain(cursor) : null;
  const { project } = lease;
  const refused = end.waitsFor && { project, scope: end.waitsFor, code: end.code };
  const isNewFailure = await deps.store.leases.park(lease, {
    cause: end.cause,
    reason: end.reason,
    nextInMs: end.delayMs,
    ...(refused ? { waitsFor: { ...refused, tryInMs: projectTryDelayMs(0) } } : {}),
    ...(again ? { beginsAgain: { cursor: again, phase: phaseOf(again) } } : {}),
  });
  if (isNewFailure)
    rt.log.warn(
      { event: 'project_refused', ...refused },
      'Google refuses a project: its accounts wait, and one of them retries it for all',
    );
  return { kind: 'parked', until: later(rt, end.delayMs), reason: end.reason };
}

/**
 * Marks the account as needing a new grant. A grant that was imported during the run is not marked
 * by a refusal of the one before it.
 */
async function reauthorize(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  refused: Reauthorization,
): Promise<Outcome> {
  if (await deps.store.leases.requireReauth(lease, refused))
    return { kind: 'reauth-required', reason: refused.reason };
  return {
    kind: 'snoozed',
    until: later(rt, GRANT_REPLACED_DELAY_MS),
    reason: 'another grant was imported',
  };
}

const GRANT_REPLACED_DELAY_MS = 1_000;

async function finishFailed(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  error: unknown,
): Promise<never> {
  const nextInMs =
    Math.min(FAILED_CAP_MS, FAILED_BASE_MS * 2 ** Math.min(lease.failures, 10)) *
    (0.9 + 0.2 * rt.random.next());
  await deps.store.leases.finish(lease, {
    result: 'failed',
    nextInMs,
    error: describeError(error),
    reasonCode: 'run-failed',
  });
  throw error;
}

export function later(rt: Runtime, ms: number): Date {
  return new Date(rt.clock.nowMs() + ms);
}
export function outcomeOfError(
  rt: Runtime,
  lease: Lease,
  position: Position,
  error: GoogleError,
): ErrorOutcome {
  const place = { kind: lease.kind, phase: position.cursor.phase, paged: isPaged(position.cursor) };
  const jitter = rt.random.next();
  // Pages of a listing without an end are committed and reset the count of failures, so such
  // listings have a count of their own.
  const failures = error.detail.kind === 'endless-listing' ? lease.endlessListings : lease.failures;
  const refusal = errorOutcomeOf(error.detail, place, failures, jitter);
  if (refusal.kind === 'snoozed' && refusal.counts) {
    const words = failingPositionWords(lease, position, error);
    return words === null ? refusal : { ...refusal, reason: `${refusal.reason}; ${words}` };
  }
  const fullSyncs = lease.fullSyncsToday + position.restarts;
  return refusal.kind === 'full-sync-again' && fullSyncs >= MAX_FULL_SYNCS_A_DAY
    ? {
        kind: 'parked',
        code: 'position-expires',
        ...parkedFor('position-expires', lease.kind, 0, jitter),
      }
    : refusal;
}

/**
 * Returns `busy` when another worker has the lease; nothing is written then. Throws any other
 * error.
 */
export function lostOrThrow(rt: Runtime, { ttlMs }: Leases, error: unknown): Outcome {
  if (error instanceof LeaseLost) return { kind: 'busy', until: later(rt, ttlMs / 4) };
  throw error;
}
