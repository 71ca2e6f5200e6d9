import type { CalendarListEntry } from '@syncline/google';
import { storable } from '@syncline/store';
import type { AuditContext, AuditEnd } from '../../audit-slice.js';
import { meaningOfCalendars, meaningOfEvents } from './interpret.js';
import type { Cursor } from '../../cursor.js';
import { CHANGED_MEANWHILE, driftReported, withoutQuarantined } from '../sync-token/audit.js';
import { parseSyncTokenCursor } from '../sync-token/cursor.js';
import { fingerprint } from '../../fingerprint.js';
import { readCalendars, readEvents } from './verify.js';

/*
 * The audits of a calendar and of a calendar list; each compares everything at once. A calendar's
 * pages hold 2,500 events, so that even a very large calendar takes few requests. Memory holds a
 * fingerprint of each event, not the event.
 */

/** Compares every field of every event. */
export async function auditCalendar(context: AuditContext, cursor: Cursor): Promise<AuditEnd> {
  const { store, account, lease } = context;
  const calendar = parseSyncTokenCursor(cursor);
  if (calendar.phase !== 'incremental' || calendar.syncToken === null) return CHANGED_MEANWHILE;
  const source = await readEvents(account, lease.externalId);
  const checked = source.size;
  const differ: string[] = [];
  for await (const { event } of store.mirror.events(lease.accountId, lease.externalId)) {
    const id = String(event['id']);
    if (source.get(id) !== fingerprint(event)) differ.push(id);
    source.delete(id);
  }
  differ.push(...source.keys());
  const unexplained = await withoutQuarantined(context, differ);
  if (unexplained.length === 0) return { kind: 'whole', checked, contents: checked, drift: 0 };
  const since = await account.calendar.events({
    calendarId: lease.externalId,
    syncToken: calendar.syncToken,
    pageToken: null,
  });
  if (since.nextPageToken !== null) return CHANGED_MEANWHILE;
  const { listedIds, delta } = meaningOfEvents(since.items);
  const changed = new Set([
    ...listedIds,
    ...(delta.kind === 'calendar-events' ? delta.deleted : []),
  ]);
  // If a series changed since then, its cancelled occurrences may appear or disappear; their ids
  // begin with the series' id.
  return driftReported(
    context,
    checked,
    unexplained.filter((id) => !changed.has(id) && !changed.has(id.replace(/_[^_]*$/, ''))),
  );
}

/**
 * Compares every entry of the list. Incremental syncs omit entries of which only the access or the
 * calendar's own properties changed, so the list is read in full every 6 to 24 hours: such an entry
 * is late, not drift. It is repaired at once nevertheless.
 */
export async function auditCalendarList(context: AuditContext, cursor: Cursor): Promise<AuditEnd> {
  const { store, account, lease } = context;
  const list = parseSyncTokenCursor(cursor);
  if (list.phase !== 'incremental' || list.syncToken === null) return CHANGED_MEANWHILE;
  const source = new Map(
    (await readCalendars(account)).map((entry) => [entry.id, sameForm(entry)]),
  );
  const checked = source.size;
  const differ: string[] = [];
  let late = 0;
  for await (const { id, resource } of store.mirror.calendars(lease.accountId)) {
    const there = source.get(id);
    source.delete(id);
    if (there === undefined) differ.push(id);
    else if (there !== fingerprint(resource)) late++;
  }
  differ.push(...source.keys());
  const unexcused = await withoutQuarantined(context, differ);
  const since =
    unexcused.length + late === 0
      ? null
      : await account.calendar.calendars({ syncToken: list.syncToken, pageToken: null });
  if (since === null) return { kind: 'whole', checked, contents: checked, drift: 0 };
  const { listedIds, delta } = meaningOfCalendars(since.items);
  const changed = new Set([...listedIds, ...(delta.kind === 'calendar-list' ? delta.removed : [])]);
  if (late > 0) await store.schedule.requestRepair(lease.collectionId);
  return driftReported(
    context,
    checked,
    unexcused.filter((id) => !changed.has(id)),
  );
}

function sameForm(entry: CalendarListEntry): string {
  return fingerprint(JSON.parse(storable.json(entry)));
}
