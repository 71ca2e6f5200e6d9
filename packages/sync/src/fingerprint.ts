import { createHash } from 'node:crypto';

/** Google's documents have fewer than ten levels. What is deeper is compared down to here. */
const DEPTH_LIMIT = 500;

/**
 * The same for the same fields in any order (jsonb keeps another order than Google's): an event's
 * JSON would be a kilobyte in memory, and this is 44 bytes. Of any depth, since a document that
 * ended the comparison would hold all others of its calendar.
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
