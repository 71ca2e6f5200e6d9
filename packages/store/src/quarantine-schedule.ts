/** Why an item is in quarantine, as far as the schedule of its retries differs. */
export type QuarantineCause =
  /** Workers ended while they read it; that may be a coincidence. */
  | 'crash'
  /** Google refused it while it returned others. */
  | 'not-read'
  /** Google returned it, and it could not be parsed. */
  | 'not-understood'
  /** Postgres refuses its row. */
  | 'row-refused'
  /** Its id, or one that it names, cannot be stored. */
  | 'unstorable-id';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What Google, an upgrade or a dropped constraint may mend: after 1 h, 6 h and then daily. */
const MAY_PASS = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS] as const;

const SCHEDULE: Record<QuarantineCause, readonly (number | null)[]> = {
  // Each retry may cost three workers, so that there are two of them.
  crash: [MINUTE_MS, HOUR_MS, null],
  'not-read': MAY_PASS,
  'not-understood': MAY_PASS,
  'row-refused': MAY_PASS,
  'unstorable-id': [null],
};

/**
 * When a quarantined item is tried again by itself, in milliseconds after its first, second, third
 * … time in quarantine; the last delay holds for every further time. Null is never: by `quarantine
 * retry` only.
 */
export function retryDelaysMs(cause: QuarantineCause): readonly (number | null)[] {
  return SCHEDULE[cause];
}
