/** Decides how a grant of the connect page is used. Pure. */
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
export function askedFor(requested: readonly Resource[], known: readonly Resource[]): Resource[] {
  return RESOURCE_NAMES.filter((resource) => [...requested, ...known].includes(resource));
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
  const has = askedFor([], known?.resources ?? []);
  const asked = askedFor(requested, has);
  const missing = without(asked, covered);
  if (missing.length === asked.length) return { kind: 'nothing', missing };
  const lost = without(has, covered);
  if (known?.isActive === true && lost.length > 0) {
    const hasAll = without(requested, has).length === 0;
    const isCovered = without(requested, covered).length === 0;
    return hasAll && isCovered ? { kind: 'keep' } : { kind: 'fewer', missing: lost };
  }
  return { kind: 'take', resources: askedFor(without(asked, missing), has), missing };
}

function without(some: readonly Resource[], others: readonly Resource[]): Resource[] {
  return some.filter((resource) => !others.includes(resource));
}
