import { faultOf, isStorableId, quarantineId } from './storable.js';
import type { SetAside } from './quarantine-writes.js';

export function ownFault({ id }: { id: string }): string | null {
  return faultOf('id', id);
}

/**
 * Returns the items without a fault, and adds the others to the items set aside. Returns the same
 * array when no item has a fault.
 */
export function sift<T extends { id: string }>(
  items: T[],
  aside: SetAside[],
  faultIn: (item: T) => string | null,
  entryId: (id: string) => string = quarantineId,
): T[] {
  let kept: T[] | null = null;
  for (const [i, item] of items.entries()) {
    const fault = faultIn(item);
    if (fault === null) kept?.push(item);
    else {
      kept ??= items.slice(0, i);
      aside.push(setAside(item.id, fault, entryId));
    }
  }
  return kept ?? items;
}

export function storableIds(ids: string[]): string[] {
  return ids.every(isStorableId) ? ids : ids.filter(isStorableId);
}

function setAside(id: string, fault: string, entryId: (id: string) => string): SetAside {
  const entry = entryId(id);
  return {
    id: entry,
    reason: isStorableId(id) ? fault : `${fault}; it is listed under a digest of that id`,
    cause: 'unstorable-id',
  };
}
