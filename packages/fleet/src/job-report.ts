/**
 * What a completed job returns, for people in Bull Board. The reason is a fixed phrase of ours or Google's error code;
 * numbers count this job's run only.
 */
export interface JobReport {
  /** How the run ended: a word of packages/sync's outcomes, or of a watch's. */
  outcome: string;
  reason: string | null;
  pages: number;
  items: number;
  /** Rows created, updated or deleted. */
  changes: number;
  quotaUnits: number;
  durationMs: number;
  /** ISO 8601; null when only a person or a sync request brings it back. */
  nextSync: string | null;
}

const REASON_LENGTH = 500;
const COUNTS = ['pages', 'items', 'changes', 'quotaUnits', 'durationMs'] as const;
const WORD = /^[a-z-]{1,30}$/;

/** A report as Redis gave it, or null if it isn't one. */
export function readJobReport(raw: unknown): JobReport | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { outcome, reason, nextSync, ...counts } = raw as Record<string, unknown>;
  if (typeof outcome !== 'string' || !WORD.test(outcome)) return null;
  if (Object.keys(counts).length !== COUNTS.length) return null;
  const numbers = COUNTS.map((name) => counts[name]);
  if (!numbers.every((value) => Number.isFinite(value))) return null;
  const [pages, items, changes, quotaUnits, durationMs] = numbers as [
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    outcome,
    reason: typeof reason === 'string' ? reason.slice(0, REASON_LENGTH) : null,
    pages,
    items,
    changes,
    quotaUnits,
    durationMs,
    nextSync: isDate(nextSync) ? nextSync : null,
  };
}

/** An instant in ISO 8601, as `toISOString` writes it. */
export function isDate(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]{8,12}Z$/.test(value);
}
