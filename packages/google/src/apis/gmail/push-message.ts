/*
 * What Google posts, read with suspicion: a hint that says "look", and nothing else in it is used. Pub/Sub delivers at least once and in
 * no order; a notification's history id may be older or newer than what the mirror has, and is not even read.
 */
import { addressOrNull, objectOf, parseObject } from '../../shape.js';
import { MalformedAnswer } from '../../errors.js';

/** The mailbox that a Gmail notification is about, in lower case; null when the body is no push of Pub/Sub's with a notification in it. */
export function readGmailPush(body: Buffer): string | null {
  return orNull(() => addressIn(objectOf(parseObject(body).message, 'message')));
}

/** The same of a message that was pulled. Its data is base64, in the wild of either alphabet. */
export function addressIn(message: Record<string, unknown>): string | null {
  return orNull(() => {
    const { emailAddress } = parseObject(
      Buffer.from(typeof message['data'] === 'string' ? message['data'] : '', 'base64'),
    );
    return addressOrNull(emailAddress)?.toLowerCase() ?? null;
  });
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedAnswer) return null;
    throw error;
  }
}
