import type { ResourceConsent } from '../consent.js';

const READ = 'https://www.googleapis.com/auth/gmail.readonly';
/** Any of these reads messages with their bodies ("Choose Gmail API scopes"). */
const ANY = [READ, 'https://www.googleapis.com/auth/gmail.modify', 'https://mail.google.com/'];
/** A grant with this scope is restricted to it, whatever other scopes it has. */
const METADATA = 'https://www.googleapis.com/auth/gmail.metadata';

export const GMAIL_CONSENT: ResourceConsent = {
  scopes: [READ],
  covers: (granted) => ANY.some((scope) => granted.has(scope)) && !granted.has(METADATA),
  title: 'Mail',
  reads: 'your messages, their attachments and your labels in Gmail',
};
