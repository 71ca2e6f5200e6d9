import { z } from 'zod';
import { accountListOf, FRESHNESS_HEADER, freshRead } from '../../freshness.js';
import { accountParams, page, text, ID_LIMIT } from '../../parameters.js';
import { route } from '../../route.js';
import { calendar, event } from '../../schemas/calendar.js';

const tag = 'Calendars';

const id = text(ID_LIMIT);

export const calendarParams = accountParams.extend({
  calendarId: id.meta({ description: '`primary` names the primary calendar.' }),
});

export const CALENDAR_ROUTES = {
  'calendars.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/calendars',
    tag,
    summary: 'List calendars',
    description: 'In the order of their ids.',
    scope: 'calendar:read',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({ ...page, ...freshRead }),
    body: null,
    answers: { 200: { description: 'A page of calendars', schema: accountListOf(calendar) } },
    problems: ['bad-cursor', 'not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
  'events.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/calendars/{calendarId}/events',
    tag,
    summary: 'List the events of a calendar',
    description:
      'Single events, series and exceptions as Google gives them, in the order of their ids; cancelled exceptions included, deleted events not.',
    scope: 'calendar:read',
    accountIn: 'params',
    params: calendarParams,
    query: z.strictObject({ ...page, ...freshRead }),
    body: null,
    answers: { 200: { description: 'A page of events', schema: accountListOf(event) } },
    problems: ['bad-cursor', 'not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
  'events.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}/calendars/{calendarId}/events/{eventId}',
    tag,
    summary: 'Get an event',
    scope: 'calendar:read',
    accountIn: 'params',
    params: calendarParams.extend({ eventId: id }),
    query: z.strictObject(freshRead),
    body: null,
    answers: { 200: { description: 'The event', schema: event, headers: FRESHNESS_HEADER } },
    problems: ['not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
};
