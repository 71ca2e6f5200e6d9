/** The simulator's time. It can be moved, so that a test need not wait for a week to see history expire. */
export interface SimClock {
  /** Epoch milliseconds as the simulated Google sees them. */
  nowMs(): number;
  /** Moves the clock forward. Negative values are refused: Google's time never goes back. */
  advance(ms: number): void;
  /** Runs once, when the clock has come that far and this call has returned; gives back what calls it off. */
  schedule(delayMs: number, run: () => void): () => void;
  /** Forgets everything that is scheduled. */
  stop(): void;
}

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
  handle: NodeJS.Timeout | null;
}

/** The longest that Node's timers can wait; what is further away is armed again. */
const LONGEST_WAIT_MS = 2_147_483_647;

/**
 * Without `nowMs` the clock runs with the machine's and `advance` adds an offset; with `nowMs` it stands still there and
 * moves only by `advance`, which makes quota windows and token expiry exact in a test.
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
    // Node's timers may come a millisecond early, and the furthest ones were cut.
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
