/** How often a collection is looked at when nobody rings. */
export interface SyncPolicy {
  activeMs: number;
  idleMs: number;
  /** How often a collection's mirror is held against Google; 0 or left out is never. */
  auditEveryMs?: number;
}

/** A collection that changed within this time counts as active. */
const ACTIVE_FOR_MS = 60 * 60_000;

/**
 * The time to the next poll: the active interval while it changes, the idle one later, spread by ±10 % so that
 * accounts which were connected together do not stay together.
 */
export function nextPollMs(policy: SyncPolicy, nowMs: number, lastChangeAtMs: number | null, jitter: number): number {
  const active = lastChangeAtMs !== null && nowMs - lastChangeAtMs < ACTIVE_FOR_MS;
  return (active ? policy.activeMs : policy.idleMs) * (0.9 + 0.2 * jitter);
}

/** Seconds until a walk ends if it goes on as it has gone so far; null when that cannot be told. */
export function etaSeconds(progress: { done: number; total: number | null }, walkStartedAtMs: number | null, nowMs: number): number | null {
  if (progress.total === null || walkStartedAtMs === null || progress.done <= 0) return null;
  const perItemMs = (nowMs - walkStartedAtMs) / progress.done;
  return Math.max(0, Math.ceil(((progress.total - progress.done) * perItemMs) / 1000));
}
