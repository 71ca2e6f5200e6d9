/** What a worker knows of its own queue when it asks whether it still consumes. */
export interface QueuePulse {
  /** Jobs that could be fetched now. */
  waiting: number;
  running: number;
  concurrency: number;
  /** When it fetched last; when it began, as long as it has fetched nothing. */
  fetchedAtMs: number;
  nowMs: number;
}

/**
 * Since when jobs have waited for a worker that fetches none of them, or null while it does its
 * work.
 * @param before what the sync before this one said: one sync proves nothing, as a job may be on its
 * way at that moment
 */
export function starvingSince(
  before: number | null,
  { waiting, fetchedAtMs, nowMs }: QueuePulse,
): number | null {
  if (waiting === 0) return null;
  return before !== null && fetchedAtMs <= before ? before : nowMs;
}

/** Slots that are all taken may be at honest work for the length of a slice and Google's slowest answers: much less than so many times the limit. */
const FULL_SLOTS_FACTOR = 5;

/**
 * Whether a worker has stopped consuming. With room for a job, its fetching is wedged: BullMQ's loop has been found dead after outages and
 * failovers (bullmq #4585, #2964), and a command on a connection that only looks alive is never answered. Without room, its jobs hang. A new
 * process is the cure for both.
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
