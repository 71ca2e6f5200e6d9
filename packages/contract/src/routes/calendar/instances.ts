import { z } from 'zod';
import { accountListOf, freshRead } from '../../freshness.js';
import { accountParams, ID_LIMIT, instant, noParams, page, text } from '../../parameters.js';
import { route } from '../../route.js';
import { freeBusyAnswer, instance } from '../../schemas/calendar.js';
import { calendarParams } from './calendars.js';

const tag = 'Calendars';

const DAY_MS = 86_400_000;
/** Longest ranges. */
const INSTANCES_DAYS = 400;
const FREE_BUSY_DAYS = 92;
const PAGE_LIMIT = 2_500;
const CALENDARS_LIMIT = 50;
const ACCOUNTS_LIMIT = 50;

const range = {
  timeMin: instant.meta({ description: 'Events that end after this time.' }),
  timeMax: instant.meta({ description: 'Events that start before this time.' }),
};

/** The years 1 to 9999 in UTC, which every answer can write. */
const [EARLIEST_MS, LATEST_MS] = [-62_135_596_800_000, 253_402_300_799_999];

/** Whether a range is not empty, and has at most so many days. */
function isWithin(days: number): (range: { timeMin: string; timeMax: string }) => boolean {
  return ({ timeMin, timeMax }) => {
    const [fromMs, toMs] = [Date.parse(timeMin), Date.parse(timeMax)];
    if (fromMs < EARLIEST_MS || toMs > LATEST_MS) return false;
    return fromMs < toMs && toMs - fromMs <= days * DAY_MS;
  };
}

function notWithin(days: number): { path: string[]; message: string } {
  return { path: ['timeMax'], message: `must be after timeMin, by at most ${days} days` };
}

const instancesQuery = {
  ...range,
  ...freshRead,
  cursor: page.cursor,
  limit: z
    .int()
    .min(1)
    .max(PAGE_LIMIT)
    .default(250)
    .meta({ description: 'Most instances of a page.' }),
};

const instances = accountListOf(instance).extend({
  truncated: z.boolean().meta({
    description:
      'Whether a rule takes more work than one request may, so that instances of its series are missing. A shorter range may have them.',
  }),
});

/** Names of calendars in a query. */
const calendars = z
  .string()
  .max(16_384)
  .refine((names) => {
    const all = names.split(',');
    return (
      all.length <= CALENDARS_LIMIT && all.every((name) => text(ID_LIMIT).safeParse(name).success)
    );
  }, `must be 1 to ${CALENDARS_LIMIT} ids, separated by commas`)
  .optional()
  .meta({
    description: 'Ids of calendars, separated by commas; `primary` is one. Omitted: all of them.',
    examples: ['primary,team@example.com'],
  });

export const INSTANCE_ROUTES = {
  'instances.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/instances',
    tag,
    summary: 'List the single events of a time range',
    description:
      'Series are expanded. In the order of the starts. At most 20,000 series, exceptions and single events are read; a page has at most about 8 MB.',
    scope: 'calendar:read',
    accountIn: 'params',
    params: accountParams,
    query: z
      .strictObject({ ...instancesQuery, calendars })
      .refine(isWithin(INSTANCES_DAYS), notWithin(INSTANCES_DAYS)),
    body: null,
    answers: { 200: { description: 'A page of instances', schema: instances } },
    problems: ['bad-cursor', 'not-found', 'too-much-work', 'not-fresh-enough'],
    weight: 5,
    spendsQuota: true,
  }),
  'instances.ofCalendar': route({
    method: 'GET',
    path: '/v1/accounts/{id}/calendars/{calendarId}/instances',
    tag,
    summary: 'List the single events of a calendar in a time range',
    description: 'As the instances of the account, of one calendar.',
    scope: 'calendar:read',
    accountIn: 'params',
    params: calendarParams,
    query: z
      .strictObject(instancesQuery)
      .refine(isWithin(INSTANCES_DAYS), notWithin(INSTANCES_DAYS)),
    body: null,
    answers: { 200: { description: 'A page of instances', schema: instances } },
    problems: ['bad-cursor', 'not-found', 'too-much-work', 'not-fresh-enough'],
    weight: 5,
    spendsQuota: true,
  }),
  'freeBusy.query': route({
    method: 'POST',
    path: '/v1/free-busy',
    tag,
    summary: 'Find out when accounts are busy',
    description:
      'From the mirror. Events that are cancelled, shown as available, or declined by the owner of the calendar do not count. An account that the key may not see is excluded like one that does not exist.',
    scope: 'calendar:read',
    params: noParams,
    query: z.strictObject({}),
    body: z
      .strictObject({
        accounts: z
          .array(z.uuid())
          .min(1)
          .max(ACCOUNTS_LIMIT)
          .refine((ids) => new Set(ids).size === ids.length, 'must not have an id twice'),
        calendars: z
          .array(text(ID_LIMIT))
          .min(1)
          .max(CALENDARS_LIMIT)
          .default(['primary'])
          .meta({ description: 'Ids of calendars of each account; `primary` is one.' }),
        ...range,
        merge: z
          .boolean()
          .default(false)
          .meta({ description: 'Whether to add when any of the accounts is busy.' }),
      })
      .refine(isWithin(FREE_BUSY_DAYS), notWithin(FREE_BUSY_DAYS)),
    answers: { 200: { description: 'When they are busy', schema: freeBusyAnswer } },
    problems: [],
    weight: 5,
    spendsQuota: false,
  }),
};
