import { z } from 'zod';
import {
  accountParams,
  email,
  listOf,
  noParams,
  noQuery,
  page,
  tenant,
  text,
} from '../parameters.js';
import { route } from '../route.js';
import { account, accountState, resource } from '../schemas/account.js';
import { operation } from '../schemas/operation.js';

const tag = 'Accounts';

const newAccount = z.strictObject({
  email,
  refreshToken: z
    .string()
    .max(8_192)
    .regex(/^[\x21-\x7e]+$/, 'must be a token: printable characters without spaces')
    .optional()
    .meta({ description: 'Wanted unless there is a `delegation`.' }),
  delegation: text(200).optional().meta({
    description:
      'The name of the delegation of the tenant by which a service account acts for the account, in place of a refresh token.',
  }),
  tenant: tenant
    .optional()
    .meta({ description: "Default: the key's tenant; `default` for a key of all tenants." }),
  resources: z
    .array(resource)
    .min(1)
    .max(10)
    .optional()
    .meta({ description: 'Omitted: the usual ones; a known account keeps its own.' }),
  project: text(100)
    .optional()
    .meta({ description: 'The Google project whose client the token was issued to.' }),
});

/** The answer to a line of an import. */
const importedLine = z
  .object({
    line: z.int().meta({ description: 'The number of the line, from 1.' }),
    result: z.enum(['created', 'updated', 'refused']),
    id: z.uuid().nullable().meta({ description: 'The account. Null: the line was refused.' }),
    problem: z.string().nullable().meta({ description: 'Why it was not imported as intended.' }),
    note: z.string().nullable().meta({ description: 'What a person should know.' }),
  })
  .meta({ id: 'ImportedLine' });

const IMPORT_LINES = 1_000;
const IMPORT_BYTES = 8_388_608;

export const ACCOUNT_ROUTES = {
  'accounts.list': route({
    method: 'GET',
    path: '/v1/accounts',
    tag,
    summary: 'List accounts',
    description:
      'Accounts with their collections, in the order of tenant and id. An account that stays is given exactly once.',
    scope: 'accounts:read',
    params: noParams,
    query: z.strictObject({
      ...page,
      tenant: tenant.optional(),
      email: email.optional().meta({ description: 'Compared without case.' }),
      state: accountState.optional(),
    }),
    body: null,
    answers: { 200: { description: 'A page of accounts', schema: listOf(account) } },
    problems: ['bad-cursor'],
    weight: 1,
    spendsQuota: false,
  }),
  'accounts.create': route({
    method: 'POST',
    path: '/v1/accounts',
    tag,
    summary: 'Connect an account, or renew its grant',
    description:
      'Idempotent by tenant and address. Resources that are not named are not removed. Google is asked whose the grant is, where the API has an OAuth client; otherwise, and with `verify=false`, the first sync checks it before it writes anything. With `application/x-ndjson` each line, of at most 64 KB, is an account, and has a line of the answer in the same order; there are at most 1,000, and no Idempotency-Key.',
    scope: 'accounts:write',
    params: noParams,
    query: z.strictObject({
      verify: z
        .boolean()
        .default(true)
        .meta({ description: 'Whether to ask Google whose the grant is.' }),
    }),
    body: newAccount,
    bodyLines: { line: newAccount, limit: IMPORT_LINES, bytesLimit: IMPORT_BYTES },
    answers: {
      200: {
        description: 'The account was known; its grant is renewed. Of lines: their results',
        schema: account,
        streams: { 'application/x-ndjson': importedLine },
      },
      201: {
        description: 'The account is connected',
        schema: account,
        headers: { Location: 'The path of the account.' },
      },
    },
    problems: ['grant-refused', 'not-found', 'state-conflict'],
    weight: 2,
    spendsQuota: true,
  }),
  'accounts.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}',
    tag,
    summary: 'Get an account',
    scope: 'accounts:read',
    accountIn: 'params',
    params: accountParams,
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The account', schema: account } },
    problems: [],
    weight: 1,
    spendsQuota: false,
  }),
  'accounts.update': route({
    method: 'PATCH',
    path: '/v1/accounts/{id}',
    tag,
    summary: 'Pause or resume an account',
    description:
      'A paused account is not synced; its rows stay. Resuming makes every collection due at once.',
    scope: 'accounts:write',
    accountIn: 'params',
    params: accountParams,
    query: noQuery,
    body: z.strictObject({ paused: z.boolean() }),
    answers: { 200: { description: 'The account', schema: account } },
    problems: ['state-conflict'],
    weight: 1,
    spendsQuota: false,
  }),
  'accounts.remove': route({
    method: 'DELETE',
    path: '/v1/accounts/{id}',
    tag,
    summary: 'Remove an account',
    description:
      'Stops its syncs at once. Workers stop its watches, revoke its grant unless another account needs it, and erase every row. The operation is done when nothing is left.',
    scope: 'accounts:write',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({
      keepGrant: z
        .boolean()
        .default(false)
        .meta({ description: 'Leave the grant alive at Google.' }),
    }),
    body: null,
    answers: {
      202: {
        description: 'The removal has begun',
        schema: operation,
        headers: { Location: 'The path of the operation.' },
      },
    },
    problems: [],
    weight: 2,
    spendsQuota: true,
  }),
};
