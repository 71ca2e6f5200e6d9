import { z } from 'zod';
import { accountParams, listOf, page, wait } from '../parameters.js';
import { route } from '../route.js';
import { someResources } from '../schemas/account.js';
import { operation } from '../schemas/operation.js';

const tag = 'Operations';

export const OPERATION_ROUTES = {
  'operations.get': route({
    method: 'GET',
    path: '/v1/operations/{id}',
    tag,
    summary: 'Get an operation',
    description:
      'Long work: removals and verifications. With `wait` the answer comes when it has ended, or when the time is over. Kept for 30 days.',
    scope: 'any',
    params: z.object({ id: z.string().regex(/^op_[0-9a-f]{32}$/) }),
    query: z.strictObject(wait),
    body: null,
    answers: { 200: { description: 'The operation', schema: operation } },
    problems: ['not-found'],
    weight: 1,
    spendsQuota: false,
  }),
  'verifications.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/verifications',
    tag,
    summary: 'List the verifications of an account',
    description: 'Newest first.',
    scope: 'ops:read',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject(page),
    body: null,
    answers: { 200: { description: 'A page of operations', schema: listOf(operation) } },
    problems: ['bad-cursor'],
    weight: 1,
    spendsQuota: false,
  }),
  'verifications.create': route({
    method: 'POST',
    path: '/v1/accounts/{id}/verifications',
    tag,
    summary: 'Compare the mirror with Google',
    description:
      'A worker compares every item. Without `sample` that costs as much quota as a full sync. The result has the counts.',
    scope: 'ops:write',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({}),
    body: z.strictObject({
      resources: someResources,
      sample: z.int().min(0).max(1_000_000).optional().meta({
        description: 'Of a mailbox, compare listings and the content of so many messages only.',
      }),
    }),
    bodyIsOptional: true,
    answers: {
      202: {
        description: 'The verification will be run',
        schema: operation,
        headers: { Location: 'The path of the operation.' },
      },
    },
    problems: ['state-conflict'],
    weight: 2,
    spendsQuota: true,
  }),
};
