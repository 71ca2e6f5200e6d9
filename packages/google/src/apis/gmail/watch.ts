/**
 * Asking Gmail to notify: `watch` to a Pub/Sub topic ("Push notifications").
 *
 * A watch lasts seven days, and calling again with the same topic renews it; it costs 100 units. There is one for each mailbox and OAuth
 * client: another topic's, or a second call at the same moment, is refused (`pushClientInUse`). Success proves that Gmail may publish to
 * the topic. A notification comes at once and means no change; later ones come at most once a second, the rest is dropped.
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
