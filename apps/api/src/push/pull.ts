import { GoogleError, type Subscription } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Bells } from './bells.js';

/** Messages that one write takes. */
const PULL_LIMIT = 100;
const QUIET_PAUSE_MS = 100;
const RETRY_FIRST_MS = 1_000;
const RETRY_CAP_MS = 30_000;

/**
 * Pulls notifications until `rt.signal` is aborted: one write for what came at once, then the acknowledgement, so that what a crash leaves
 * unwritten comes again. Any number of API processes may pull; Pub/Sub divides among them.
 */
export async function runPull(
  rt: Runtime,
  subscription: Subscription,
  bells: Bells,
): Promise<void> {
  for (let failures = 0; !rt.signal.aborted;) {
    try {
      await pullOnce(rt, subscription, bells);
      failures = 0;
    } catch (error) {
      if (rt.signal.aborted) return;
      if (failures === 0) rt.log.warn({ event: 'pull-failed', err: error }, remedyFor(error));
      failures += 1;
      const waitMs =
        Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** Math.min(failures - 1, 10)) *
        (0.5 + rt.random.next() / 2);
      await rt.clock.sleep(waitMs, rt.signal).catch(() => undefined); // The loop looks at the signal itself.
    }
  }
}

async function pullOnce(rt: Runtime, subscription: Subscription, bells: Bells): Promise<void> {
  const messages = await subscription.pull(PULL_LIMIT, rt.signal);
  // Google waits before it answers that there is nothing; a subscription that does not must not be asked without end.
  if (messages.length === 0) return rt.clock.sleep(QUIET_PAUSE_MS, rt.signal);
  const endTimer = rt.metrics.doorbellSeconds.startTimer({ via: 'gmail-pull' });
  const outcomes = await bells.mailboxes(messages.flatMap(({ address }) => address ?? []));
  for (const outcome of outcomes) rt.metrics.doorbells.inc({ via: 'gmail-pull', outcome });
  rt.metrics.doorbells.inc(
    { via: 'gmail-pull', outcome: 'malformed' },
    messages.length - outcomes.length,
  );
  // What was not written down is to come again.
  if (outcomes.includes('busy')) return;
  await subscription.acknowledge(messages.map(({ ackId }) => ackId));
  endTimer();
}

function remedyFor(error: unknown): string {
  const reason = error instanceof GoogleError ? error.detail.kind : 'unknown';
  if (reason === 'not-found')
    return 'the subscription of GMAIL_PUBSUB_SUBSCRIPTION does not exist; polling does its work meanwhile';
  if (reason === 'forbidden' || reason === 'unauthorized')
    return 'the service account may not pull: give it the role Pub/Sub Subscriber on the subscription; polling does its work meanwhile';
  return 'notifications cannot be pulled; trying again, and polling does their work meanwhile';
}
