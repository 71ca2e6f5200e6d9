/** A plan of a fleet's use of Google's quota: what is asked, and what is answered. */
import { z } from 'zod';

const count = (limit: number) => z.int().min(0).max(limit);
const MAILBOX_LIMIT = 100_000_000;

const asked = z.strictObject({
  account: z
    .uuid()
    .optional()
    .meta({ description: 'An account whose mirror has the figures; in place of the others.' }),
  accounts: z.int().min(1).max(MAILBOX_LIMIT).optional(),
  messages: count(MAILBOX_LIMIT).optional().meta({ description: 'Of a mailbox, on average.' }),
  threads: z
    .number()
    .min(1)
    .max(9_999)
    .optional()
    .meta({ description: 'Messages of a thread, on average. Default: 1.' }),
  calendars: count(10_000).optional().meta({ description: 'Of an account. Default: 3.' }),
  contacts: count(1_000_000).optional().meta({
    description: 'Contacts and other contacts of an account. Omitted: they are not mirrored.',
  }),
  projects: z.int().min(1).max(10_000).default(1),
  daily: count(1_000_000).default(50).meta({ description: 'New messages of an account a day.' }),
  activeHours: count(24)
    .default(8)
    .meta({ description: 'Hours of a day in which something changes in an account.' }),
  within: z
    .int()
    .min(1)
    .max(10_000)
    .default(30)
    .meta({ description: 'Days in which the onboarding shall be over.' }),
  watches: z.boolean().default(true),
  bodies: z
    .enum(['full', 'raw', 'text', 'none'])
    .optional()
    .meta({ description: 'Default: what this deployment keeps.' }),
  tier: z
    .enum(['new', 'legacy'])
    .optional()
    .meta({ description: "Default: this deployment's prices and limits." }),
});

const FIGURES = ['accounts', 'messages', 'threads', 'calendars', 'contacts'] as const;

export const planRequest = asked.superRefine((plan, context) => {
  const mistake = (name: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [name], message });
  for (const name of FIGURES)
    if (plan.account !== undefined && plan[name] !== undefined)
      mistake(name, 'must not be given beside account');
  for (const name of ['accounts', 'messages'] as const)
    if (plan.account === undefined && plan[name] === undefined)
      mistake(name, 'is missing: give accounts and messages, or account');
});

const seconds = z.int().meta({ description: '0: within the first minute.' });

export const quotaPlan = z
  .object({
    fleet: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
    quotas: z.record(z.string(), z.union([z.number(), z.string()])),
    onboarding: z.object({
      unitsPerMessage: z.number(),
      unitsPerMailbox: z.number(),
      unitsPerProject: z.number(),
      calendarRequestsPerAccount: z.int(),
      peopleRequestsPerAccount: z.int().meta({ description: 'Of contacts.' }),
      peopleFirstPagesPerAccount: z
        .int()
        .meta({ description: 'Google also counts these by a quota that it does not publish.' }),
      mailboxSeconds: seconds,
      fleetSeconds: seconds
        .nullable()
        .meta({ description: 'Null: the incremental syncs leave nothing of the day.' }),
      boundBy: z.enum(['user a minute', 'project a minute', 'project a day']),
      peopleSeconds: seconds,
      peopleFleetSeconds: seconds,
    }),
    steady: z.object({
      polls: z.number(),
      changes: z.number(),
      watches: z.number(),
      audits: z.number(),
      unitsPerAccountDay: z.number(),
      unitsPerProjectDay: z.number(),
      shareOfDay: z.number(),
      peopleRequestsPerAccountDay: z.number(),
    }),
    projectsNeeded: z.object({
      forSteadyState: z.int(),
      forOnboarding: z.int().nullable().meta({ description: 'Null: no number suffices.' }),
    }),
  })
  .meta({ id: 'QuotaPlan' });
