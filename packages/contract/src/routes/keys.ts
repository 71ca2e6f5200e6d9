import { z } from 'zod';
import { instant, listOf, noParams, noQuery, page, tenant, text, time } from '../parameters.js';
import { route } from '../route.js';
import { SCOPES } from '../scopes.js';

const tag = 'Keys';

const scope = z.enum(SCOPES);

const keyFields = {
  id: z.string(),
  name: z.string(),
  tenant: z.string().nullable().meta({ description: 'Null: every tenant.' }),
  scopes: z.array(scope),
  createdAt: time,
  createdBy: z
    .string()
    .nullable()
    .meta({ description: 'The id of the key that made it; null: an operator.' }),
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable().meta({ description: 'To the minute.' }),
  revokedAt: time.nullable(),
  successorId: z
    .string()
    .nullable()
    .meta({ description: 'The key that has replaced it; it ends at `expiresAt`.' }),
};

const apiKey = z.object(keyFields).meta({ id: 'ApiKey' });
const newApiKey = z
  .object({
    ...keyFields,
    key: z.string().meta({ description: 'The key itself. It cannot be shown again.' }),
  })
  .meta({ id: 'NewApiKey' });

const keyParams = z.object({ id: z.string().regex(/^[0-9A-Za-z]{10}$/) });

/** In UTC. */
const LAST_YEAR = 9_999;
/** A key is rotated within a week. */
const OVERLAP_LIMIT_SECONDS = 604_800;

export const KEY_ROUTES = {
  'keys.list': route({
    method: 'GET',
    path: '/v1/api-keys',
    tag,
    summary: 'List API keys',
    description: "The newest first. A key of one tenant sees that tenant's keys.",
    scope: 'keys:write',
    params: noParams,
    query: z.strictObject(page),
    body: null,
    answers: { 200: { description: 'A page of keys', schema: listOf(apiKey) } },
    problems: ['bad-cursor'],
    weight: 1,
    spendsQuota: false,
  }),
  'keys.create': route({
    method: 'POST',
    path: '/v1/api-keys',
    tag,
    summary: 'Make an API key',
    description:
      'The answer shows the key once. A key makes no key with a scope, a tenant or a later end than it has itself. A tenant has at most 100 keys.',
    scope: 'keys:write',
    params: noParams,
    query: noQuery,
    body: z.strictObject({
      name: text(100).meta({ description: 'For people: who uses it.' }),
      scopes: z.array(scope).min(1).max(SCOPES.length),
      tenant: tenant
        .nullable()
        .optional()
        .meta({ description: 'Null: every tenant. Omitted: as the key of the request.' }),
      expiresAt: instant
        .refine((end) => new Date(end).getUTCFullYear() <= LAST_YEAR, 'must be a four-digit year')
        .nullable()
        .optional()
        .meta({ description: 'Null: never. Omitted: as the key of the request.' }),
    }),
    answers: { 201: { description: 'The key', schema: newApiKey } },
    holdsSecret: true,
    problems: ['exceeds-own-rights', 'too-many-keys'],
    weight: 2,
    spendsQuota: false,
  }),
  'keys.revoke': route({
    method: 'DELETE',
    path: '/v1/api-keys/{id}',
    tag,
    summary: 'Revoke an API key',
    description: 'Every API refuses it within 5 s. Revoking it again changes nothing.',
    scope: 'keys:write',
    params: keyParams,
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The revoked key', schema: apiKey } },
    problems: ['not-found'],
    weight: 1,
    spendsQuota: false,
  }),
  'keys.rotate': route({
    method: 'POST',
    path: '/v1/api-keys/{id}/rotate',
    tag,
    summary: 'Replace an API key',
    description:
      'Makes a successor with the same name, scopes, tenant and end, and ends the key after the overlap. Its rights must be among those of the key of the request.',
    scope: 'keys:write',
    params: keyParams,
    query: noQuery,
    body: z.strictObject({
      overlapSeconds: z
        .int()
        .min(0)
        .max(OVERLAP_LIMIT_SECONDS)
        .default(86_400)
        .meta({ description: 'For so long both keys are accepted.' }),
    }),
    bodyIsOptional: true,
    answers: { 201: { description: 'The successor', schema: newApiKey } },
    holdsSecret: true,
    problems: ['exceeds-own-rights', 'not-found', 'key-not-live'],
    weight: 2,
    spendsQuota: false,
  }),
};
