/** How often a collection is looked at when nobody rings. */
export interface SyncPolicy {
  activeMs: number;
  idleMs: number;
  /** How often a collection's mirror is held against Google; 0 or left out is never. */
  auditEveryMs?: number;
  /** Units that one slice of an audit may spend, and the rest before the next; left out is audit.ts's own. */
  auditUnits?: number;
  auditPauseMs?: number;
  /**
   * How long after a listing a second one begins at the earliest; left out is evidence/decide.ts's
   * own.
   */
  confirmAfterMs?: number;
}

const HOUR_MS = 3_600_000;
/** A collection is looked at this many times in the time for which it has been quiet. */
const CHECKS_PER_QUIET_TIME = 30;

/**
 * The time to the next poll: a share of the time for which nothing has changed, since what has just changed is what changes
 * next, between the active interval (quiet for half an hour, by the default intervals) and the idle one. Spread by ±10 % so that
 * accounts which were connected together do not stay together.
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
 * Polls of a day in which something changes all the time for `activeHours`, and nothing after them:
 * while it is quiet each sync comes after a share of the quiet time, so their number grows with its
 * logarithm.
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
