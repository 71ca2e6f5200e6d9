/*
 * Reads the notifications that Pub/Sub posts. A notification only triggers a sync; its content is
 * never used as data. Pub/Sub delivers at least once and in no order, so a notification's history
 * id may be older or newer than the mirror's. It is not read.
 */
import { comparableAddress } from '@syncline/runtime';
import { addressOrNull, objectOf, parseObject } from '../../shape.js';
import { MalformedAnswer } from '../../errors.js';

/**
 * Returns the mailbox of a Gmail notification in its comparable form; null when the body is not a
 * Pub/Sub push that contains one.
 */
export function readGmailPush(body: Buffer): string | null {
  return orNull(() => addressIn(objectOf(parseObject(body).message, 'message')));
}

/** Returns the name of the subscription that a push came from; null when it names none. */
export function subscriptionOfPush(body: Buffer): string | null {
  return orNull(() => {
    const { subscription } = parseObject(body);
    return typeof subscription === 'string' ? subscription : null;
  });
}

/** Returns the mailbox of a pulled message. Its data is base64, and both alphabets occur. */
export function addressIn(message: Record<string, unknown>): string | null {
  return orNull(() => {
    const { emailAddress } = parseObject(
      Buffer.from(typeof message['data'] === 'string' ? message['data'] : '', 'base64'),
    );
    const address = addressOrNull(emailAddress);
    return address === null ? null : comparableAddress(address);
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
