import type { ResourceRows } from '../resources.js';

/**
 * Delay before a calendar that Google refuses, but still lists, is requested again. The retry
 * begins with a full read of the list.
 */
export const REOPEN_AFTER = "interval '1 hour'";

/** The calendar list of an account is one collection; the events of each calendar are another. */
export const CALENDAR = {
  collections: ['calendar-list', 'calendar-events'],
  first: [{ kind: 'calendar-list', externalId: 'calendars' }],
  scopes: ['https://www.googleapis.com/auth/calendar.readonly'],
  isDefault: true,
  hasOwnRows: `(EXISTS (SELECT 1 FROM syncline.calendars k WHERE k.account_id = a.id) OR EXISTS (SELECT 1 FROM syncline.calendar_events e WHERE e.account_id = a.id))`,
  isReadOneByOne: false,
  // A calendar that left the list has no row among the calendars.
  wantsFull: `(c.kind = 'calendar-list' AND c.phase = 'incremental' AND EXISTS (SELECT 1 FROM syncline.collections g JOIN syncline.calendars k ON k.account_id = g.account_id AND k.id = g.external_id
                                WHERE g.account_id = c.account_id AND g.kind = 'calendar-events' AND g.state = 'gone' AND g.gone_at < now() - ${REOPEN_AFTER}))`,
  goneForGood: `(c.kind = 'calendar-events' AND NOT EXISTS (SELECT 1 FROM syncline.calendars k WHERE k.account_id = c.account_id AND k.id = c.external_id))`,
  tables: [
    { name: 'calendar_events', key: ['calendar_id', 'id'], entity: 'event' },
    { name: 'cancelled_occurrences', key: ['calendar_id', 'id'] },
    { name: 'calendars', key: ['id'], entity: 'calendar' },
  ],
} as const satisfies ResourceRows;
