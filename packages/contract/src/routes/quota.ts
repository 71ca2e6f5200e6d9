import { z } from 'zod';
import { noParams, noQuery } from '../parameters.js';
import { route } from '../route.js';
import { planRequest, quotaPlan } from '../schemas/plan.js';

const byApi = z.record(z.string(), z.number());

const used = z.object({
  used: z.number(),
  limit: z.number(),
  closedForMs: z.number().meta({ description: 'Above 0 while Google refuses calls.' }),
  pacePercent: z.number(),
});

const usageOfApi = z.object({
  project: used,
  users: z.record(z.string(), used).meta({ description: 'By Google identity, or account.' }),
  day: z
    .object({
      day: z.string(),
      used: z.number(),
      limit: z.number(),
      bulkBound: z.number(),
      onboardingBound: z.number(),
      endsInMs: z.number(),
    })
    .optional(),
});

const report = z
  .object({
    today: z
      .object({
        byMethod: z.array(z.object({ method: z.string(), calls: z.int(), units: z.number() })),
        byAccount: z
          .array(
            z.object({
              accountId: z.uuid(),
              email: z.string(),
              tenant: z.string(),
              identityId: z.uuid().nullable(),
              project: z.string(),
              units: byApi,
            }),
          )
          .meta({ description: 'Those that spent most, at most 500.' }),
        byProject: z.array(z.object({ project: z.string(), units: byApi })),
      })
      .meta({ description: "Google's current day, which ends at midnight Pacific time." }),
    usage: z.record(z.string(), z.record(z.string(), usageOfApi)).nullable().meta({
      description:
        'The present minute by project and API. Null for a key of one tenant, where the API has no OAuth client, and while Redis does not answer.',
    }),
    fullSyncs: z
      .array(
        z.object({
          email: z.string(),
          tenant: z.string(),
          collection: z.string(),
          done: z.int(),
          total: z.int().nullable(),
          etaSeconds: z.int().nullable(),
        }),
      )
      .meta({ description: 'Full syncs that have not ended, at most 500.' }),
    fullSyncsEndInSeconds: z.int().nullable(),
  })
  .meta({ id: 'QuotaReport' });

export const QUOTA_ROUTES = {
  'quota.get': route({
    method: 'GET',
    path: '/v1/quota',
    tag: 'Quota',
    summary: "Report the use of Google's quota",
    scope: 'ops:read',
    params: noParams,
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The report', schema: report } },
    problems: [],
    weight: 5,
    spendsQuota: false,
  }),
  'quota.plan': route({
    method: 'POST',
    path: '/v1/quota/plan',
    tag: 'Quota',
    summary: "Plan the use of Google's quota",
    description:
      'What a fleet would cost and how long its onboarding would take, with the limits and intervals of this deployment. Asks Google nothing.',
    scope: 'ops:read',
    accountIn: 'body',
    accountIsOptional: true,
    params: noParams,
    query: noQuery,
    body: planRequest,
    answers: { 200: { description: 'The plan', schema: quotaPlan } },
    problems: [],
    weight: 2,
    spendsQuota: false,
  }),
};
