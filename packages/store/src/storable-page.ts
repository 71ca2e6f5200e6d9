import { cleanReason } from './clean-text.js';
import type { PageCommit } from './commit-page.js';
import { mirrorOf, type Delta } from './mirrors/index.js';
import { ownFault, sift, storableIds } from './set-aside.js';
import { faultOf, isStorableId, quarantineId } from './storable.js';
import type { SetAside, ItemsDelta } from './full-sync-items.js';

/*
 * Checks ids before a commit. An item whose id Postgres cannot store is removed from the page and
 * quarantined, before any statement is sent. Such an id would make the page fail, or (half of a
 * surrogate pair) become a different id in UTF-8. A page without such ids is returned unchanged.
 */

/**
 * Returns the page without the items whose ids cannot be stored. These are in its
 * `items.quarantined`.
 */
export function withoutUnstorable(commit: PageCommit): PageCommit {
  const aside: SetAside[] = [];
  const delta = storableDelta(commit.delta, aside);
  const items = commit.items && storableItems(commit.items, aside);
  return {
    ...commit,
    delta,
    ...(aside.length > 0
      ? { items: { ...items, quarantined: onceEach([...(items?.quarantined ?? []), ...aside]) } }
      : items && { items }),
  };
}

/**
 * Returns the page's rows cleaned and clamped again, for a page that was refused, independently of
 * the parser.
 */
export function cleanedRows(delta: Delta): Delta {
  return delta.kind === 'none' ? delta : mirrorOf(delta.kind).cleaned(delta);
}

function storableDelta(delta: Delta, aside: SetAside[]): Delta {
  return delta.kind === 'none' ? delta : mirrorOf(delta.kind).storable(delta, aside);
}

function storableItems(items: ItemsDelta, aside: SetAside[]): ItemsDelta {
  const { listed, fetchLater, quarantined, labelled } = items;
  return {
    ...items,
    ...(listed && {
      listed: sift(
        listed,
        aside,
        ({ id, threadId }) =>
          faultOf('id', id) ?? (threadId === undefined ? null : faultOf('thread id', threadId)),
      ),
    }),
    ...(fetchLater && { fetchLater: sift(fetchLater, aside, ownFault) }),
    ...(quarantined && { quarantined: quarantined.map(storableEntry) }),
    ...(labelled && {
      labelled: {
        ...labelled,
        ids: isStorableId(labelled.labelId) ? storableIds(labelled.ids) : [],
      },
    }),
    ...ofIds(items, 'dropped'),
    ...ofIds(items, 'replayed'),
    ...ofIds(items, 'taken'),
    ...ofIds(items, 'takenEarly'),
  };
}

function ofIds(
  items: ItemsDelta,
  list: 'dropped' | 'replayed' | 'taken' | 'takenEarly',
): Partial<ItemsDelta> {
  const ids = items[list];
  return ids ? { [list]: storableIds(ids) } : {};
}

function storableEntry(entry: SetAside): SetAside {
  return {
    ...entry,
    id: quarantineId(entry.id),
    reason: cleanReason(entry.reason),
  };
}

/** One statement may not change an entry twice. */
export function onceEach(entries: readonly SetAside[]): SetAside[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}
