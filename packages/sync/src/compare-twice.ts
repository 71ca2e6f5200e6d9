import { fingerprint } from './fingerprint.js';
import type { Drift } from './resources/resource.js';
import type { Comparison } from './verify.js';

/* Verification of resources that Google lists in full: rows against the fingerprints of a listing. */

export type Difference = 'missing' | 'extra' | 'stale';

/** What one comparison found. */
export interface Compared {
  checked: number;
  /** By the item's id. */
  differences: Map<string, Difference>;
  /** What could not be read. */
  unread: Iterable<string>;
}

/**
 * Compares, and when anything differs compares again after the fleet has caught up: what differs
 * in the same way both times is drift.
 */
export async function compareTwice(
  { options: { progress }, catchUp }: Pick<Comparison, 'options' | 'catchUp'>,
  compare: () => Promise<Compared>,
): Promise<Drift> {
  const report: Drift = { checked: 0, missing: [], extra: [], stale: [], unread: [] };
  const first = await compare();
  report.checked = first.checked;
  progress?.(first.checked);
  if (first.differences.size + [...first.unread].length === 0) return report;
  await catchUp();
  const second = await compare();
  for (const [id, kind] of second.differences)
    if (first.differences.get(id) === kind) report[kind].push(id);
  report.unread.push(...second.unread);
  return report;
}

/**
 * Compares rows with Google's items.
 * @param source fingerprints by id; items that have a row are taken out
 */
export async function differencesOf(
  rows: AsyncIterable<{ id: string; item: unknown }>,
  source: Map<string, string>,
): Promise<Map<string, Difference>> {
  const differences = new Map<string, Difference>();
  for await (const { id, item } of rows) {
    const there = source.get(id);
    if (there === undefined) differences.set(id, 'extra');
    else if (there !== fingerprint(item)) differences.set(id, 'stale');
    source.delete(id);
  }
  for (const id of source.keys()) differences.set(id, 'missing');
  return differences;
}
