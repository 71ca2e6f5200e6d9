/*
 * What Google posts, read with suspicion: both are hints that say "look", and nothing else in them is used. Pub/Sub delivers at least once and in
 * no order; a notification's history id may be older or newer than what the mirror has, and is not even read.
 */
import { objectOf, parseObject } from './shape.js';
import { MalformedAnswer } from './errors.js';

/** Longer than any address (RFC 5321). */
const ADDRESS_LIMIT = 320;

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
    const isAddress =
      typeof emailAddress === 'string' &&
      emailAddress.length <= ADDRESS_LIMIT &&
      /^[^\s@]+@[^\s@]+$/.test(emailAddress);
    return isAddress ? emailAddress.toLowerCase() : null;
  });
}

/** A message of a Calendar channel: everything is in its headers, which say that something changed and never what. */
export interface ChannelMessage {
  channelId: string;
  resourceId: string;
  token: string;
  /** The first message: the channel is open, nothing has changed. */
  greeting: boolean;
}

const CHANNEL_ID = /^[A-Za-z0-9\-_+/=]{1,64}$/;
const RESOURCE_ID = /^[\x21-\x7e]{1,256}$/;
const TOKEN_LIMIT = 256;

/** @param header by name, in lower case. Null when it is no such message */
export function readChannelMessage(
  header: (name: string) => string | undefined,
): ChannelMessage | null {
  const [channelId = '', resourceId = '', token = '', state = ''] = [
    'x-goog-channel-id',
    'x-goog-resource-id',
    'x-goog-channel-token',
    'x-goog-resource-state',
  ].map(header);
  const isMessage =
    CHANNEL_ID.test(channelId) &&
    RESOURCE_ID.test(resourceId) &&
    token.length <= TOKEN_LIMIT &&
    ['sync', 'exists', 'not_exists'].includes(state);
  return isMessage ? { channelId, resourceId, token, greeting: state === 'sync' } : null;
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedAnswer) return null;
    throw error;
  }
}
