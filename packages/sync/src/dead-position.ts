import { GoogleError, type GoogleErrorKind } from '@syncline/google';
import type { Lease } from '@syncline/store';
import { isRefusedAlone } from './account-refusal.js';
import type { Cursor } from './cursor.js';
import { MAX_FULL_SYNCS_A_DAY } from './parking.js';
import { collectionModule } from './resources/index.js';
import type { StepContext } from './step.js';

/*
 * A sync position from which Google's incremental call fails for long. As with items, it is the
 * position's fault only if another call about the same collection answers: then one full sync takes
 * its place, within the day's budget of full syncs. While nothing answers, only time helps.
 */

/**
 * Failures in a row before a position is replaced. By their delays each is an hour at least: 64 s,
 * 15 minutes and hours.
 */
const FAILURES: Partial<Record<GoogleErrorKind['kind'], number>> = {
  unavailable: 60,
  rejected: 10,
  forbidden: 4,
};
/** Failures that requests of people have brought forward do not make it sooner. */
const LEAST_AGE_MS = 60 * 60_000;
/** From so many failures on the reason says what will be done. */
const FAILURES_REPORTED = 10;

/** Where a run stands. */
interface RunPosition {
  cursor: Cursor;
  /** Full syncs that this run has begun because Google disowned what it had. */
  restarts: number;
}

/**
 * Whether a full sync is to take the place of the position that `error` was met with. Asks Google.
 */
export async function isPositionDead(
  context: StepContext,
  position: RunPosition,
  error: unknown,
): Promise<boolean> {
  const { lease, rt } = context;
  if (!(error instanceof GoogleError) || !isOfPosition(lease, position, error)) return false;
  // A position that this run's own full sync has brought is new, and pages of a second listing come
  // from no position.
  const isAnother = context.generation !== lease.generation || context.hasCheckedChanges;
  if (isAnother || !hasFailedLong(context, error) || isBudgetSpent(lease, position)) return false;
  if (!(await answersOtherwise(context))) return false;
  const { accountId, collectionId, failures } = lease;
  rt.log.warn(
    { event: 'position_replaced', accountId, collectionId, failures, err: error },
    'Google does not answer from the sync position while it answers otherwise: a full sync takes its place',
  );
  return true;
}

function hasFailedLong({ lease, rt }: StepContext, { detail }: GoogleError): boolean {
  const sinceMs = lease.lastSyncedAt?.getTime() ?? 0;
  const isOften = lease.failures >= (FAILURES[detail.kind] ?? Infinity);
  return isOften && rt.clock.nowMs() - sinceMs >= LEAST_AGE_MS;
}

function isBudgetSpent({ fullSyncsToday }: Lease, { restarts }: RunPosition): boolean {
  return fullSyncsToday + restarts >= MAX_FULL_SYNCS_A_DAY;
}

async function answersOtherwise(context: StepContext): Promise<boolean> {
  try {
    await context.collection.position.otherAnswer(context);
    return true;
  } catch (error) {
    if (error instanceof GoogleError) return false;
    throw error;
  }
}

/**
 * For a person, what is added to the reason of a collection whose position fails again and again.
 */
export function deadPositionWords(
  lease: Lease,
  position: RunPosition,
  error: GoogleError,
): string | null {
  if (lease.failures < FAILURES_REPORTED || !isOfPosition(lease, position, error)) return null;
  return isBudgetSpent(lease, position)
    ? `changes since the stored sync position cannot be read; a full sync took its place ${MAX_FULL_SYNCS_A_DAY} times within a day`
    : 'changes since the stored sync position cannot be read; if that lasts an hour while Google answers otherwise, a full sync takes its place';
}

function isOfPosition({ kind }: Lease, { cursor }: RunPosition, error: GoogleError): boolean {
  return (
    cursor.phase === 'incremental' &&
    error.method === collectionModule(kind).position.method &&
    isRefusedAlone(error)
  );
}
