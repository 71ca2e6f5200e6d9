/**
 * The served methods, by their names in Google's discovery documents (without the prefix
 * `gmail.users.`, `calendar.` or `people.`).
 */
export type GmailMethod =
  | 'getProfile'
  | 'messages.list'
  | 'messages.get'
  | 'messages.attachments.get'
  | 'history.list'
  | 'labels.list'
  | 'labels.get'
  | 'threads.list'
  | 'threads.get'
  | 'drafts.list'
  | 'drafts.get'
  | 'watch'
  | 'stop';
export type CalendarMethod =
  'calendarList.list' | 'calendarList.get' | 'events.list' | 'events.get' | 'events.instances';
export type PeopleMethod =
  | 'people.connections.list'
  | 'people.get'
  | 'people.getBatchGet'
  | 'otherContacts.list'
  | 'contactGroups.list'
  | 'contactGroups.get'
  | 'contactGroups.batchGet';
/** Calendar's notification channels. */
export type ChannelMethod = 'events.watch' | 'calendarList.watch' | 'channels.stop';
/** Methods that change which notifications are sent. */
export type PushMethod = 'watch' | 'stop' | ChannelMethod;
export type PlainGmailMethod = Exclude<GmailMethod, 'watch' | 'stop'>;
export type AnyMethod = GmailMethod | CalendarMethod | ChannelMethod | PeopleMethod;
export type ApiMethod =
  | { api: 'gmail'; name: GmailMethod }
  | { api: 'calendar'; name: CalendarMethod | ChannelMethod }
  | { api: 'people'; name: PeopleMethod };
export type Tier = 'new' | 'legacy';

/**
 * Quota units by tier (projects since 2026-05-01, older ones), from
 * developers.google.com/workspace/gmail/api/reference/quota.
 */
const GMAIL_UNITS: Record<GmailMethod, Record<Tier, number>> = {
  getProfile: { new: 1, legacy: 1 },
  'messages.list': { new: 5, legacy: 5 },
  'messages.get': { new: 20, legacy: 5 },
  'messages.attachments.get': { new: 20, legacy: 5 },
  'history.list': { new: 2, legacy: 2 },
  'labels.list': { new: 1, legacy: 1 },
  'labels.get': { new: 1, legacy: 1 },
  'threads.list': { new: 10, legacy: 10 },
  'threads.get': { new: 40, legacy: 10 },
  'drafts.list': { new: 5, legacy: 5 },
  'drafts.get': { new: 20, legacy: 5 },
  watch: { new: 100, legacy: 100 },
  stop: { new: 50, legacy: 50 },
};

/**
 * Limits per minute in units. Gmail's per user depend on the tier; Calendar and People count
 * requests. People's 90 per user are reported by users (MrCaspan/GAS-Gmail-Signature-Templator #1,
 * 2023); no report names its limit per project, so there is none.
 */
export const LIMITS = {
  gmail: { user: { new: 6_000, legacy: 15_000 }, project: { new: 1_200_000, legacy: 1_200_000 } },
  calendar: { user: { new: 600, legacy: 600 }, project: { new: 10_000, legacy: 10_000 } },
  people: { user: { new: 90, legacy: 90 }, project: { new: Infinity, legacy: Infinity } },
} as const;

/**
 * Returns the cost of one call. Every method of Calendar and People costs one request, whatever its
 * page size.
 */
export function costOf(method: ApiMethod, tier: Tier): number {
  return method.api === 'gmail' ? GMAIL_UNITS[method.name][tier] : 1;
}

export function isPushMethod(name: AnyMethod): name is PushMethod {
  return name === 'watch' || name === 'stop' || name === 'channels.stop' || name.endsWith('.watch');
}
