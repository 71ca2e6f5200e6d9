/**
 * Serves `events.list`, full and by sync token. A full list is in order of creation, an incremental
 * one in order of change. Both continue after a position, so a page token stays valid while the
 * calendar changes. The sync token at the end has the revision of the *first* page: what changed
 * meanwhile is returned again, and nothing is missed.
 */
import { notFound } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import { badPageSize, pageSize } from '../gmail/parameters.js';
import type { Asked } from '../sim.js';
import { defaultReminders } from './calendar-list.js';
import { withoutDetails, type EventBody } from './event.js';
import { endsWithSyncToken, eventQuery, matchesQuery, type EventQuery } from './event-query.js';
import { expanded, occurrenceBody } from './single-events.js';
import type { ShelfEntry } from './shelf.js';
import type { StoredEvent } from './store.js';
import { invalidPageToken, revisionOf } from './sync-errors.js';
import { requestedPage, writePageToken, writeSyncToken } from './tokens.js';

const DEFAULT_SIZE = 250;
const LARGEST_SIZE = 2_500;

export function listEvents(asked: Asked): Reply {
  const entry = asked.account.shelf.find(asked.ids[0] ?? '');
  if (entry === null) return notFound('calendar');
  const page = requestedPage(asked.query, entry.calendar.id);
  if (page === 'invalid') return invalidPageToken();
  const initial: Asked =
    page === null ? asked : { ...asked, query: new URLSearchParams(page.query) };
  const size = pageSize(initial, DEFAULT_SIZE, LARGEST_SIZE);
  if (size === null) return badPageSize(initial);
  const checked = eventQuery(initial);
  if (!checked.ok) return checked.reply;
  const rows = rowsOf(initial, entry, checked.query);
  if (!Array.isArray(rows)) return rows;
  const revision = page?.revision ?? entry.calendar.revision;
  return pageReply(asked, entry, {
    rows,
    query: initial.query,
    size,
    after: page?.after ?? 0,
    revision,
  });
}

/**
 * Serves `events.get`, including cancelled and deleted events and single occurrences of a series.
 */
export function getEvent(asked: Asked): Reply {
  const [calendarId = '', eventId = ''] = asked.ids;
  const calendar = asked.account.shelf.find(calendarId)?.calendar;
  const body =
    calendar?.get(eventId)?.body ??
    (calendar === undefined ? undefined : occurrenceBody(calendar, eventId));
  return body === undefined || body === null ? notFound('calendar') : jsonReply(body, asked.format);
}

/** Serves `events.instances`: the occurrences of one series with their exceptions. */
export function listInstances(asked: Asked): Reply {
  const [calendarId = '', eventId = ''] = asked.ids;
  const entry = asked.account.shelf.find(calendarId);
  const master = entry?.calendar.get(eventId);
  if (!entry || !master || master.deleted) return notFound('calendar');
  const size = pageSize(asked, DEFAULT_SIZE, LARGEST_SIZE);
  if (size === null) return badPageSize(asked);
  const checked = eventQuery(asked);
  if (!checked.ok) return checked.reply;
  const family = [master, ...entry.calendar.exceptionsOf(eventId)];
  const bodies = expanded(
    entry.calendar,
    family,
    { ...checked.query, singleEvents: true },
    asked.sim.clock.nowMs(),
  );
  const rows = bodies.map((body, index) => ({ at: index + 1, body }));
  const page = requestedPage(asked.query, entry.calendar.id);
  if (page === 'invalid') return invalidPageToken();
  return pageReply(asked, entry, {
    rows,
    query: asked.query,
    size,
    after: page?.after ?? 0,
    revision: entry.calendar.revision,
  });
}

/**
 * An item and the position after which the list continues. A fraction distinguishes the occurrences
 * of one changed series.
 */
interface Row {
  at: number;
  body: EventBody;
}

interface PageParts {
  rows: readonly Row[];
  query: URLSearchParams;
  size: number;
  after: number;
  revision: number;
}

function pageReply(asked: Asked, entry: ShelfEntry, parts: PageParts): Reply {
  const left = parts.rows.filter((row) => row.at > parts.after);
  const page = left.slice(0, pageLength(asked, parts.size, left.length));
  const more = page.length < left.length;
  const { calendar } = entry;
  const next = more
    ? nextPage(calendar.id, parts, page.at(-1)?.at ?? parts.after)
    : nextSync(asked, calendar.id, parts);
  return jsonReply(
    {
      kind: 'calendar#events',
      etag: `"p${calendar.revision * 1_000_003}"`,
      summary: entry.summaryOverride ?? calendar.summary,
      description: calendar.description ?? '',
      updated: new Date(calendar.updatedMs).toISOString(),
      timeZone: calendar.timeZone,
      accessRole: entry.accessRole,
      defaultReminders: defaultReminders(entry),
      ...next,
      items: page.map((row) =>
        entry.accessRole === 'freeBusyReader' ? withoutDetails(row.body) : row.body,
      ),
    },
    asked.format,
  );
}

function nextPage(
  scope: string,
  { query, revision }: PageParts,
  after: number,
): { nextPageToken: string } {
  return { nextPageToken: writePageToken({ scope, query: query.toString(), after, revision }) };
}

/** `events.instances` returns no sync token, and neither do some queries of `events.list`. */
function nextSync(
  asked: Asked,
  scope: string,
  { query, revision }: PageParts,
): { nextSyncToken?: string } {
  if (asked.method.name !== 'events.list' || !endsWithSyncToken(query)) return {};
  const issuedMs = asked.sim.clock.nowMs();
  return { nextSyncToken: writeSyncToken({ scope, revision, issuedMs }) };
}

/**
 * Google may return a short page, or an empty one with a token; this option makes every page so.
 */
function pageLength(asked: Asked, size: number, left: number): number {
  if (!asked.sim.settings.shortCalendarPages || left === 0) return size;
  return Math.min(size, asked.sim.traffic.below(Math.min(size, left) + 1));
}

function rowsOf(asked: Asked, entry: ShelfEntry, query: EventQuery): Row[] | Reply {
  const { calendar } = entry;
  const syncToken = asked.query.get('syncToken') ?? '';
  if (syncToken !== '') {
    const revision = revisionOf(asked.sim, syncToken, calendar.id, calendar.oldestGoodRevision);
    if (typeof revision !== 'number') return revision;
    return deltaRows(asked, entry, calendar.changedSince(revision), query);
  }
  if (query.singleEvents || query.orderBy !== null) {
    return ordered(asked, entry, query).map((body, index) => ({ at: index + 1, body }));
  }
  return fullSet(entry, query)
    .filter((event) => matchesQuery(event.body, query, calendar.timeZone))
    .map((event) => ({ at: event.number, body: event.body }));
}

/**
 * A full list contains cancelled occurrences while their series exists, and deleted events only
 * with showDeleted or updatedMin.
 */
function fullSet(entry: ShelfEntry, query: EventQuery): StoredEvent[] {
  return entry.calendar
    .all()
    .filter((event) => !event.deleted || query.showDeleted || query.updatedMinMs !== null);
}

function ordered(asked: Asked, entry: ShelfEntry, query: EventQuery): EventBody[] {
  const { calendar } = entry;
  if (query.singleEvents)
    return expanded(calendar, fullSet(entry, query), query, asked.sim.clock.nowMs());
  const events = fullSet(entry, query).filter((event) =>
    matchesQuery(event.body, query, calendar.timeZone),
  );
  return events.sort((a, b) => a.revision - b.revision).map((event) => event.body);
}

function deltaRows(
  asked: Asked,
  entry: ShelfEntry,
  changed: readonly StoredEvent[],
  query: EventQuery,
): Row[] {
  if (query.singleEvents) {
    return changed.flatMap((event) =>
      expanded(
        entry.calendar,
        [event],
        { ...query, showDeleted: true },
        asked.sim.clock.nowMs(),
      ).map((body, index) => ({ at: event.revision + index / 10_000, body })),
    );
  }
  return changed.map((event) => ({
    at: event.revision,
    body: event.deleted && !query.showDeleted ? tombstone(event.body) : event.body,
  }));
}

/**
 * The only fields that Google guarantees for a deleted event, or for a deleted occurrence of a
 * series.
 */
function tombstone({ kind, etag, id, recurringEventId, originalStartTime }: EventBody): EventBody {
  return {
    kind,
    etag,
    id,
    status: 'cancelled',
    ...(recurringEventId === undefined ? {} : { recurringEventId }),
    ...(originalStartTime === undefined ? {} : { originalStartTime }),
  };
}
