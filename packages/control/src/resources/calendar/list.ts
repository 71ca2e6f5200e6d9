/** The calendar list of an account's mirror (`@syncline/control/calendar/list`). */
import type { NamedAccount, Store } from '@syncline/store';

/** Returns the ids of the calendars, sorted. */
export function calendarIds(
  { store }: { store: { mirror: Pick<Store['mirror'], 'calendarIds'> } },
  account: Pick<NamedAccount, 'id'>,
): Promise<string[]> {
  return store.mirror.calendarIds(account.id);
}
