import { READ_FROM, type CollectionsRead, type NamedAccount, type Reads } from '@syncline/store';

export const NO_CALENDAR = { problem: 'not-found', detail: 'There is no such calendar.' } as const;

/**
 * Returns the collections that the events of these calendars are read from; null when no calendar
 * has one of the names.
 */
export async function eventsOf(
  { store }: { store: { reads: Pick<Reads, 'calendarIds'> } },
  { id }: Pick<NamedAccount, 'id'>,
  names: readonly string[],
): Promise<CollectionsRead | null> {
  const ids = await store.reads.calendarIds(id, names);
  return ids.length === 0 ? null : READ_FROM.events(ids);
}
