/* What Calendar posts to a channel, read with suspicion: a hint that says "look", and nothing else in it is used. */

/** A message of a Calendar channel: everything is in its headers, which say that something changed and never what. */
export interface ChannelMessage {
  channelId: string;
  resourceId: string;
  token: string;
  /** The first message: the channel is open, nothing has changed. */
  isSyncMessage: boolean;
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
  return isMessage ? { channelId, resourceId, token, isSyncMessage: state === 'sync' } : null;
}
