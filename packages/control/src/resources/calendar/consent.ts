import type { ResourceConsent } from '../consent.js';

const READ = 'https://www.googleapis.com/auth/calendar.readonly';
const ANY = [READ, 'https://www.googleapis.com/auth/calendar'];

export const CALENDAR_CONSENT: ResourceConsent = {
  scopes: [READ],
  covers: (granted) => ANY.some((scope) => granted.has(scope)),
  title: 'Calendar',
  reads: 'your calendars and the events in them',
};
