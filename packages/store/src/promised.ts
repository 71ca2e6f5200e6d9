/*
 * `collections.promised_at`: when the next incremental sync is due by the last run that caught up. It
 * is null exactly while nothing is promised; then a collection is neither fresh nor late.
 */

/**
 * SQL, for statements that put collections back on the schedule: what is synced incrementally and
 * is not parked counts as due from now on.
 */
export const PROMISED_NOW =
  "CASE WHEN phase = 'incremental' AND parked IS NULL THEN coalesce(promised_at, now()) END";

/** SQL assignments that end the parking and the failures of a collection whose account is active. */
export const UNPARKED =
  "error = NULL, parked = NULL, reason_code = NULL, failures = 0, promised_at = CASE WHEN phase = 'incremental' AND state = 'active' THEN coalesce(promised_at, now()) END";
