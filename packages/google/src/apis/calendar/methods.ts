import { MB, SMALL, WHOLE_MESSAGES } from '../../answer-sizes.js';
import type { ApiFacts, MethodFacts } from '../api.js';

const request = (answerBytes: number): MethodFacts => ({
  units: { new: 1, legacy: 1 },
  answerBytes,
});

/**
 * The Calendar methods that Syncline calls. Each costs one request for any page size (Calendar API
 * "Manage quotas").
 */
export const CALENDAR_METHODS = {
  // 250 entries with descriptions.
  'calendar.calendarList.list': request(16 * MB),
  'calendar.calendarList.get': request(MB),
  // 2,500 events with up to 200 guests each.
  'calendar.events.list': request(WHOLE_MESSAGES),
  'calendar.events.get': request(8 * MB),
  'calendar.calendarList.watch': request(SMALL),
  'calendar.events.watch': request(SMALL),
  'calendar.channels.stop': request(SMALL),
} as const satisfies Record<string, MethodFacts>;

export type CalendarMethod = keyof typeof CALENDAR_METHODS;

export const CALENDAR_API: ApiFacts<CalendarMethod> = {
  title: 'Calendar',
  counts: 'requests',
  origin: 'https://www.googleapis.com',
  witness: {
    method: 'calendar.calendarList.list',
    path: '/calendar/v3/users/me/calendarList?maxResults=1',
  },
  syncPositionStatus: { 'calendar.calendarList.list': 410, 'calendar.events.list': 410 },
  sharedCalls: 2,
  limits: (quotas) => [
    quotas.calendarRequestsPerUserMinute,
    quotas.calendarRequestsPerProjectMinute,
    0,
  ],
  least: (quotas) => [
    ['CALENDAR_REQUESTS_PER_USER_MINUTE', quotas.calendarRequestsPerUserMinute, 1],
    ['CALENDAR_REQUESTS_PER_PROJECT_MINUTE', quotas.calendarRequestsPerProjectMinute, 2],
  ],
};
