import { z } from 'zod';
import { listOf, noParams, noQuery, page, time } from '../parameters.js';
import { route } from '../route.js';

const tag = 'Quarantine';

const accountId = z.uuid().meta({ description: 'The id of the account.' });
/** Postgres stores no NUL. */
const itemId = z
  .string()
  .min(1)
  .max(1_024)
  .regex(/^[^\u0000]*$/, 'must not contain NUL');

const item = z
  .object({
    accountId: z.uuid(),
    email: z.string(),
    tenant: z.string(),
    kind: z.string(),
    externalId: z.string(),
    itemId: z.string(),
    reason: z.string(),
    attempts: z.int(),
    firstAt: time,
    lastAt: time,
    retryAt: time.nullable().meta({ description: 'Null: only a retry by request.' }),
  })
  .meta({ id: 'QuarantinedItem' });

export const QUARANTINE_ROUTES = {
  'quarantine.list': route({
    method: 'GET',
    path: '/v1/quarantine',
    tag,
    summary: 'List items that could not be mirrored',
    description: 'In the order of account, collection and item.',
    scope: 'ops:read',
    accountIn: 'query',
    params: noParams,
    query: z.strictObject({ ...page, account: accountId.optional() }),
    body: null,
    answers: { 200: { description: 'A page of items', schema: listOf(item) } },
    problems: ['bad-cursor'],
    weight: 1,
    spendsQuota: false,
  }),
  'quarantine.retry': route({
    method: 'POST',
    path: '/v1/quarantine/retry',
    tag,
    summary: 'Read items again',
    description: 'What still cannot be stored comes back to the quarantine.',
    scope: 'ops:write',
    accountIn: 'body',
    params: noParams,
    query: noQuery,
    body: z.strictObject({
      account: accountId,
      ids: z
        .array(itemId)
        .min(1)
        .max(1_000)
        .optional()
        .meta({ description: 'Omitted: all of the account.' }),
    }),
    answers: {
      200: {
        description: 'How many are read again',
        schema: z.object({
          retried: z.int(),
          unknown: z.int().meta({ description: 'Named items that are not in quarantine.' }),
        }),
      },
    },
    problems: [],
    weight: 2,
    spendsQuota: true,
  }),
  'quarantine.drop': route({
    method: 'POST',
    path: '/v1/quarantine/drop',
    tag,
    summary: 'Drop items from the quarantine',
    description: 'They stay out of the mirror until they change at Google.',
    scope: 'ops:write',
    accountIn: 'body',
    params: noParams,
    query: noQuery,
    body: z.strictObject({ account: accountId, ids: z.array(itemId).min(1).max(1_000) }),
    answers: {
      200: {
        description: 'How many were dropped',
        schema: z.object({ dropped: z.int(), unknown: z.int() }),
      },
    },
    problems: [],
    weight: 2,
    spendsQuota: false,
  }),
};
