/**
 * How large an answer of each method may be. A limit is several times the largest answer that
 * Google documents or that was seen. A larger answer does not come from Google, or would take more
 * memory than one answer is worth.
 */
import { MB, SMALL, WHOLE_MESSAGES } from './answer-sizes.js';
import { METHODS, type Method } from './apis/facts.js';

/** Methods that do not count towards an API's quota. */
const OTHER_METHODS = [
  'oauth2.token',
  'oauth2.revoke',
  'oauth2.tokeninfo',
  'oauth2.certs',
  'pubsub.subscriptions.pull',
  'pubsub.subscriptions.acknowledge',
] as const;
export type OtherMethod = (typeof OTHER_METHODS)[number];

/** Every method that the transport sends. */
export type AnyMethod = Method | OtherMethod;

/** In bytes, after inflating. */
const OTHER_LIMIT_BYTES: Record<OtherMethod, number> = {
  'oauth2.token': SMALL,
  'oauth2.revoke': SMALL,
  'oauth2.tokeninfo': SMALL,
  'oauth2.certs': SMALL,
  // Pub/Sub returns at most 10 MB, which are 13.4 MB in base64.
  'pubsub.subscriptions.pull': 16 * MB,
  'pubsub.subscriptions.acknowledge': SMALL,
};

/** The largest of all limits. The HTTP client enforces it for every answer. */
export const LARGEST_ANSWER_BYTES = WHOLE_MESSAGES;

/** A refusal is a few sentences for any method. */
export const REFUSAL_LIMIT_BYTES = SMALL;

/** In bytes, after inflating. */
export function answerLimitBytes(method: AnyMethod, status: number): number {
  if (status < 200 || status >= 300) return REFUSAL_LIMIT_BYTES;
  return isOther(method) ? OTHER_LIMIT_BYTES[method] : METHODS[method].answerBytes;
}

function isOther(method: AnyMethod): method is OtherMethod {
  return method in OTHER_LIMIT_BYTES;
}
