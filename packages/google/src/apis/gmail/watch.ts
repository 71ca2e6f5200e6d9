/**
 * Begins and ends Gmail's notifications: `watch` to a Pub/Sub topic ("Push notifications").
 *
 * A watch lasts seven days; calling again with the same topic renews it. A call costs 100 units.
 * Each mailbox has one watch per OAuth client: a watch to another topic, or a second call at the
 * same moment, is refused (`pushClientInUse`). Success proves that Gmail may publish to the topic.
 * One notification is sent at once and reports no change; later ones are sent at most once a
 * second, and further ones are dropped.
 */
import { type Session, postJson } from '../../request.js';
import { expirationOf } from '../../shape.js';

export interface GmailWatch {
  expiresAt: Date;
}

export function watchMailbox(session: Session, path: string, topic: string): Promise<GmailWatch> {
  return postJson(
    session,
    { method: 'gmail.users.watch', path, body: { topicName: topic } },
    (body) => ({ expiresAt: expirationOf(body.expiration) }),
  );
}

export function stopWatch(session: Session, path: string): Promise<void> {
  return postJson(session, { method: 'gmail.users.stop', path, body: {} });
}
