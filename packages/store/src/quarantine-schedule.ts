/** The causes of a quarantine that have different retry schedules. */
export type QuarantineCause =
  /** Workers ended while they processed the item, which may be a coincidence. */
  | 'crash'
  /** Google refused it while it returned others. */
  | 'not-read'
  /** Google returned it, and it could not be parsed. */
  | 'not-understood'
  /** Postgres refuses the row. */
  | 'row-refused'
  /** The item's id, or an id in the item, cannot be stored. */
  | 'unstorable-id';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * For causes that Google, an upgrade or a dropped constraint may remove: after 1 h, 6 h and then
 * daily.
 */
const MAY_PASS = [HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS] as const;

const SCHEDULE: Record<QuarantineCause, readonly (number | null)[]> = {
  // Each retry may end three workers, so there are only two retries.
  crash: [MINUTE_MS, HOUR_MS, null],
  'not-read': MAY_PASS,
  'not-understood': MAY_PASS,
  'row-refused': MAY_PASS,
  'unstorable-id': [null],
};

export const QUARANTINE_CAUSES = Object.keys(SCHEDULE) as readonly QuarantineCause[];

/**
 * Returns the delays until a quarantined item is retried automatically, in milliseconds, by the
 * number of times it was quarantined. The last delay applies to every further time. Null means
 * never; only `quarantine retry` retries the item.
 */
export function retryDelaysMs(cause: QuarantineCause): readonly (number | null)[] {
  return SCHEDULE[cause];
}
