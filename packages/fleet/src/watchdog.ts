/** The state of a worker and its queue, from which it decides whether it still fetches jobs. */
export interface QueuePulse {
  /** Jobs that could be fetched now. */
  waiting: number;
  running: number;
  concurrency: number;
  /** Time of the last fetch; the start time before the first fetch. */
  fetchedAtMs: number;
  nowMs: number;
}

/**
 * Returns since when jobs have waited while this worker fetched none, or null while it works
 * normally.
 * @param before the result of the previous check; a single check is not conclusive, because a job
 * may be in flight at that moment
 */
export function fetchStalledSince(
  before: number | null,
  { waiting, fetchedAtMs, nowMs }: QueuePulse,
): number | null {
  if (waiting === 0) return null;
  return before !== null && fetchedAtMs <= before ? before : nowMs;
}

/**
 * Occupied slots may be working normally for as long as a run and Google's slowest answers take,
 * which is far less than this multiple of the limit.
 */
const FULL_SLOTS_FACTOR = 5;

/**
 * Whether a worker has stopped fetching. With a free slot, its fetching hangs: BullMQ's loop was
 * found dead after outages and failovers (bullmq #4585, #2964), and a command on a half-open
 * connection is never answered. Without a free slot, its jobs hang. Restarting the process resolves
 * both.
 */
export function hasStopped(
  since: number | null,
  { running, concurrency, nowMs }: QueuePulse,
  stuckAfterMs: number,
): boolean {
  return (
    since !== null &&
    nowMs - since >= stuckAfterMs * (running < concurrency ? 1 : FULL_SLOTS_FACTOR)
  );
}
