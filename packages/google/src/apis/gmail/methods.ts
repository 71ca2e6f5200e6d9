import { MB, SMALL, WHOLE_MESSAGES } from '../../answer-sizes.js';
import type { ApiFacts, MethodFacts, Quotas, Tier } from '../api.js';

const priced = (tiers: Record<Tier, number>, answerBytes: number): MethodFacts => ({
  units: tiers,
  answerBytes,
});
const flat = (units: number, answerBytes: number): MethodFacts =>
  priced({ new: units, legacy: units }, answerBytes);

/**
 * Gmail's units per method (Gmail API "Usage limits"). `new` is for Cloud projects that began to
 * use the API on or after 2026-05-01. The format of a message does not change its price, and each
 * part of a batch is counted.
 */
export const GMAIL_METHODS = {
  'gmail.users.getProfile': flat(1, SMALL),
  'gmail.users.watch': flat(100, SMALL),
  'gmail.users.stop': flat(50, SMALL),
  // 500 records, each with the labels of every message that one label change affected.
  'gmail.users.history.list': flat(2, 32 * MB),
  // 10,000 labels.
  'gmail.users.labels.list': flat(1, 16 * MB),
  'gmail.users.labels.get': flat(1, SMALL),
  // 500 pairs of ids.
  'gmail.users.messages.list': flat(5, MB),
  'gmail.users.messages.get': priced({ new: 20, legacy: 5 }, WHOLE_MESSAGES),
  'gmail.users.messages.attachments.get': priced({ new: 20, legacy: 5 }, WHOLE_MESSAGES),
  'gmail.users.threads.list': flat(10, 4 * MB),
  'gmail.users.threads.get': priced({ new: 40, legacy: 10 }, WHOLE_MESSAGES),
  'gmail.users.drafts.list': flat(5, MB),
  'gmail.users.drafts.get': priced({ new: 20, legacy: 5 }, WHOLE_MESSAGES),
} as const satisfies Record<string, MethodFacts>;

export function tierOf(quotas: Quotas): Tier {
  return quotas.gmailTier;
}

export type GmailMethod = keyof typeof GMAIL_METHODS;

export const GMAIL_API: ApiFacts<GmailMethod> = {
  title: 'Gmail',
  counts: 'units',
  origin: 'https://gmail.googleapis.com',
  witness: { method: 'gmail.users.getProfile', path: '/gmail/v1/users/me/profile' },
  syncPositionStatus: { 'gmail.users.history.list': 404 },
  sharedCalls: 1,
  limits: (quotas) => [
    quotas.gmailUnitsPerUserMinute,
    quotas.gmailUnitsPerProjectMinute,
    quotas.gmailUnitsPerProjectDay,
  ],
  least: (quotas) => {
    const dearest = GMAIL_METHODS['gmail.users.threads.get'].units[quotas.gmailTier];
    return [
      ['GMAIL_UNITS_PER_USER_MINUTE', quotas.gmailUnitsPerUserMinute, dearest],
      [
        'GMAIL_UNITS_PER_PROJECT_MINUTE',
        quotas.gmailUnitsPerProjectMinute,
        Math.ceil(dearest / 0.9),
      ],
    ];
  },
};
