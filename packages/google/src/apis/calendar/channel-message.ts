/*
 * Reads the messages that Calendar posts to a channel. A message only triggers a sync; its content
 * is never used as data.
 */

/** A message of a Calendar channel. Its headers say that something changed, and not what. */
export interface ChannelMessage {
  channelId: string;
  resourceId: string;
  token: string;
  /** Whether this is the first message of the channel, which reports no change. */
  isSyncMessage: boolean;
}

const CHANNEL_ID = /^[A-Za-z0-9\-_+/=]{1,64}$/;
const RESOURCE_ID = /^[\x21-\x7e]{1,256}$/;
const TOKEN_LIMIT = 256;

/**
 * Returns null when the headers are not those of a channel message.
 * @param header returns a header by its name in lower case
 */
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
  return isMessage ? { channelId, resourceId, token, isSyncMessage: state === 'sync' } : null;
}
