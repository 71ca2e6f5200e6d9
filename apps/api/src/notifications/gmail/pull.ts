import { GoogleError } from '@syncline/google';
import type { Subscription } from '@syncline/google/push';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Notifier } from '../notifier.js';

/** The maximum number of messages of one write. */
const PULL_LIMIT = 100;
const QUIET_PAUSE_MS = 100;
const BACKOFF = { firstMs: 1_000, capMs: 30_000 };

/**
 * Pulls notifications until `rt.signal` is aborted. One write stores a batch, and the
 * acknowledgement follows, so that a batch that a crash leaves unwritten is delivered again. Any
 * number of API processes may pull; Pub/Sub divides the messages among them.
 */
export async function runPull(
  rt: Runtime,
  subscription: Subscription,
  notifier: Notifier,
  name = 'pull',
): Promise<void> {
  await runLoop(rt, {
    name,
    backoff: BACKOFF,
    // Polling continues meanwhile, and pushes are still accepted.
    need: 'degraded',
    failed: { event: 'pull_failed', text: adviceFor },
    round: () => pullOnce(rt, subscription, notifier),
  });
}

/** @returns the pause before the next pull, in ms */
async function pullOnce(
  rt: Runtime,
  subscription: Subscription,
  notifier: Notifier,
): Promise<number> {
  const messages = await subscription.pull(PULL_LIMIT, rt.signal);
  // Google delays an empty response; a subscription that does not must not be polled in a tight
  // loop.
  if (messages.length === 0) return QUIET_PAUSE_MS;
  const endTimer = rt.metrics.notificationSeconds.startTimer({ via: 'gmail-pull' });
  const outcomes = await notifier.mailboxes(messages.flatMap(({ address }) => address ?? []));
  for (const outcome of outcomes) rt.metrics.notifications.inc({ via: 'gmail-pull', outcome });
  rt.metrics.notifications.inc(
    { via: 'gmail-pull', outcome: 'malformed' },
    messages.length - outcomes.length,
  );
  // Messages that were not stored are to be delivered again.
  if (outcomes.includes('busy')) return 0;
  await subscription.acknowledge(messages.map(({ ackId }) => ackId));
  endTimer();
  return 0;
}

function adviceFor(error: unknown): string {
  const reason = error instanceof GoogleError ? error.detail.kind : 'unknown';
  if (reason === 'not-found')
    return 'the subscription of GMAIL_PUBSUB_SUBSCRIPTION does not exist; polling does its work meanwhile';
  if (reason === 'forbidden' || reason === 'unauthorized')
    return 'the service account may not pull: give it the role Pub/Sub Subscriber on the subscription; polling does its work meanwhile';
  return 'notifications cannot be pulled; trying again, and polling does their work meanwhile';
}
