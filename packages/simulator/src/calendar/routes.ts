import type { Handlers, Route } from '../gmail/routes.js';
import type { CalendarMethod } from '../methods.js';
import { getCalendar, listCalendars } from './calendar-list.js';
import { getEvent, listEvents, listInstances } from './events.js';

/** The method that a path below /calendar/v3/ names, or null. Calendar knows its user by the token alone. */
export function routeCalendar(httpMethod: string, path: readonly string[]): Route | null {
  if (httpMethod !== 'GET') return null;
  const [first, second, third, fourth, fifth, ...rest] = path;
  if (rest.length > 0) return null;
  if (first === 'users' && third === 'calendarList' && fifth === undefined) {
    if (fourth === undefined) return route('calendarList.list', second ?? 'me', []);
    return route('calendarList.get', second ?? 'me', [fourth]);
  }
  if (first !== 'calendars' || second === undefined || third !== 'events') return null;
  if (fourth === undefined) return route('events.list', 'me', [second]);
  if (fifth === undefined) return route('events.get', 'me', [second, fourth]);
  return fifth === 'instances' ? route('events.instances', 'me', [second, fourth]) : null;
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
