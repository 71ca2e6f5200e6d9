/**
 * The simulator's clock. It can be advanced, so that a test need not wait a week for history to
 * expire.
 */
export interface SimClock {
  /** The current time of the simulated Google, in ms since the epoch. */
  nowMs(): number;
  /** Advances the clock. Negative values are refused, because Google's time never goes back. */
  advance(ms: number): void;
  /**
   * Runs `run` once, when the clock has reached that time and this call has returned. Returns a
   * function that cancels it.
   */
  schedule(delayMs: number, run: () => void): () => void;
  /** Cancels everything that is scheduled. */
  stop(): void;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  handle: NodeJS.Timeout | null;
}

/** The longest delay of Node's timers; a longer one is armed again. */
const LONGEST_WAIT_MS = 2_147_483_647;

/**
 * Without `startMs` the clock follows the machine's, and `advance` adds an offset. With `startMs`
 * it moves only by `advance`, which makes quota windows and token expiry exact in
 * a test.
 */
export function startClock(startMs?: number): SimClock {
  const timers = new Set<Timer>();
  let offsetMs = 0;
  const nowMs = (): number => (startMs ?? Date.now()) + offsetMs;
  const arm = (timer: Timer): void => {
    if (timer.handle !== null) clearTimeout(timer.handle);
    const waitMs = Math.max(0, timer.dueMs - nowMs());
    timer.handle =
      startMs !== undefined && waitMs > 0
        ? null
        : setTimeout(
            () => {
              ring(timer);
            },
            Math.min(waitMs, LONGEST_WAIT_MS),
          ).unref();
  };
  const ring = (timer: Timer): void => {
    // Node's timers may fire a millisecond early, and the longest ones were shortened.
    if (timer.dueMs > nowMs()) {
      arm(timer);
      return;
    }
    timers.delete(timer);
    timer.run();
  };
  const cancel = (timer: Timer): void => {
    if (timer.handle !== null) clearTimeout(timer.handle);
    timers.delete(timer);
  };
  return {
    nowMs,
    advance: (ms) => {
      if (!Number.isFinite(ms) || ms < 0)
        throw new RangeError('the clock only moves forward, by a finite number of milliseconds');
      offsetMs += ms;
      for (const timer of [...timers].sort((a, b) => a.dueMs - b.dueMs)) arm(timer);
    },
    schedule: (delayMs, run) => {
      const timer: Timer = { dueMs: nowMs() + delayMs, run, handle: null };
      timers.add(timer);
      arm(timer);
      return () => {
        cancel(timer);
      };
    },
    stop: () => {
      for (const timer of timers) cancel(timer);
    },
  };
}
