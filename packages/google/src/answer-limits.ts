/**
 * How large an answer of each method may be. A limit is several times the largest answer that Google documents or that was seen; what is larger was
 * not made by Google, or would take more memory than one answer is worth.
 */
import type { Method } from './costs.js';

/** What is asked beside the counted methods of the APIs. */
const OTHER_METHODS = [
  'oauth2.token',
  'oauth2.revoke',
  'oauth2.tokeninfo',
  'oauth2.certs',
  'pubsub.subscriptions.pull',
  'pubsub.subscriptions.acknowledge',
] as const;
export type OtherMethod = (typeof OTHER_METHODS)[number];

/** Every method that the transport carries. */
export type AnyMethod = Method | OtherMethod;

const KB = 1024;
const MB = 1024 * KB;

/** Gmail takes messages of 50 MB at most, which are 70 MB in base64; a batch of smaller ones is held below that by its weight. */
const WHOLE_MESSAGES = 80 * MB;
/** An object of a fixed number of short fields. */
const SMALL = 256 * KB;

/** In bytes, after inflating. */
const ANSWER_LIMIT_BYTES: Record<AnyMethod, number> = {
  'gmail.users.getProfile': SMALL,
  'gmail.users.watch': SMALL,
  'gmail.users.stop': SMALL,
  // 500 records, each with the labels of every message that one change of labels touched.
  'gmail.users.history.list': 32 * MB,
  // 10,000 labels.
  'gmail.users.labels.list': 16 * MB,
  'gmail.users.labels.get': SMALL,
  // 500 pairs of ids.
  'gmail.users.messages.list': MB,
  'gmail.users.messages.get': WHOLE_MESSAGES,
  'gmail.users.messages.attachments.get': WHOLE_MESSAGES,
  'gmail.users.threads.list': 4 * MB,
  'gmail.users.threads.get': WHOLE_MESSAGES,
  'gmail.users.drafts.list': MB,
  'gmail.users.drafts.get': WHOLE_MESSAGES,
  // 250 entries with descriptions.
  'calendar.calendarList.list': 16 * MB,
  'calendar.calendarList.get': MB,
  // 2,500 events with up to 200 guests each.
  'calendar.events.list': WHOLE_MESSAGES,
  'calendar.events.get': 8 * MB,
  'calendar.calendarList.watch': SMALL,
  'calendar.events.watch': SMALL,
  'calendar.channels.stop': SMALL,
  'oauth2.token': SMALL,
  'oauth2.revoke': SMALL,
  'oauth2.tokeninfo': SMALL,
  'oauth2.certs': SMALL,
  // Pub/Sub gives out 10 MB at most, which are 13.4 MB in base64.
  'pubsub.subscriptions.pull': 16 * MB,
  'pubsub.subscriptions.acknowledge': SMALL,
};

/** The largest limit of all, which holds for every answer. */
export const LARGEST_ANSWER_BYTES = WHOLE_MESSAGES;

/** A refusal is a few sentences, whatever was asked for. */
export const REFUSAL_LIMIT_BYTES = SMALL;

/** In bytes, after inflating. */
export function answerLimitBytes(method: AnyMethod, status: number): number {
  return status >= 200 && status < 300 ? ANSWER_LIMIT_BYTES[method] : REFUSAL_LIMIT_BYTES;
}
