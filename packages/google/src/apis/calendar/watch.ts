/**
 * Asking Calendar to notify: channels to an address ("Push notifications").
 *
 * A channel is never renewed: a new one is opened beside it, and the old one is stopped. Its first message (`sync`) may come before Google's answer.
 */
import { type Session, postJson } from '../../request.js';
import { expirationOf, textOf } from '../../shape.js';
import type { CalendarMethod } from './methods.js';

export interface ChannelOrder {
  /** Unique for ever; letters, digits and `-_+/=`, 64 at most. */
  channelId: string;
  /** Sent back with every message; 256 characters at most. */
  token: string;
  /** Where to post. Google takes https alone. */
  address: string;
  ttlSeconds: number;
}

export interface Channel {
  /** Google's name of what is watched: every message carries it, and a stop needs it. */
  resourceId: string;
  expiresAt: Date;
}

export function openChannel(
  session: Session,
  method: CalendarMethod,
  path: string,
  { channelId, token, address, ttlSeconds }: ChannelOrder,
): Promise<Channel> {
  const body = {
    id: channelId,
    type: 'web_hook',
    address,
    token,
    params: { ttl: String(ttlSeconds) },
  };
  return postJson(session, { method, path, body }, (answer) => ({
    resourceId: textOf(answer.resourceId, 'resourceId'),
    expiresAt: expirationOf(answer.expiration),
  }));
}

export function stopChannel(
  session: Session,
  channelId: string,
  resourceId: string,
): Promise<void> {
  return postJson(session, {
    method: 'calendar.channels.stop',
    path: '/calendar/v3/channels/stop',
    body: { id: channelId, resourceId },
  });
}
