/** The route table: each group of routes has its file here and its handlers in apps/api/src/routes. */
import { ACCOUNT_ROUTES } from './accounts.js';
import { CALENDAR_ROUTES } from './calendar/calendars.js';
import { CHANGE_ROUTES } from './changes.js';
import { CONNECT_ROUTES } from './connect.js';
import { CONTACT_ROUTES } from './contacts.js';
import { DOCUMENT_ROUTES } from './documents.js';
import { INSTANCE_ROUTES } from './calendar/instances.js';
import { CONTENT_ROUTES } from './gmail/content.js';
import { MAIL_ROUTES } from './gmail/mail.js';
import { KEY_ROUTES } from './keys.js';
import { OPERATION_ROUTES } from './operations.js';
import { QUARANTINE_ROUTES } from './quarantine.js';
import { QUOTA_ROUTES } from './quota.js';
import { SYNC_ROUTES } from './sync.js';
import { TIMELINE_ROUTES } from './timeline.js';

export const ROUTES = {
  ...ACCOUNT_ROUTES,
  ...CONNECT_ROUTES,
  ...SYNC_ROUTES,
  ...TIMELINE_ROUTES,
  ...MAIL_ROUTES,
  ...CONTENT_ROUTES,
  ...CALENDAR_ROUTES,
  ...INSTANCE_ROUTES,
  ...CONTACT_ROUTES,
  ...CHANGE_ROUTES,
  ...OPERATION_ROUTES,
  ...QUARANTINE_ROUTES,
  ...QUOTA_ROUTES,
  ...KEY_ROUTES,
  ...DOCUMENT_ROUTES,
};

/** The groups of routes, as the document describes them. */
export const TAGS: Record<Routes[RouteId]['tag'], string> = {
  Accounts: 'Connected Google accounts.',
  Connect: 'Links by which end users connect their Google accounts.',
  Sync: 'How fresh the mirror of an account is.',
  Timeline: 'What happened to an account.',
  Mail: 'Mirrored messages, threads and labels.',
  Calendars: 'Mirrored calendars and events.',
  Contacts: 'Mirrored contacts and contact groups.',
  Changes: 'What has changed in the mirror of an account, in order.',
  Operations: 'Long work, which workers do.',
  Quarantine: 'Items that could not be mirrored.',
  Quota: "The use of Google's quota.",
  Keys: 'Keys of this API.',
  Document: 'This document.',
};

export type Routes = typeof ROUTES;
export type RouteId = keyof Routes;
export { attachmentType } from './gmail/attachment-types.js';
