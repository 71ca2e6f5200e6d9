import { GoogleError, type CalendarListEntry, type GoogleAccount } from '@syncline/google';
import { must } from '@syncline/runtime';
import { storable, type Store } from '@syncline/store';
import { fingerprint } from '../../fingerprint.js';
import { isAccountWideError } from '../../account-refusal.js';
import { compareTwice, differencesOf, type Compared } from '../../compare-twice.js';
import type { Comparison } from '../../verify.js';
import type { Drift } from '../resource.js';
import { isTombstone, seriesOfCancelled, withoutOrphans } from './parse.js';

/* Verification of calendars. */

/**
 * Compares every event of every calendar, and compares differing ones a second time. Ids are
 * calendar/event.
 */
export function verifyCalendars(comparison: Comparison): Promise<Drift> {
  const { store, account, accountId } = comparison;
  return compareTwice(comparison, () => compareEvents(store, account, accountId));
}

async function compareEvents(
  store: Store,
  account: GoogleAccount,
  accountId: string,
): Promise<Compared> {
  const { events: source, unread } = await readAllEvents(account);
  const checked = source.size;
  const differences = await differencesOf(rowsOf(store, accountId, unread), source);
  return { checked, differences, unread };
}

async function* rowsOf(
  store: Store,
  accountId: string,
  unread: ReadonlySet<string>,
): AsyncGenerator<{ id: string; item: unknown }> {
  for await (const { calendarId, event } of store.mirror.events(accountId))
    if (!unread.has(calendarId)) yield { id: `${calendarId}/${String(event['id'])}`, item: event };
}

/**
 * Reads every event of every calendar that the account lists, as fingerprints. A calendar whose id
 * cannot be stored is in quarantine, and no request can name it.
 */
async function readAllEvents(
  account: GoogleAccount,
): Promise<{ events: Map<string, string>; unread: Set<string> }> {
  const events = new Map<string, string>();
  const unread = new Set<string>();
  const calendars = (await readCalendars(account)).filter(({ id }) => storable.isId(id));
  for (const { id: calendarId } of calendars) {
    const read = await readEvents(account, calendarId).catch((error: unknown) => {
      if (!(error instanceof GoogleError) || isAccountWideError(error)) throw error;
      return null;
    });
    if (read === null) unread.add(calendarId);
    else for (const [id, event] of read) events.set(`${calendarId}/${id}`, event);
  }
  return { events, unread };
}

/** Reads the events of one calendar that have rows in the mirror, as fingerprints by id. */
export async function readEvents(
  account: GoogleAccount,
  calendarId: string,
): Promise<Map<string, string>> {
  const events = new Map<string, { print: string; series: string | null }>();
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['events']>> =
      await account.calendar.events({ calendarId, syncToken: null, pageToken });
    for (const event of page.items)
      if (!isTombstone(event))
        events.set(must(event.id, 'an event without id'), {
          print: fingerprint(JSON.parse(storable.json(event))),
          series: seriesOfCancelled(event),
        });
    pageToken = page.nextPageToken;
    if (pageToken !== null) continue;
    return new Map([...withoutOrphans(events)].map(([id, { print }]) => [id, print]));
  }
}

/** Reads the entries of the calendar list that are not deleted. */
export async function readCalendars(
  account: GoogleAccount,
): Promise<(CalendarListEntry & { id: string })[]> {
  const entries: (CalendarListEntry & { id: string })[] = [];
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<GoogleAccount['calendar']['calendars']>> =
      await account.calendar.calendars({ syncToken: null, pageToken });
    for (const entry of page.items)
      if (entry.id && !entry.deleted) entries.push({ ...entry, id: entry.id });
    pageToken = page.nextPageToken;
    if (pageToken === null) return entries;
  }
}
