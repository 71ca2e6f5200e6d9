import type { CollectionModule, ResourceModule } from '../resource.js';
import { parseSyncTokenCursor } from '../sync-token/cursor.js';
import { positionOf } from '../sync-token/source.js';
import { syncTokenStep } from '../sync-token/step.js';
import { askForCalendars, askForEvents } from './ask.js';
import { auditCalendar, auditCalendarList } from './audit.js';
import { EVENTS_SOURCE, LIST_SOURCE } from './sources.js';
import { verifyCalendars } from './verify.js';
import { CHANNEL_WATCH } from './watch.js';

export const CALENDAR: ResourceModule = {
  probe: async (account) =>
    void (await account.calendar.calendars({ syncToken: null, pageToken: null })),
  compare: (_rt, comparison) => verifyCalendars(comparison),
  comparesAlone: false,
  // A full sync costs a request for every 2,500 events, and writes only what differs.
  refetch: async (store, accountId) =>
    void (await store.schedule.requestSync([accountId], {
      resource: 'calendar',
      full: true,
      isRepair: true,
    })),
};

export const CALENDAR_LIST: CollectionModule = {
  parseCursor: parseSyncTokenCursor,
  step: (context, cursor) => syncTokenStep(LIST_SOURCE, context, parseSyncTokenCursor(cursor)),
  position: positionOf(LIST_SOURCE),
  namedBy: (delta) => (delta.kind === 'calendar-list' ? delta.calendars.map(({ id }) => id) : []),
  ask: askForCalendars,
  audit: auditCalendarList,
  watch: CHANNEL_WATCH,
};

export const CALENDAR_EVENTS: CollectionModule = {
  parseCursor: parseSyncTokenCursor,
  step: (context, cursor) => syncTokenStep(EVENTS_SOURCE, context, parseSyncTokenCursor(cursor)),
  position: positionOf(EVENTS_SOURCE),
  namedBy: (delta) => (delta.kind === 'calendar-events' ? delta.events.map(({ id }) => id) : []),
  ask: askForEvents,
  audit: auditCalendar,
  watch: CHANNEL_WATCH,
};
