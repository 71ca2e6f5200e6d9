import { z } from 'zod';
import { accountParams, listOf, page, time } from '../parameters.js';
import { route } from '../route.js';

const tag = 'Timeline';

/** Without a list of values: kinds are added. */
const accountEvent = z
  .object({
    id: z.string().meta({ description: 'Rises in the order in which events were written.' }),
    at: time,
    kind: z.string().meta({
      description: 'Such as `account_state_changed`, `full_sync_finished` or `errors_started`.',
    }),
    collection: z
      .object({
        id: z.uuid(),
        kind: z.string().nullable(),
        externalId: z.string().nullable(),
      })
      .nullable()
      .meta({
        description:
          'The collection that it is about; its kind and id at Google are null when it does not exist any more. Null: the account, or many accounts.',
      }),
    actor: z.string().nullable().meta({
      description: 'Who caused it: `key ID` or `command NAME`; null is Syncline itself.',
    }),
    detail: z.record(z.string(), z.unknown()).meta({ description: 'The fields of its kind.' }),
    text: z.string().meta({ description: 'The same for a person.' }),
  })
  .meta({ id: 'AccountEvent' });

export const TIMELINE_ROUTES = {
  'accounts.events': route({
    method: 'GET',
    path: '/v1/accounts/{id}/events',
    tag,
    summary: 'List what happened to an account',
    description:
      'Newest first: transitions only, and what happened to many accounts at once. The last 500 events of 90 days are kept.',
    scope: 'accounts:read',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject(page),
    body: null,
    answers: { 200: { description: 'A page of events', schema: listOf(accountEvent) } },
    problems: ['bad-cursor'],
    weight: 1,
    spendsQuota: false,
  }),
};
