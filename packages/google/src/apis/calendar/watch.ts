/**
 * Opens and stops Calendar's notification channels ("Push notifications").
 *
 * A channel is never renewed: a new one is opened beside it, and the old one is stopped. Its first
 * message (`sync`) may arrive before Google's answer to the call.
 */
import { type Session, postJson } from '../../request.js';
import { expirationOf, textOf } from '../../shape.js';
import type { CalendarMethod } from './methods.js';

export interface ChannelOrder {
  /** Must never be reused; letters, digits and `-_+/=`, at most 64 characters. */
  channelId: string;
  /** Returned with every message; at most 256 characters. */
  token: string;
  /** The URL that Google posts to. Google accepts only https. */
  address: string;
  ttlSeconds: number;
}

export interface Channel {
  /**
   * Google's id of the watched resource. Every message carries it, and stopping the channel
   * requires it.
   */
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
