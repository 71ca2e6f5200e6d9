import { z } from 'zod';
import { limit, whole } from '../../zod-forms.js';

/* Gmail's variables and keys of GOOGLE_PROJECTS_FILE, and the resulting settings. */

const TOPIC_NAME = /^projects\/[^/\s]+\/topics\/[^/\s]+$/;
const SUBSCRIPTION_NAME = /^projects\/[^/\s]+\/subscriptions\/[^/\s]+$/;
const SUBSCRIPTION_NAMES =
  /^projects\/[^/\s,]+\/subscriptions\/[^/\s,]+(?:,projects\/[^/\s,]+\/subscriptions\/[^/\s,]+)*$/;
const TOPIC_FORM = 'must look like projects/P/topics/T';
const SUBSCRIPTION_FORM = 'must look like projects/P/subscriptions/S';

export interface GmailQuotas {
  gmailUnitsPerUserMinute: number;
  gmailUnitsPerProjectMinute: number;
  gmailUnitsPerProjectDay: number;
  /** Google's price list of the project: projects created before 2026-05 keep `legacy`. */
  gmailTier: 'new' | 'legacy';
}

export const GMAIL_QUOTA_VARIABLES = {
  GMAIL_UNITS_PER_USER_MINUTE: whole(1, 1e9).default(6_000),
  GMAIL_UNITS_PER_PROJECT_MINUTE: whole(1, 1e9).default(1_200_000),
  GMAIL_UNITS_PER_PROJECT_DAY: whole(1, 1e12).default(80_000_000),
  GMAIL_QUOTA_TIER: z.enum(['new', 'legacy'], 'must be new or legacy').default('new'),
};

export const GMAIL_PUSH_VARIABLES = {
  GMAIL_PUBSUB_TOPIC: z.string().regex(TOPIC_NAME, TOPIC_FORM).optional(),
  GMAIL_PUBSUB_SUBSCRIPTION: z.string().regex(SUBSCRIPTION_NAME, SUBSCRIPTION_FORM).optional(),
  PUSH_GMAIL_AUDIENCE: z.string().optional(),
  PUSH_GMAIL_SERVICE_ACCOUNT: z
    .string()
    .regex(/^[^@\s]+@[^@\s]+$/, 'must be the address of a service account')
    .optional(),
  PUSH_GMAIL_SUBSCRIPTION: z
    .string()
    .regex(SUBSCRIPTION_NAMES, `each ${SUBSCRIPTION_FORM}`)
    .optional(),
};

export const GMAIL_LIMIT_KEYS = {
  gmailUnitsPerUserMinute: limit(1e9),
  gmailUnitsPerProjectMinute: limit(1e9),
  gmailUnitsPerProjectDay: limit(1e12),
};

export const GMAIL_PROJECT_KEYS = {
  gmailQuotaTier: z.enum(['new', 'legacy']).optional(),
  gmailPubsubTopic: z.string().regex(TOPIC_NAME).optional(),
  gmailPubsubSubscription: z.string().regex(SUBSCRIPTION_NAME).optional(),
};

/** The required form of the keys that are not numbers. */
export const GMAIL_PROJECT_FORMS = {
  gmailQuotaTier: 'must be new or legacy',
  gmailPubsubTopic: TOPIC_FORM,
  gmailPubsubSubscription: SUBSCRIPTION_FORM,
};

type QuotaValues = {
  [Name in keyof typeof GMAIL_QUOTA_VARIABLES]: z.infer<(typeof GMAIL_QUOTA_VARIABLES)[Name]>;
};
type ProjectKeys = typeof GMAIL_LIMIT_KEYS & typeof GMAIL_PROJECT_KEYS;
type ProjectValues = {
  [Key in keyof ProjectKeys]?: z.infer<ProjectKeys[Key]>;
};

export function gmailQuotas(values: QuotaValues): GmailQuotas {
  return {
    gmailUnitsPerUserMinute: values.GMAIL_UNITS_PER_USER_MINUTE,
    gmailUnitsPerProjectMinute: values.GMAIL_UNITS_PER_PROJECT_MINUTE,
    gmailUnitsPerProjectDay: values.GMAIL_UNITS_PER_PROJECT_DAY,
    gmailTier: values.GMAIL_QUOTA_TIER,
  };
}

/**
 * Returns the quotas of a further project. Limits that its entry omits are those of the default
 * project.
 */
export function gmailQuotasOf(entry: ProjectValues, defaults: GmailQuotas): GmailQuotas {
  return {
    gmailUnitsPerUserMinute: entry.gmailUnitsPerUserMinute ?? defaults.gmailUnitsPerUserMinute,
    gmailUnitsPerProjectMinute:
      entry.gmailUnitsPerProjectMinute ?? defaults.gmailUnitsPerProjectMinute,
    gmailUnitsPerProjectDay: entry.gmailUnitsPerProjectDay ?? defaults.gmailUnitsPerProjectDay,
    gmailTier: entry.gmailQuotaTier ?? defaults.gmailTier,
  };
}

/** Returns the topic and the subscription of a further project's accounts. */
export function topicsOf(
  { gmailPubsubTopic, gmailPubsubSubscription }: ProjectValues,
  report: (problem: string) => void,
): { topic?: string; subscription?: string } {
  if (gmailPubsubSubscription !== undefined && gmailPubsubTopic === undefined)
    report('gmailPubsubSubscription needs gmailPubsubTopic: without it nothing is published there');
  return {
    ...(gmailPubsubTopic === undefined ? {} : { topic: gmailPubsubTopic }),
    ...(gmailPubsubSubscription === undefined ? {} : { subscription: gmailPubsubSubscription }),
  };
}
