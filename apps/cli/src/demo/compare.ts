/** The mirror against the source's ground truth, every field of every item. Pure. */
import { cleanJson } from '@syncline/store';

/** Keys of items; see `missing`, `extra`, `stale` of `syncline verify`. */
export interface Drift {
  missing: string[];
  extra: string[];
  stale: string[];
}

/** An item under the key that it is named by in a report. */
export type Keyed = Map<string, unknown>;

/** What of `mirror` is not as in `truth`. */
export function driftOf(truth: Keyed, mirror: Keyed): Drift {
  const drift: Drift = { missing: [], extra: [], stale: [] };
  for (const [key, item] of truth) {
    if (!mirror.has(key)) drift.missing.push(key);
    // What Postgres cannot hold (NUL, lone surrogates) is cleaned by the mirror, by a rule that is applied to the truth here.
    else if (canonical(JSON.parse(cleanJson(item))) !== canonical(mirror.get(key)))
      drift.stale.push(key);
  }
  for (const key of mirror.keys()) if (!truth.has(key)) drift.extra.push(key);
  return drift;
}

/** The fields in which two items differ, for a person who looks into drift. */
export function differingFields(truth: unknown, mirror: unknown): string[] {
  const [there, here] = [fieldsOf(truth), fieldsOf(mirror)];
  return [...new Set([...Object.keys(there), ...Object.keys(here)])]
    .filter((name) => canonical(there[name]) !== canonical(here[name]))
    .sort();
}

function fieldsOf(item: unknown): Record<string, unknown> {
  return typeof item === 'object' && item !== null
    ? (JSON.parse(cleanJson(item)) as Record<string, unknown>)
    : {};
}

/** JSON with sorted keys: jsonb keeps another order than Google's. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
