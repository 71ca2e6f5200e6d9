/**
 * The return value of a completed job, for people in Bull Board. The reason is a fixed phrase of
 * ours or Google's error code.
 */
export interface JobReport {
  /** How the run ended: an outcome of packages/sync, or of a watch. */
  outcome: string;
  reason: string | null;
  durationMs: number;
  /** For a sync. The numbers count this job's last run. */
  sync?: SyncCounts;
}

export interface SyncCounts {
  pages: number;
  items: number;
  /** Rows created, updated or deleted. */
  changes: number;
  quotaUnits: number;
  /** ISO 8601; null when only a person or a sync request resumes the collection. */
  nextSync: string | null;
}

const REASON_LENGTH = 500;
const WORD = /^[a-z-]{1,30}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/;

/**
 * Reads a report from Redis. Returns null when it does not have our form; unknown fields are
 * dropped.
 */
export function readJobReport(raw: unknown): JobReport | null {
  if (!isRecord(raw)) return null;
  const { outcome, reason, durationMs, sync } = raw;
  if (typeof outcome !== 'string' || !WORD.test(outcome) || !isCount(durationMs)) return null;
  const counts = sync === undefined ? null : readCounts(sync);
  return {
    outcome,
    reason: typeof reason === 'string' ? reason.slice(0, REASON_LENGTH) : null,
    durationMs,
    ...(counts === null ? {} : { sync: counts }),
  };
}

function readCounts(raw: unknown): SyncCounts | null {
  if (!isRecord(raw)) return null;
  const { pages, items, changes, quotaUnits, nextSync } = raw;
  if (!isCount(pages) || !isCount(items) || !isCount(changes) || !isCount(quotaUnits)) return null;
  return { pages, items, changes, quotaUnits, nextSync: isInstant(nextSync) ? nextSync : null };
}

/** Whether the value is an ISO 8601 time as `toISOString` writes it. */
export function isInstant(value: unknown): value is string {
  return typeof value === 'string' && INSTANT.test(value);
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
