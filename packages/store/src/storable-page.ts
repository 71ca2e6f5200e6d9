import { cleanReason } from './clean-text.js';
import type { Delta, PageCommit } from './commit-page.js';
import {
  eventFault,
  faultOf,
  faultOfAny,
  isStorableId,
  messageFault,
  quarantinedLabel,
  quarantineId,
  storableCalendar,
  storableEvent,
  storableLabel,
  storableMessage,
} from './storable.js';
import type { SetAside, WalkDelta } from './walk.js';

/*
 * The check of ids before a commit. An id that Postgres cannot hold takes its item out of the page
 * and into quarantine, before anything is sent: such an id would fail the page, or (half of a
 * surrogate pair) come out of UTF-8 as another id. A page without such ids is passed on as it is.
 */

/** The page without the items whose ids cannot be stored; those are in its `walk.quarantined`. */
export function withoutUnstorable(commit: PageCommit): PageCommit {
  const aside: SetAside[] = [];
  const delta = storableDelta(commit.delta, aside);
  const walk = commit.walk && storableWalk(commit.walk, aside);
  return {
    ...commit,
    delta,
    ...(aside.length > 0
      ? { walk: { ...walk, quarantined: onceEach([...(walk?.quarantined ?? []), ...aside]) } }
      : walk && { walk }),
  };
}

/**
 * The page's rows cleaned and clamped once more: for a page that was refused, whatever had parsed
 * it.
 */
export function cleanedRows(delta: Delta): Delta {
  switch (delta.kind) {
    case 'none':
      return delta;
    case 'gmail':
      return {
        ...delta,
        messages: delta.messages.map(storableMessage),
        labels: delta.labels && delta.labels.map(storableLabel),
      };
    case 'calendar-list':
      return { ...delta, calendars: delta.calendars.map(storableCalendar) };
    case 'calendar-events':
      return { ...delta, events: delta.events.map(storableEvent) };
  }
}

function storableDelta(delta: Delta, aside: SetAside[]): Delta {
  switch (delta.kind) {
    case 'none':
      return delta;
    case 'gmail':
      return {
        ...delta,
        messages: sift(delta.messages, aside, messageFault),
        // A label that cannot be stored is on no row, so there is nothing to remove.
        labelChanges: sift(
          delta.labelChanges,
          aside,
          ({ id, add }) => faultOf('id', id) ?? faultOfAny('label id', add),
        ).map((change) =>
          change.remove.every(isStorableId)
            ? change
            : { ...change, remove: change.remove.filter(isStorableId) },
        ),
        deleted: storableIds(delta.deleted),
        labels: delta.labels && sift(delta.labels, aside, ownFault, quarantinedLabel),
      };
    case 'calendar-list':
      return {
        ...delta,
        calendars: sift(delta.calendars, aside, ownFault),
        removed: storableIds(delta.removed),
      };
    case 'calendar-events':
      return {
        ...delta,
        events: sift(delta.events, aside, eventFault),
        deleted: storableIds(delta.deleted),
      };
  }
}

function storableWalk(walk: WalkDelta, aside: SetAside[]): WalkDelta {
  const { met, again, quarantined, labelled } = walk;
  return {
    ...walk,
    ...(met && {
      met: sift(
        met,
        aside,
        ({ id, threadId }) =>
          faultOf('id', id) ?? (threadId === undefined ? null : faultOf('thread id', threadId)),
      ),
    }),
    ...(again && { again: sift(again, aside, ownFault) }),
    ...(quarantined && { quarantined: quarantined.map(storableEntry) }),
    ...(labelled && {
      labelled: {
        ...labelled,
        ids: isStorableId(labelled.labelId) ? storableIds(labelled.ids) : [],
      },
    }),
    ...ofIds(walk, 'dropped'),
    ...ofIds(walk, 'replayed'),
    ...ofIds(walk, 'taken'),
    ...ofIds(walk, 'takenEarly'),
  };
}

function ofIds(
  walk: WalkDelta,
  list: 'dropped' | 'replayed' | 'taken' | 'takenEarly',
): Partial<WalkDelta> {
  const ids = walk[list];
  return ids ? { [list]: storableIds(ids) } : {};
}

function storableEntry(entry: SetAside): SetAside {
  return {
    ...entry,
    id: quarantineId(entry.id),
    reason: cleanReason(entry.reason),
  };
}

function ownFault({ id }: { id: string }): string | null {
  return faultOf('id', id);
}

/** What has no fault; the rest is set aside. The same list where nothing has. */
function sift<T extends { id: string }>(
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

function setAside(id: string, fault: string, entryId: (id: string) => string): SetAside {
  const entry = entryId(id);
  return {
    id: entry,
    reason: isStorableId(id) ? fault : `${fault}; it is listed under a digest of that id`,
    cause: 'unstorable-id',
  };
}

function storableIds(ids: string[]): string[] {
  return ids.every(isStorableId) ? ids : ids.filter(isStorableId);
}

/** One statement may not touch an entry twice. */
export function onceEach(entries: readonly SetAside[]): SetAside[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}
