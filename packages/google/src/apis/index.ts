import type { Session } from '../request.js';
import { calendarOf, type Calendar } from './calendar/calendar.js';
import { gmailOf, type Gmail } from './gmail/gmail.js';
import { peopleOf, type People } from './people/people.js';

/* The APIs of one account. */

export interface AccountApis {
  gmail: Gmail;
  calendar: Calendar;
  people: People;
}

export function apisOf(session: Session): AccountApis {
  return {
    gmail: gmailOf(session),
    calendar: calendarOf(session),
    people: peopleOf(session),
  };
}

export type { CalendarEvent, CalendarListEntry } from './calendar/calendar.js';
export { readChannelMessage } from './calendar/channel-message.js';
export type { Attachment } from './gmail/attachment.js';
export type { FetchPrices, Gmail, GmailHistory, GmailLabel, ListQuery } from './gmail/gmail.js';
export type {
  FetchedMessages,
  FetchedSources,
  FetchedThreads,
  GmailMessage,
} from './gmail/messages.js';
export { readGmailPush, subscriptionOfPush } from './gmail/push-message.js';
export type { ContactGroup, Named, PeoplePage, Person } from './people/people.js';
