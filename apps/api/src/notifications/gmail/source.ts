import { readGmailPush, subscriptionOfPush } from '@syncline/google';
import type { PushSource } from '../source.js';

/**
 * Pub/Sub counts 2xx as an acknowledgement and repeats everything else, so a message that can never
 * be used (an unknown mailbox, a body that is not a notification) is acknowledged.
 */
export const GMAIL_PUSH: PushSource = {
  path: '/push/gmail',
  via: 'gmail-push',
  unknownStatus: 204,
  refusalOf: async ({ verifier }, request) => {
    if (verifier === null) return { status: 403, reason: 'not-configured' };
    const reason = await verifier.verify(request.headers.authorization);
    if (reason === null) return null;
    if (reason === 'keys-unavailable') return { status: 503, reason };
    return { status: reason === 'wrong-service-account' ? 403 : 401, reason };
  },
  // Not acknowledged, so that the owner of the subscription sees it among the failed deliveries.
  bodyRefusalOf: ({ subscriptions = null }, { body }) => {
    if (subscriptions === null || !Buffer.isBuffer(body)) return null;
    return subscriptions.includes(subscriptionOfPush(body) ?? '')
      ? null
      : { status: 403, reason: 'wrong-subscription' };
  },
  notificationOf: ({ notifier }, { body }) => {
    const address = Buffer.isBuffer(body) ? readGmailPush(body) : null;
    return address === null
      ? null
      : async () => (await notifier.mailboxes([address]))[0] ?? 'unknown';
  },
};
