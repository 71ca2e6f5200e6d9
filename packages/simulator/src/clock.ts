/** The simulator's time. It can be moved, so that a test need not wait for a week to see history expire. */
export interface SimClock {
  /** Epoch milliseconds as the simulated Google sees them. */
  nowMs(): number;
  /** Moves the clock forward. Negative values are refused: Google's time never goes back. */
  advance(ms: number): void;
}

/**
 * Without `nowMs` the clock runs with the machine's and `advance` adds an offset; with `nowMs` it stands still there and
 * moves only by `advance`, which makes quota windows and token expiry exact in a test.
 */
export function startClock(nowMs?: number): SimClock {
  let offsetMs = 0;
  return {
    nowMs: () => (nowMs ?? Date.now()) + offsetMs,
    advance: (ms) => {
      if (!Number.isFinite(ms) || ms < 0) throw new RangeError('the clock only moves forward, by a finite number of milliseconds');
      offsetMs += ms;
    },
  };
}
