import { z } from 'zod';
import { accountParams, noParams, time, wait } from '../parameters.js';
import { route } from '../route.js';

const tag = 'Changes';

const seq = z.int().min(0).max(999_999_999_999_999);

const change = z
  .object({
    seq: z.int().meta({ description: 'Its number: one more than the number before.' }),
    entity: z.string().meta({
      description: 'What kind of row changed.',
      examples: ['message', 'label', 'calendar', 'event', 'account', 'collection'],
    }),
    id: z.string().meta({
      description:
        "Google's id of it; the id of an account or a collection is that of its document.",
    }),
    calendarId: z
      .string()
      .nullable()
      .meta({ description: 'Of an event: its calendar, within which its id is unique.' }),
    op: z.enum(['created', 'updated', 'deleted']),
    origin: z.enum(['live', 'full_sync', 'repair']).meta({
      description:
        'What found the change: an incremental sync, a full sync, or a repair (an audit, a verification, items that were requested again). What happens to an account or a collection, and what is erased by request, is `live`.',
    }),
    at: time,
  })
  .meta({ id: 'Change' });

const place = z.string().meta({
  description: 'A place in the feed of all accounts: `<epoch>.<position>`.',
  examples: ['1.81422'],
});

const tenantChange = change
  .extend({
    position: place.meta({ description: 'Its place, by which a reader goes on.' }),
    account: z.uuid().meta({ description: 'The id of its account.' }),
    tenant: z.string().meta({ description: 'The tenant of the account.' }),
    epoch: z.int().meta({ description: 'The epoch of `seq`.' }),
  })
  .meta({ id: 'TenantChange' });

const tenantChanges = z
  .object({
    data: z.array(tenantChange),
    next: place.meta({
      description: 'The `after` of the next request, also when `data` is empty.',
    }),
  })
  .meta({ id: 'TenantChanges' });

const STREAM_END =
  'it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.';

const limit = z
  .int()
  .min(1)
  .max(1_000)
  .default(500)
  .meta({ description: 'Most events of a page.' });

const changes = z
  .object({
    data: z.array(change),
    next: z
      .int()
      .meta({ description: 'The `after` of the next request, also when `data` is empty.' }),
    epoch: z.int().meta({ description: 'The epoch of these numbers.' }),
    oldestSeq: z.int().meta({ description: 'The oldest number that is kept.' }),
  })
  .meta({ id: 'Changes' });

export const CHANGE_ROUTES = {
  'changes.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/changes',
    tag,
    summary: 'Read the change feed of an account',
    description:
      'Events in the order of their commits. JSON is a page: with `wait` it comes when there is an event, or when the time is over. `Accept: text/event-stream` or `application/x-ndjson` gives a stream, for which `limit` and `wait` mean nothing; it ends after an hour and when the process drains, and goes on at `Last-Event-ID`.',
    scope: 'feed:read',
    accountIn: 'params',
    params: accountParams,
    query: z
      .strictObject({
        after: seq.default(0).meta({ description: 'The last number that was applied.' }),
        epoch: seq
          .optional()
          .meta({ description: 'The epoch of `after`, which needs it beyond 0.' }),
        limit,
        ...wait,
      })
      .refine(({ after, epoch }) => after === 0 || epoch !== undefined, {
        path: ['epoch'],
        message: 'is needed with after',
      }),
    headers: z.object({
      'Last-Event-ID': z
        .string()
        .regex(/^\d{1,15}\.\d{1,15}$/, 'must be an epoch, a dot and a number of the feed')
        .optional()
        .meta({
          description:
            'The id of the last event that was received; it replaces `after` and `epoch`.',
        }),
    }),
    body: null,
    answers: {
      200: {
        description: 'A page of events, or a stream of them',
        schema: changes,
        streams: {
          'application/x-ndjson': z.string().meta({
            description:
              'A line for each event: the fields of `Change` and `epoch`. After 15 s without one, a line `{"heartbeat":true,"epoch":…,"seq":…}` with the position.',
          }),
          'text/event-stream': z.string().meta({
            description:
              'Server-sent events `change` with the id `<epoch>.<seq>`; their data is a line of the other form. After 15 s without one, a comment.',
          }),
        },
      },
    },
    problems: ['not-found', 'epoch-changed', 'feed-pruned'],
    weight: 1,
    spendsQuota: false,
  }),
  'changes.all': route({
    method: 'GET',
    path: '/v1/changes',
    tag,
    summary: 'Read the change feeds of all accounts',
    description: `The events of all accounts of the key's tenant, or of every tenant, in one order: that of each account is exact, between accounts it is that of arrival. JSON is a page: with \`wait\` it comes when there is an event, or when the time is over. \`Accept: text/event-stream\` or \`application/x-ndjson\` gives a stream, for which \`limit\` and \`wait\` mean nothing; ${STREAM_END}`,
    scope: 'feed:read',
    params: noParams,
    query: z.strictObject({
      after: z
        .string()
        .regex(/^(?:0|latest|\d{1,15}\.\d{1,15})$/, 'must be a place, 0 or latest')
        .default('0')
        .meta({
          description:
            'The place of the last event that was applied. `0` is the beginning of the current epoch, `latest` the end: a page of it has no events, and its `next` is where a reader begins before it lists the mirror.',
          examples: ['1.81422', 'latest'],
        }),
      limit,
      ...wait,
    }),
    headers: z.object({
      'Last-Event-ID': z
        .string()
        .regex(/^\d{1,15}\.\d{1,15}$/, 'must be a place in the feed')
        .optional()
        .meta({
          description: 'The id of the last event that was received; it replaces `after`.',
        }),
    }),
    body: null,
    answers: {
      200: {
        description: 'A page of events, or a stream of them',
        schema: tenantChanges,
        streams: {
          'application/x-ndjson': z.string().meta({
            description:
              'A line for each event: the fields of `TenantChange`. After 15 s without one, a line `{"heartbeat":true,"position":…}` with the place.',
          }),
          'text/event-stream': z.string().meta({
            description:
              'Server-sent events `change` with the place as id; their data is a line of the other form. After 15 s without one, a comment.',
          }),
        },
      },
    },
    problems: ['epoch-changed', 'feed-pruned'],
    weight: 1,
    spendsQuota: false,
  }),
};
