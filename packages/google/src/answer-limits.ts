/**
 * How large an answer of each method may be. A limit is several times the largest answer that Google documents or that was seen; what is larger was
 * not made by Google, or would take more memory than one answer is worth.
 */
import { MB, SMALL, WHOLE_MESSAGES } from './answer-sizes.js';
import { METHODS, type Method } from './apis/facts.js';

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

/** In bytes, after inflating. */
const OTHER_LIMIT_BYTES: Record<OtherMethod, number> = {
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
  if (status < 200 || status >= 300) return REFUSAL_LIMIT_BYTES;
  return isOther(method) ? OTHER_LIMIT_BYTES[method] : METHODS[method].answerBytes;
}

function isOther(method: AnyMethod): method is OtherMethod {
  return method in OTHER_LIMIT_BYTES;
}
