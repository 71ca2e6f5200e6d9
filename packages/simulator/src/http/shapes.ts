/**
 * Field names of the responses, from Google's discovery documents, used to check `fields`
 * selectors.
 */
import type { CalendarMethod, ChannelMethod, GmailMethod } from '../methods.js';
import type { Shape } from './fields.js';

const BODY: Shape = named('attachmentId size data');
const PART: Shape = {
  ...named('partId mimeType filename'),
  headers: named('name value'),
  body: BODY,
  parts: () => PART,
};
const MESSAGE: Shape = {
  ...named(
    'id threadId labelIds snippet sizeEstimate raw historyId internalDate classificationLabelValues',
  ),
  payload: PART,
};
const THREAD: Shape = { ...named('id snippet historyId'), messages: MESSAGE };
const LABEL: Shape = named(
  'id name messageListVisibility labelListVisibility type messagesTotal messagesUnread threadsTotal threadsUnread color',
);
const DRAFT: Shape = { id: true, message: MESSAGE };
const LABEL_CHANGE: Shape = { message: MESSAGE, labelIds: true };
const HISTORY: Shape = {
  id: true,
  messages: MESSAGE,
  messagesAdded: { message: MESSAGE },
  messagesDeleted: { message: MESSAGE },
  labelsAdded: LABEL_CHANGE,
  labelsRemoved: LABEL_CHANGE,
};
const PAGED = named('nextPageToken resultSizeEstimate');

export const GMAIL_SHAPES: Record<GmailMethod, Shape> = {
  getProfile: named('emailAddress messagesTotal threadsTotal historyId'),
  'messages.list': { ...PAGED, messages: MESSAGE },
  'messages.get': MESSAGE,
  'messages.attachments.get': BODY,
  'history.list': { ...named('nextPageToken historyId'), history: HISTORY },
  'labels.list': { labels: LABEL },
  'labels.get': LABEL,
  'threads.list': { ...PAGED, threads: THREAD },
  'threads.get': THREAD,
  'drafts.list': { ...PAGED, drafts: DRAFT },
  'drafts.get': DRAFT,
  watch: named('historyId expiration'),
  stop: {},
};

const ENTRY: Shape = named(
  'kind etag id summary summaryOverride description location timeZone colorId backgroundColor foregroundColor hidden selected primary deleted ' +
    'accessRole defaultReminders notificationSettings conferenceProperties dataOwner autoAcceptInvitations',
);
const EVENT: Shape = named(
  'kind etag id status htmlLink created updated summary description location colorId eventLabelId creator organizer start end endTimeUnspecified ' +
    'recurrence recurringEventId originalStartTime transparency visibility iCalUID sequence attendees attendeesOmitted extendedProperties hangoutLink ' +
    'conferenceData gadget anyoneCanAddSelf guestsCanInviteOthers guestsCanModify guestsCanSeeOtherGuests privateCopy locked reminders source ' +
    'attachments eventType workingLocationProperties outOfOfficeProperties focusTimeProperties birthdayProperties',
);
const EVENTS: Shape = {
  ...named(
    'kind etag summary description updated timeZone accessRole defaultReminders nextPageToken nextSyncToken',
  ),
  items: EVENT,
};

const CHANNEL: Shape = named(
  'kind id resourceId resourceUri token expiration address type payload params',
);

export const CALENDAR_SHAPES: Record<CalendarMethod | ChannelMethod, Shape> = {
  'calendarList.list': { ...named('kind etag nextPageToken nextSyncToken'), items: ENTRY },
  'calendarList.get': ENTRY,
  'events.list': EVENTS,
  'events.get': EVENT,
  'events.instances': EVENTS,
  'events.watch': CHANNEL,
  'calendarList.watch': CHANNEL,
  'channels.stop': {},
};

/** Fields whose content is not checked. */
function named(fields: string): Shape {
  return Object.fromEntries(fields.split(' ').map((field) => [field, true as const]));
}
