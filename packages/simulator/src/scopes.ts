/**
 * The scopes that a method accepts, from Google's discovery documents. A grant with gmail.metadata
 * is restricted to it in Gmail, whatever other scopes it has, as reported by users who requested
 * both.
 */
import { insufficientScope, metadataScope } from './http/errors.js';
import type { Reply } from './http/reply.js';
import type { ApiMethod, AnyMethod } from './methods.js';

const PREFIX = 'https://www.googleapis.com/auth/';
const MAIL = 'https://mail.google.com/';
const METADATA = `${PREFIX}gmail.metadata`;

/**
 * Returns the full name of a scope, whose prefix may be omitted (`gmail.readonly`); `mail` is full
 * access.
 */
export function fullScope(name: string): string {
  if (name === 'mail') return MAIL;
  return name.includes(':') || ['openid', 'email', 'profile'].includes(name) ? name : PREFIX + name;
}

/** Returns the 403 for a missing scope, or null. */
export function scopeRefusal(
  method: ApiMethod,
  query: URLSearchParams,
  granted: readonly string[],
): Reply | null {
  const restricted = method.api === 'gmail' && granted.includes(METADATA);
  const held = restricted ? [METADATA] : granted;
  if (!ACCEPTED[method.name].some((scope) => held.includes(scope)))
    return insufficientScope(method);
  return restricted ? metadataRefusal(method.name, query) : null;
}

function metadataRefusal(name: AnyMethod, query: URLSearchParams): Reply | null {
  if ((name === 'messages.list' || name === 'threads.list') && (query.get('q') ?? '') !== '')
    return metadataScope("Metadata scope does not support 'q' parameter");
  if (name !== 'messages.get' && name !== 'threads.get') return null;
  const format = (query.get('format') ?? 'full').toUpperCase();
  return format === 'FULL' || format === 'RAW'
    ? metadataScope(`Metadata scope doesn't allow format ${format}`)
    : null;
}

const under = (names: string): string[] => names.split(' ').map(fullScope);
const READ_MAIL = under('mail gmail.metadata gmail.modify gmail.readonly');
const READ_BODIES = under('mail gmail.modify gmail.readonly');
const LABELS = [...READ_MAIL, ...under('gmail.labels')];
const DRAFTS = [...READ_BODIES, ...under('gmail.compose')];
const EVENTS = under(
  'calendar calendar.app.created calendar.events calendar.events.freebusy calendar.events.owned calendar.events.owned.readonly ' +
    'calendar.events.public.readonly calendar.events.readonly calendar.readonly',
);
const LISTS = under(
  'calendar calendar.calendarlist calendar.calendarlist.readonly calendar.readonly',
);
const CONTACTS = under('contacts contacts.readonly');

/**
 * By method, as the discovery documents list them, and for People googleapis' types. A person is read
 * with some scopes of profiles too, which are not served here.
 */
export const ACCEPTED: Readonly<Record<AnyMethod, readonly string[]>> = {
  getProfile: [...READ_MAIL, ...under('gmail.compose')],
  'messages.list': READ_MAIL,
  'messages.get': READ_MAIL,
  'messages.attachments.get': READ_BODIES,
  'history.list': READ_MAIL,
  'labels.list': LABELS,
  'labels.get': LABELS,
  'threads.list': READ_MAIL,
  'threads.get': READ_MAIL,
  'drafts.list': DRAFTS,
  'drafts.get': DRAFTS,
  watch: READ_MAIL,
  stop: READ_MAIL,
  'calendarList.list': LISTS,
  'calendarList.get': [...LISTS, ...under('calendar.app.created')],
  'calendarList.watch': LISTS,
  'events.list': EVENTS,
  'events.get': EVENTS,
  'events.instances': EVENTS,
  'events.watch': EVENTS,
  'channels.stop': [...new Set([...EVENTS, ...LISTS])],
  'people.connections.list': CONTACTS,
  'people.get': CONTACTS,
  'people.getBatchGet': CONTACTS,
  'otherContacts.list': under('contacts.other.readonly'),
  'contactGroups.list': CONTACTS,
  'contactGroups.get': CONTACTS,
  'contactGroups.batchGet': CONTACTS,
};
