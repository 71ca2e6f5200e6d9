/** Google's price list, as data: quota units per call, by project tier. Calendar counts requests, so every method is 1. */
import type { Config } from '@syncline/runtime';

export type Tier = Config['quotas']['gmailTier'];

/**
 * Gmail's units per method (Gmail API "Usage limits"). `new` are Cloud projects that began to use the API on or after
 * 2026-05-01. The format of a message does not change its price, and the parts of a batch count one by one.
 */
const GMAIL_UNITS = {
  'gmail.users.getProfile': { new: 1, legacy: 1 },
  'gmail.users.watch': { new: 100, legacy: 100 },
  'gmail.users.stop': { new: 50, legacy: 50 },
  'gmail.users.history.list': { new: 2, legacy: 2 },
  'gmail.users.labels.list': { new: 1, legacy: 1 },
  'gmail.users.labels.get': { new: 1, legacy: 1 },
  'gmail.users.messages.list': { new: 5, legacy: 5 },
  'gmail.users.messages.get': { new: 20, legacy: 5 },
  'gmail.users.messages.attachments.get': { new: 20, legacy: 5 },
  'gmail.users.threads.list': { new: 10, legacy: 10 },
  'gmail.users.threads.get': { new: 40, legacy: 10 },
  'gmail.users.drafts.list': { new: 5, legacy: 5 },
  'gmail.users.drafts.get': { new: 20, legacy: 5 },
} as const satisfies Record<string, Record<Tier, number>>;

/** Calendar's methods that we call; each costs one request whatever its page size (Calendar API "Manage quotas"). */
const CALENDAR_METHODS = [
  'calendar.calendarList.list',
  'calendar.calendarList.get',
  'calendar.events.list',
  'calendar.events.get',
  'calendar.calendarList.watch',
  'calendar.events.watch',
  'calendar.channels.stop',
] as const;

export type GmailMethod = keyof typeof GMAIL_UNITS;
export type CalendarMethod = (typeof CALENDAR_METHODS)[number];
export type Method = GmailMethod | CalendarMethod;
export type Api = 'gmail' | 'calendar';

export function apiOf(method: Method): Api {
  return method.startsWith('gmail.') ? 'gmail' : 'calendar';
}

/** Units that one call of `method` takes from the quota. */
export function unitsOf(method: Method, tier: Tier): number {
  return isGmail(method) ? GMAIL_UNITS[method][tier] : 1;
}

function isGmail(method: Method): method is GmailMethod {
  return method in GMAIL_UNITS;
}
