export interface Backoff {
  /** Ceiling of the first pause, in ms. */
  firstMs: number;
  /** Ceiling of every pause, in ms. */
  capMs: number;
}

/** Keeps 2 ** n finite. */
const DOUBLINGS_LIMIT = 30;

/**
 * The pause before the next try, in ms. The ceiling doubles with each failure up to the cap. The pause lies in the upper half
 * below it, by `chance`, so that what failed together is not retried together.
 *
 * @param failures in a row, ≥ 1
 * @param chance uniform in [0, 1)
 */
export function backoffMs(failures: number, { firstMs, capMs }: Backoff, chance: number): number {
  const doublings = Math.min(DOUBLINGS_LIMIT, Math.max(0, failures - 1));
  const ceilingMs = Math.min(capMs, firstMs * 2 ** doublings);
  return ceilingMs / 2 + (chance * ceilingMs) / 2;
}
