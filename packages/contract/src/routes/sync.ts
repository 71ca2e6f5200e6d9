import { z } from 'zod';
import { accountParams, noQuery, time, wait } from '../parameters.js';
import { route } from '../route.js';
import { accountFields, collectionFields, someResources } from '../schemas/account.js';

const tag = 'Sync';

const syncRequest = z
  .object({
    requestedAt: time.meta({ description: "The time of the request, by the database's clock." }),
    caughtUp: z.boolean().meta({
      description: 'Whether runs that began after the request have left nothing behind.',
    }),
    behind: z
      .array(
        z.object({
          kind: z.string(),
          externalId: z.string(),
          reason: z.string().nullable().meta({ description: 'The last error, or the state.' }),
        }),
      )
      .meta({ description: 'The collections that are not caught up yet.' }),
  })
  .meta({ id: 'SyncRequest' });

const watch = z.object({
  state: z.enum(['requested', 'on', 'off', 'unwatchable', 'refused']),
  silent: z.boolean(),
  expiresAt: time.nullable(),
  dueAt: time,
  lastNotifiedAt: time.nullable(),
  error: z.string().nullable(),
});

const explainedCollection = z.object({
  ...collectionFields,
  state: z.string(),
  fullSyncStartedAt: time.nullable(),
  requestedAt: time.nullable(),
  caughtUpAt: time.nullable(),
  leaseUntil: time.nullable(),
  leaseHolder: z.string().nullable(),
  failures: z.int(),
  watch: watch.nullable(),
  requested: z.boolean().meta({ description: 'A sync was requested and is not done.' }),
  held: z.boolean().meta({ description: 'A worker syncs it now.' }),
  why: z.string().meta({ description: 'The reason for its state, for a person.' }),
});

const explanation = z
  .object({
    ...accountFields,
    resources: z.array(z.string()),
    collections: z.array(explainedCollection),
    spentToday: z
      .array(z.object({ method: z.string(), calls: z.int(), units: z.number() }))
      .meta({ description: "Quota spent on Google's current day." }),
  })
  .meta({ id: 'Explanation' });

export const SYNC_ROUTES = {
  'accounts.sync': route({
    method: 'POST',
    path: '/v1/accounts/{id}/sync',
    tag,
    summary: 'Request a sync now',
    description:
      'Makes the collections due at once. With `wait` the answer comes when they are caught up, or when the time is over.',
    scope: 'accounts:write',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject(wait),
    body: z.strictObject({
      resources: someResources,
      full: z
        .boolean()
        .default(false)
        .meta({ description: 'List everything again; rows stay readable meanwhile.' }),
    }),
    bodyIsOptional: true,
    answers: {
      200: { description: 'Caught up', schema: syncRequest },
      202: { description: 'Requested, and not caught up yet', schema: syncRequest },
    },
    problems: ['state-conflict'],
    weight: 2,
    spendsQuota: true,
  }),
  'accounts.why': route({
    method: 'GET',
    path: '/v1/accounts/{id}/why',
    tag,
    summary: 'Explain how fresh an account is',
    description: 'Each collection with the reason for its state, and the quota spent today.',
    scope: 'accounts:read',
    accountIn: 'params',
    params: accountParams,
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The account, explained', schema: explanation } },
    problems: [],
    weight: 2,
    spendsQuota: false,
  }),
};
