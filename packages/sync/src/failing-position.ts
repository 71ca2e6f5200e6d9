import { GoogleError, type GoogleErrorKind } from '@syncline/google';
import type { Lease } from '@syncline/store';
import { isRefusedAlone } from './account-refusal.js';
import type { Cursor } from './cursor.js';
import { MAX_FULL_SYNCS_A_DAY } from './parking.js';
import { collectionModule } from './resources/index.js';
import type { StepContext } from './step.js';

/*
 * A sync position from which Google's incremental call keeps failing. As with items, the failures
 * count against the position only if another call of the collection is answered: then a full sync
 * replaces the position, within the day's budget of full syncs. In an outage nothing is replaced.
 */

/**
 * Failures in a row before a position is replaced. With their delays (64 s, 15 minutes, hours) each
 * number takes at least an hour.
 */
const FAILURES: Partial<Record<GoogleErrorKind['kind'], number>> = {
  unavailable: 60,
  rejected: 10,
  forbidden: 4,
};
/** The least time since the last sync: requested syncs fail sooner than scheduled ones. */
const LEAST_AGE_MS = 60 * 60_000;
/** After this number of failures the reason says what will be done. */
const FAILURES_REPORTED = 10;

/** The state of a run. */
interface RunPosition {
  cursor: Cursor;
  /** Full syncs that this run has begun because its position or page token had expired. */
  restarts: number;
}

/** Whether a full sync must replace the position that gave `error`. Makes a request to Google. */
export async function isPositionUnusable(
  context: StepContext,
  position: RunPosition,
  error: unknown,
): Promise<boolean> {
  const { lease, rt } = context;
  if (!(error instanceof GoogleError) || !isOfPosition(lease, position, error)) return false;
  // After a full sync in this run the position is new, and a second listing does not use one.
  const isAnother = context.generation !== lease.generation || context.hasCheckedChanges;
  if (isAnother || !hasFailedLong(context, error) || isBudgetSpent(lease, position)) return false;
  if (!(await answersOtherwise(context))) return false;
  const { accountId, collectionId, failures } = lease;
  rt.log.warn(
    { event: 'position_replaced', accountId, collectionId, failures, err: error },
    'Google answers other calls but not from the sync position: a full sync replaces it',
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

/** Returns the text that is added to the reason while the position keeps failing. */
export function failingPositionWords(
  lease: Lease,
  position: RunPosition,
  error: GoogleError,
): string | null {
  if (lease.failures < FAILURES_REPORTED || !isOfPosition(lease, position, error)) return null;
  return isBudgetSpent(lease, position)
    ? `changes since the stored sync position cannot be read; a full sync replaced it ${MAX_FULL_SYNCS_A_DAY} times within a day`
    : 'changes since the stored sync position cannot be read; after an hour in which Google answers other calls, a full sync replaces it';
}

function isOfPosition({ kind }: Lease, { cursor }: RunPosition, error: GoogleError): boolean {
  return (
    cursor.phase === 'incremental' &&
    error.method === collectionModule(kind).position.method &&
    isRefusedAlone(error)
  );
}
