/**
 * Scopes as the authorization endpoint treats them: Google names them canonically in its answers,
 * asks for most of them by a box each, and never for those of the identity alone.
 */
import { fullScope } from '../scopes.js';

const PREFIX = 'https://www.googleapis.com/auth/';
const EMAIL = `${PREFIX}userinfo.email`;
const PROFILE = `${PREFIX}userinfo.profile`;
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['email', EMAIL],
  ['profile', PROFILE],
]);
const IDENTITY: readonly string[] = ['openid', EMAIL, PROFILE];

/** Returns the name that Google gives back: `email` and `profile` become their full names. */
export function canonicalScope(name: string): string {
  return ALIASES.get(name) ?? name;
}

/** The same for a name in a control call, whose prefix may be omitted. */
export function orderedScope(name: string): string {
  return canonicalScope(fullScope(name));
}

/** Whether the scope only tells who somebody is; it has no box, and Continue grants it. */
export function isIdentityScope(scope: string): boolean {
  return IDENTITY.includes(scope);
}

/** Whether Google has scopes of this form. */
export function isGoogleScope(scope: string): boolean {
  return (
    IDENTITY.includes(scope) ||
    scope === 'https://mail.google.com/' ||
    /^https:\/\/www\.googleapis\.com\/auth\/[a-z][a-z.]*$/.test(scope)
  );
}

/** The scopes as the redirect's `scope` lists them: with the short names of the identity too. */
export function scopesInRedirect(scopes: readonly string[]): string {
  const short = [...ALIASES].filter(([, full]) => scopes.includes(full));
  return [...short.map(([name]) => name), ...scopes].join(' ');
}

/** What a box of the consent page says. */
export function describeScope(scope: string): string {
  return DESCRIPTIONS.get(scope.replace(PREFIX, '')) ?? `Use ${scope}`;
}

const DESCRIPTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    'https://mail.google.com/':
      'Read, compose, send, and permanently delete all your email from Gmail',
    'gmail.readonly': 'View your email messages and settings',
    'gmail.metadata':
      'View your email message metadata such as labels and headers, but not the email body',
    'gmail.modify': 'Read, compose, and send emails from your Gmail account',
    'gmail.labels': 'See and edit your email labels',
    'gmail.send': 'Send email on your behalf',
    calendar: 'See, edit, share, and permanently delete all the calendars you can access',
    'calendar.readonly': 'See and download any calendar you can access using your Google Calendar',
    'calendar.events': 'View and edit events on all your calendars',
    'calendar.events.readonly': 'View events on all your calendars',
    'calendar.calendarlist.readonly': 'See the list of Google calendars you’re subscribed to',
    contacts: 'See, edit, download, and permanently delete your contacts',
    'contacts.readonly': 'See and download your contacts',
    'contacts.other.readonly':
      'See and download contact info automatically saved in your "Other contacts"',
  }),
);
