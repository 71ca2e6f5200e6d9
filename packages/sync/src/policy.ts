/** How often a collection is synced without a notification. */
export interface SyncPolicy {
  activeMs: number;
  idleMs: number;
  /** How often a collection's mirror is audited against Google; 0 or absent: never. */
  auditEveryMs?: number;
  /**
   * Units that one slice of an audit may spend, and the pause before the next slice; absent: the
   * defaults of audit.ts.
   */
  auditUnits?: number;
  auditPauseMs?: number;
  /**
   * The minimum time between a listing and its second listing; absent: the default of
   * evidence/decide.ts.
   */
  confirmAfterMs?: number;
}

const HOUR_MS = 3_600_000;
/** The number of polls within the time for which a collection has been quiet. */
const CHECKS_PER_QUIET_TIME = 30;

/**
 * Returns the time to the next poll: a share of the time for which nothing has changed, since a
 * recent change makes another one likely. It is between the active interval (reached after half
 * an hour of quiet, with the default intervals) and the idle one. It is spread by ±10 % so that
 * accounts connected together do not stay in step.
 */
export function nextPollMs(
  policy: SyncPolicy,
  nowMs: number,
  lastChangeAtMs: number | null,
  jitter: number,
): number {
  const quietMs = lastChangeAtMs === null ? Infinity : Math.max(0, nowMs - lastChangeAtMs);
  const idleMs = Math.max(policy.activeMs, policy.idleMs);
  return (
    Math.min(idleMs, Math.max(policy.activeMs, quietMs / CHECKS_PER_QUIET_TIME)) *
    (0.9 + 0.2 * jitter)
  );
}

/**
 * Returns the number of polls on a day with constant changes for `activeHours` and none after them.
 * While a collection is quiet, each poll comes after a share of the quiet time, so their number
 * grows with its logarithm.
 */
export function pollsADay(policy: SyncPolicy, activeHours: number): number {
  const idleMs = Math.max(policy.activeMs, policy.idleMs);
  const quietMs = (24 - activeHours) * HOUR_MS;
  if (activeHours === 0) return quietMs / idleMs;
  const [fromMs, toMs] = [CHECKS_PER_QUIET_TIME * policy.activeMs, CHECKS_PER_QUIET_TIME * idleMs];
  const rarer = CHECKS_PER_QUIET_TIME * Math.log(Math.max(1, Math.min(quietMs, toMs) / fromMs));
  return (
    (activeHours * HOUR_MS + Math.min(quietMs, fromMs)) / policy.activeMs +
    rarer +
    Math.max(0, quietMs - toMs) / idleMs
  );
}
