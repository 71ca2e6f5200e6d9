import { notFound } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import { badPageSize, flag, pageSize } from '../gmail/parameters.js';
import type { Asked } from '../sim.js';
import type { ShelfEntry } from './shelf.js';
import { forbiddenWithSyncToken, invalidPageToken, revisionOf } from './sync-errors.js';
import { requestedPage, writePageToken, writeSyncToken } from './tokens.js';

const DEFAULT_SIZE = 100;
const LARGEST_SIZE = 250;
const ROLES = ['freeBusyReader', 'reader', 'writerWithoutPrivateAccess', 'writer', 'owner'];

/**
 * Serves `calendarList.list`: all entries, or with a sync token the changed ones, deleted and
 * hidden entries included.
 */
export function listCalendars(asked: Asked): Reply {
  const { shelf, key } = asked.account;
  const scope = `list:${key}`;
  const page = requestedPage(asked.query, scope);
  if (page === 'invalid') return invalidPageToken();
  const query = page === null ? asked.query : new URLSearchParams(page.query);
  const size = pageSize({ ...asked, query }, DEFAULT_SIZE, LARGEST_SIZE);
  if (size === null) return badPageSize(asked);
  const entries = askedEntries({ ...asked, query }, scope);
  if (!Array.isArray(entries)) return entries;
  const offset = page?.after ?? 0;
  const revision = page?.revision ?? shelf.revision;
  const items = entries.slice(offset, offset + size);
  const more = offset + size < entries.length;
  const next = more
    ? {
        nextPageToken: writePageToken({
          scope,
          query: query.toString(),
          after: offset + size,
          revision,
        }),
      }
    : { nextSyncToken: writeSyncToken({ scope, revision, issuedMs: asked.sim.clock.nowMs() }) };
  return jsonReply(
    {
      kind: 'calendar#calendarList',
      etag: `"p${shelf.revision}${scope.length}"`,
      ...next,
      items: items.map(entryResource),
    },
    asked.format,
  );
}

/** Serves `calendarList.get`. */
export function getCalendar(asked: Asked): Reply {
  const entry = asked.account.shelf.find(asked.ids[0] ?? '');
  return entry === null ? notFound('calendar') : jsonReply(entryResource(entry), asked.format);
}

function askedEntries(asked: Asked, scope: string): ShelfEntry[] | Reply {
  const { shelf } = asked.account;
  const syncToken = asked.query.get('syncToken') ?? '';
  if (syncToken === '') {
    const least = ROLES.indexOf(asked.query.get('minAccessRole') ?? '');
    return shelf
      .all()
      .filter(
        (entry) =>
          !entry.lost &&
          (!entry.deleted || flag(asked, 'showDeleted')) &&
          (!entry.hidden || flag(asked, 'showHidden')) &&
          ROLES.indexOf(entry.accessRole) >= least,
      );
  }
  for (const name of ['minAccessRole', 'showOwnOrganizationOnly'])
    if (asked.query.has(name)) return forbiddenWithSyncToken(name);
  for (const name of ['showDeleted', 'showHidden'])
    if (asked.query.get(name) === 'false') return forbiddenWithSyncToken(`${name}=false`);
  const revision = revisionOf(asked.sim, syncToken, scope, shelf.oldestGoodRevision);
  return typeof revision === 'number' ? shelf.changedSince(revision) : revision;
}

/** Flags are absent when false. */
function entryResource(entry: ShelfEntry): Record<string, unknown> {
  const { calendar } = entry;
  return {
    kind: 'calendar#calendarListEntry',
    etag: `"${entry.revision * 1_000_003}"`,
    id: calendar.id,
    summary: calendar.summary,
    ...(calendar.description === undefined ? {} : { description: calendar.description }),
    timeZone: calendar.timeZone,
    ...(entry.summaryOverride === null ? {} : { summaryOverride: entry.summaryOverride }),
    colorId: entry.colorId,
    backgroundColor: '#9fe1e7',
    foregroundColor: '#000000',
    ...(entry.hidden ? { hidden: true } : {}),
    ...(entry.deleted ? {} : { selected: true }),
    accessRole: entry.accessRole,
    defaultReminders: defaultReminders(entry),
    ...(entry.primary
      ? {
          notificationSettings: { notifications: [{ type: 'eventCreation', method: 'email' }] },
          primary: true,
        }
      : {}),
    ...(entry.deleted ? { deleted: true } : {}),
    conferenceProperties: { allowedConferenceSolutionTypes: ['hangoutsMeet'] },
  };
}

/** Only the primary calendar has default reminders. */
export function defaultReminders(entry: ShelfEntry): { method: string; minutes: number }[] {
  return entry.primary ? [{ method: 'popup', minutes: 10 }] : [];
}
