import type { ContactGroup, Named, Person } from '@syncline/google';
import type { Meaning } from '../sync-token/source.js';
import { parsed } from '../sync-token/parse.js';
import { parseContact, parseContactGroup, parseOtherContact } from './parse.js';

/* The meaning of a page's items for the mirror. Pure. */

export function meaningOfConnections(items: readonly Named<Person>[]): Meaning {
  const { live, deleted } = liveAndDeleted(items);
  const { rows, quarantined } = parsed(live, parseContact);
  return { delta: { kind: 'contacts-connections', rows, deleted }, quarantined, ...listed(live) };
}

export function meaningOfOtherContacts(items: readonly Named<Person>[]): Meaning {
  const { live, deleted } = liveAndDeleted(items);
  const { rows, quarantined } = parsed(live, parseOtherContact);
  return { delta: { kind: 'contacts-other', rows, deleted }, quarantined, ...listed(live) };
}

export function meaningOfGroups(items: readonly Named<ContactGroup>[]): Meaning {
  const { live, deleted } = liveAndDeleted(items);
  const { rows, quarantined } = parsed(live, parseContactGroup);
  return { delta: { kind: 'contacts-groups', rows, deleted }, quarantined, ...listed(live) };
}

type Item = Named<Person | ContactGroup>;

/**
 * Returns what a page says of each resource name; of two items with one name the later one counts.
 * The former names of a person that was merged or linked are deleted, whether or not the page also
 * reports them as deleted, except names of items on the same page: those are in use.
 */
function liveAndDeleted<One extends Item>(
  items: readonly One[],
): { live: One[]; deleted: string[] } {
  const latest = new Map<string, One | null>(
    items.map((item) => [item.id, item.resource.metadata?.deleted === true ? null : item]),
  );
  for (const former of items.flatMap(formerNamesOf))
    if (!latest.has(former)) latest.set(former, null);
  const all = [...latest];
  return {
    live: all.flatMap(([, item]) => item ?? []),
    deleted: all.flatMap(([id, item]) => (item === null ? id : [])),
  };
}

function formerNamesOf({ resource }: Item): string[] {
  const names: unknown = (resource as Person).metadata?.previousResourceNames;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

/** No later page of a listing names a deleted item as a part of something else. */
function listed(live: readonly Item[]): Pick<Meaning, 'listedIds' | 'gone'> {
  return { listedIds: live.map(({ id }) => id), gone: [] };
}
