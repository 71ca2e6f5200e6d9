/**
 * Asking Google to ring: Gmail's `watch` to a Pub/Sub topic, Calendar's channels to an address ("Push notifications" of both APIs).
 *
 * A watch lasts seven days, and calling again with the same topic renews it; it costs 100 units. There is one for each mailbox and OAuth
 * client: another topic's, or a second call at the same moment, is refused (`pushClientInUse`). Success proves that Gmail may publish to
 * the topic. A notification comes at once and means no change; later ones come at most once a second, the rest is dropped.
 *
 * A channel is never renewed: a new one is opened beside it, and the old one is stopped. Its first message (`sync`) may come before Google's answer.
 */
import type { CalendarMethod } from './costs.js';
import { type Session, postJson } from './request.js';
import { MalformedAnswer } from './errors.js';
import { textOf } from './shape.js';

export interface GmailWatch {
  expiresAt: Date;
}

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

export function watchMailbox(session: Session, path: string, topic: string): Promise<GmailWatch> {
  return postJson(
    session,
    { method: 'gmail.users.watch', path, body: { topicName: topic } },
    (body) => ({ expiresAt: dateOf(body.expiration) }),
  );
}

export function stopWatch(session: Session, path: string): Promise<void> {
  return postJson(session, { method: 'gmail.users.stop', path, body: {} });
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
    expiresAt: dateOf(answer.expiration),
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

/** Google writes milliseconds since the epoch as a string. */
function dateOf(value: unknown): Date {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return new Date(Number(value));
  throw new MalformedAnswer('an expiration is not made of digits');
}
