export interface Backoff {
  /** Upper limit of the first pause, in ms. */
  firstMs: number;
  /** Upper limit of every pause, in ms. */
  capMs: number;
}

/** Keeps 2 ** n finite. */
const DOUBLINGS_LIMIT = 30;

/**
 * Returns the pause before the next attempt, in ms. The upper limit doubles with each failure, up
 * to the cap. The pause is in the upper half of the range below that limit; `chance` selects the
 * value. This spreads the retries of operations that failed at the same time.
 * @param failures consecutive failures, ≥ 1
 * @param chance uniform in [0, 1)
 */
export function backoffMs(failures: number, { firstMs, capMs }: Backoff, chance: number): number {
  const doublings = Math.min(DOUBLINGS_LIMIT, Math.max(0, failures - 1));
  const ceilingMs = Math.min(capMs, firstMs * 2 ** doublings);
  return ceilingMs / 2 + (chance * ceilingMs) / 2;
}
