import type { CollectionFacts, ResourceFacts } from '../facts.js';

export const GMAIL_FACTS: ResourceFacts = { title: 'Gmail', api: 'gmail.googleapis.com' };

/** A mailbox exists as long as its account does. */
export const MAILBOX_FACTS: CollectionFacts = {
  notFound: 'parked',
  // 5 units for every 500 messages, and as much again for its labels.
  fullSyncPaceMs: 6 * 60 * 60_000,
  noPosition: 'Google gives no history id for this mailbox',
  watch: {
    via: 'topic',
    dropsWithinSecond: true,
    forbidden: (reason) =>
      reason === 'forbidden'
        ? 'Gmail may not publish to the topic: give gmail-api-push@system.gserviceaccount.com the role Pub/Sub Publisher on it'
        : `Google does not allow it (${reason})`,
    unsupported: 'Google has no notification for this mailbox; it is polled',
    notFound: 'the topic of GMAIL_PUBSUB_TOPIC does not exist',
    rejected: (reason) =>
      `Google rejected the watch (${reason}): is the topic in the OAuth client's own project?`,
  },
};
