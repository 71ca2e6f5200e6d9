import type { Handlers, Route } from '../gmail/routes.js';
import type { CalendarMethod } from '../methods.js';
import { getCalendar, listCalendars } from './calendar-list.js';
import { getEvent, listEvents, listInstances } from './events.js';

/**
 * Returns the method for a path below /calendar/v3/, or null. Calendar identifies its user by the
 * token only.
 */
export function routeCalendar(httpMethod: string, path: readonly string[]): Route | null {
  if (httpMethod !== 'GET') return null;
  const [first, second = 'me', third, ...ids] = path;
  if (first === 'users' && third === 'calendarList') return routeCalendarList(second, ids);
  return first === 'calendars' && third === 'events' ? routeEvents(second, ids) : null;
}

function routeCalendarList(userId: string, ids: string[]): Route | null {
  if (ids.length > 1) return null;
  return route(ids.length === 0 ? 'calendarList.list' : 'calendarList.get', userId, ids);
}

function routeEvents(calendarId: string, [eventId, child, ...rest]: string[]): Route | null {
  if (eventId === undefined) return route('events.list', 'me', [calendarId]);
  if (child === undefined) return route('events.get', 'me', [calendarId, eventId]);
  return child === 'instances' && rest.length === 0
    ? route('events.instances', 'me', [calendarId, eventId])
    : null;
}

export const calendarHandlers: Handlers<CalendarMethod> = {
  'calendarList.list': listCalendars,
  'calendarList.get': getCalendar,
  'events.list': listEvents,
  'events.get': getEvent,
  'events.instances': listInstances,
};

function route(name: CalendarMethod, userId: string, ids: string[]): Route {
  return { method: { api: 'calendar', name }, userId, ids };
}
