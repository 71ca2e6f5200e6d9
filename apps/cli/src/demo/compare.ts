/** Compares the mirror with the simulator's data, every field of every item. Pure. */
import { storable } from '@syncline/store';

/** Keys of items, in the meaning of `missing`, `extra`, `stale` of `syncline verify`. */
export interface Drift {
  missing: string[];
  extra: string[];
  stale: string[];
}

/** An item under its key in a report. */
export type Keyed = Map<string, unknown>;

/** Returns the differences of `mirror` from `truth`. */
export function driftOf(truth: Keyed, mirror: Keyed): Drift {
  const drift: Drift = { missing: [], extra: [], stale: [] };
  for (const [key, item] of truth) {
    if (!mirror.has(key)) drift.missing.push(key);
    // The mirror cleans text that Postgres cannot hold (NUL, lone surrogates); the same rule is
    // applied to the truth here.
    else if (canonical(JSON.parse(storable.json(item))) !== canonical(mirror.get(key)))
      drift.stale.push(key);
  }
  for (const key of mirror.keys()) if (!truth.has(key)) drift.extra.push(key);
  return drift;
}

/** Returns the fields in which two items differ, for a person who investigates drift. */
export function differingFields(truth: unknown, mirror: unknown): string[] {
  const [there, here] = [fieldsOf(truth), fieldsOf(mirror)];
  return [...new Set([...Object.keys(there), ...Object.keys(here)])]
    .filter((name) => canonical(there[name]) !== canonical(here[name]))
    .sort();
}

function fieldsOf(item: unknown): Record<string, unknown> {
  return typeof item === 'object' && item !== null
    ? (JSON.parse(storable.json(item)) as Record<string, unknown>)
    : {};
}

/** Returns JSON with sorted keys: jsonb orders keys differently from Google. */
function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
