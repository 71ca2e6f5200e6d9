/** What a grant of the connect page is good for. Pure. */
import { RESOURCE_NAMES, type Resource } from '@syncline/store';
import { CONSENTS } from '../resources/index.js';

export type GrantUse =
  /** None of what was asked for is covered. */
  | { kind: 'nothing'; missing: Resource[] }
  /** The account works and has all that was asked for; this grant covers less than its present one. */
  | { kind: 'keep' }
  /** As `keep`, but something that was asked for is missing on either side. */
  | { kind: 'fewer'; missing: Resource[] }
  /** @property resources what the account will have */
  | { kind: 'take'; resources: Resource[]; missing: Resource[] };

/** The scopes that are asked for, by resource. */
export function scopesFor(resources: readonly Resource[]): string[] {
  return resources.flatMap((resource) => CONSENTS[resource].scopes);
}

/** The resources that these scopes suffice for. */
export function coveredBy(scopes: readonly string[]): Resource[] {
  const granted = new Set(scopes);
  return RESOURCE_NAMES.filter((resource) => CONSENTS[resource].covers(granted));
}

/** Every resource that the person is asked for: what was requested, and what the account has. */
export function askedFor(
  requested: readonly Resource[],
  known: readonly Resource[] | null,
): Resource[] {
  return RESOURCE_NAMES.filter((resource) => [...requested, ...(known ?? [])].includes(resource));
}

/**
 * An account that works does not lose a resource because a box was not ticked: it keeps its present
 * grant.
 * @param known the account that the grant belongs to; null: a new one
 */
export function useOfGrant(
  requested: readonly Resource[],
  covered: readonly Resource[],
  known: { resources: readonly Resource[]; isActive: boolean } | null,
): GrantUse {
  const asked = askedFor(requested, known?.resources ?? null);
  const missing = asked.filter((resource) => !covered.includes(resource));
  if (missing.length === asked.length) return { kind: 'nothing', missing };
  const lost = (known?.resources ?? []).filter((resource) => !covered.includes(resource));
  if (known?.isActive && lost.length > 0) {
    const hasAll = requested.every((resource) => known.resources.includes(resource));
    return hasAll && requested.every((resource) => covered.includes(resource))
      ? { kind: 'keep' }
      : { kind: 'fewer', missing: lost };
  }
  const taken = asked.filter((resource) => covered.includes(resource));
  return { kind: 'take', resources: askedFor(taken, known?.resources ?? null), missing };
}
