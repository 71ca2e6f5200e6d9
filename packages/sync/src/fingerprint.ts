import { createHash } from 'node:crypto';

/** Google's documents have fewer than ten levels. Deeper content than this is not compared. */
const DEPTH_LIMIT = 500;

/**
 * Returns a digest that is independent of the order of fields (jsonb orders them differently from
 * Google). An event's JSON would take a kilobyte of memory, the digest takes 44 bytes. It accepts
 * documents of any depth, since a document that ended the comparison would block all others of its
 * calendar.
 * @param value a JSON value
 */
export function fingerprint(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(value, 0)))
    .digest('base64');
}

function canonical(value: unknown, depth: number): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (depth >= DEPTH_LIMIT) return 'nested';
  if (Array.isArray(value)) return value.map((item: unknown) => canonical(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, canonical(inner, depth + 1)]),
  );
}
