import { z } from 'zod';
import { CONNECT_OUTCOMES, type ConnectOutcome } from '../connect-outcomes.js';
import { noParams, noQuery, tenant, text, time } from '../parameters.js';
import { route } from '../route.js';
import { resource } from '../schemas/account.js';

const tag = 'Connect';

const OUTCOMES = Object.keys(CONNECT_OUTCOMES) as [ConnectOutcome, ...ConnectOutcome[]];

const connectProblem = z.object({
  type: z.string().meta({
    description: 'Names the problem. It is stable; switch on it.',
    examples: ['urn:syncline:problem:scopes-missing'],
  }),
  detail: z.string().meta({ description: 'For a person who operates the product.' }),
  resources: z
    .array(resource)
    .optional()
    .meta({ description: 'What was not ticked, with `scopes-missing`.' }),
});

const sessionFields = {
  id: z.string(),
  tenant: z.string(),
  ref: z.string().nullable(),
  resources: z.array(resource),
  returnTo: z.string().nullable(),
  project: z.string(),
  accountId: z
    .uuid()
    .nullable()
    .meta({ description: 'The account that is reconnected, or that was connected.' }),
  state: z.enum(['open', 'connected', 'failed']).meta({
    description:
      'A session that has failed may still become `connected` until it expires: the person may try again.',
  }),
  outcome: z
    .enum(OUTCOMES)
    .nullable()
    .meta({ description: 'How the last attempt went. Null: nothing has happened yet.' }),
  problem: connectProblem.nullable(),
  createdAt: time,
  expiresAt: time,
};

const connectSession = z.object(sessionFields).meta({ id: 'ConnectSession' });
const newConnectSession = z
  .object({
    ...sessionFields,
    url: z.string().meta({
      description: "Opened in the end user's browser. It holds a secret and is not shown again.",
    }),
  })
  .meta({ id: 'NewConnectSession' });

const REF_LIMIT = 200;
const RETURN_TO_LIMIT = 2_000;
const LIFE_SECONDS = { least: 60, most: 86_400, usual: 900 };

export const CONNECT_ROUTES = {
  'connectSessions.create': route({
    method: 'POST',
    path: '/v1/connect-sessions',
    tag,
    summary: 'Make a link by which an end user connects a Google account',
    description:
      'The link is for one person and one browser. With `accountId` the account is reconnected: its rows and cursors stay, and another Google account is refused.',
    scope: 'connect:write',
    params: noParams,
    query: noQuery,
    body: z.strictObject({
      tenant: tenant
        .optional()
        .meta({ description: "Default: the key's tenant; `default` for a key of all tenants." }),
      ref: text(REF_LIMIT)
        .nullable()
        .optional()
        .meta({ description: 'Your name of the user; it comes back with the session.' }),
      resources: z
        .array(resource)
        .min(1)
        .max(10)
        .optional()
        .meta({ description: 'Omitted: the usual ones; those that an account to reconnect has.' }),
      returnTo: z.string().min(1).max(RETURN_TO_LIMIT).nullable().optional().meta({
        description:
          'Where the browser goes afterwards, with `connect` (the id) and `result` (the outcome) in its query. It must be on the list CONNECT_RETURN_TO.',
      }),
      accountId: z.uuid().nullable().optional().meta({ description: 'The account to reconnect.' }),
      project: text(100)
        .optional()
        .meta({ description: 'The Google project whose client asks. Default: `default`.' }),
      expiresInSeconds: z
        .int()
        .min(LIFE_SECONDS.least)
        .max(LIFE_SECONDS.most)
        .default(LIFE_SECONDS.usual),
    }),
    answers: {
      201: {
        description: 'The session, with its link',
        schema: newConnectSession,
        headers: { Location: 'The path of the session.' },
      },
    },
    holdsSecret: true,
    problems: [
      'invalid-request',
      'not-found',
      'state-conflict',
      'connect-not-configured',
      'too-many-connect-sessions',
    ],
    weight: 2,
    spendsQuota: false,
  }),
  'connectSessions.get': route({
    method: 'GET',
    path: '/v1/connect-sessions/{id}',
    tag,
    summary: 'Get a connect session',
    description: 'Kept for 30 days after it has expired.',
    scope: 'connect:write',
    params: z.object({ id: z.string().regex(/^cs_[0-9a-f]{32}$/) }),
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The session', schema: connectSession } },
    problems: ['not-found'],
    weight: 1,
    spendsQuota: false,
  }),
};
