/**
 * The part of Pub/Sub that Gmail's notifications need: topics, push and pull subscriptions.
 * Delivery is at least once and in no order: a message is delivered again, with growing delays,
 * until it is acknowledged or its retention ends.
 */
import type { SimClock } from '../clock.js';
import type { Ledger } from '../ledger.js';
import type { Prng } from '../prng.js';
import type { SigningKey } from '../signing-key.js';
import { Deliveries } from './deliveries.js';
import type { Delivery } from './delivery.js';

export interface SubscriptionOrder {
  /** `projects/P/subscriptions/S`. */
  name: string;
  topic: string;
  /** The URL to which messages are posted; without it they wait for a pull. */
  pushEndpoint?: string | null;
  /** Signs each push with an OIDC token of this service account. */
  serviceAccountEmail?: string;
  /** The audience of that token. Default: the endpoint. */
  audience?: string;
  /** Default 10. */
  ackDeadlineSeconds?: number;
  /** Delay after a refusal; doubles up to the maximum. Default 10,000 and 600,000. */
  minBackoffMs?: number;
  maxBackoffMs?: number;
  /** Default 7 days. */
  retentionMs?: number;
}

export interface PubSubMessage {
  readonly data: string;
  readonly messageId: string;
  readonly publishTime: string;
}

interface Waiting {
  readonly message: PubSubMessage;
  readonly expiresAtMs: number;
  attempts: number;
  notBeforeMs: number;
  ackId: string | null;
}
type Subscription = Required<Omit<SubscriptionOrder, 'serviceAccountEmail' | 'pushEndpoint'>> & {
  serviceAccountEmail: string | null;
  pushEndpoint: string | null;
  waiting: Set<Waiting>;
  wake: (() => void)[];
};

export interface ReceivedMessage {
  ackId: string;
  message: PubSubMessage;
  deliveryAttempt: number;
}

const ACKNOWLEDGED = new Set([102, 200, 201, 202, 204]);
const WAITING_LIMIT = 10_000;
const DAY_MS = 86_400_000;
const TOKEN_TTL_SECONDS = 3_600;
const NAMES = {
  topic: /^projects\/[^/]+\/topics\/[^/]+$/,
  subscription: /^projects\/[^/]+\/subscriptions\/[^/]+$/,
};

export class PubSub {
  /** Topic → whether Gmail may publish to it. */
  private readonly topics = new Map<string, boolean>();
  private readonly subscriptions = new Map<string, Subscription>();
  private readonly deliveries = new Deliveries();

  constructor(
    private readonly clock: SimClock,
    private readonly prng: Prng,
    private readonly ledger: Ledger,
    private readonly delivery: Delivery,
    private readonly key: SigningKey,
  ) {}

  /**
   * Adds a topic. Without `granted` Gmail may not publish to it. Throws RangeError for a malformed
   * name.
   */
  addTopic(name: string, granted = true): void {
    if (!NAMES.topic.test(name)) throw new RangeError('a topic is projects/P/topics/T');
    this.topics.set(name, granted);
  }

  /** Adds or replaces a subscription, with its topic. Throws RangeError for malformed names. */
  subscribe(order: SubscriptionOrder): void {
    if (!NAMES.subscription.test(order.name))
      throw new RangeError('a subscription is projects/P/subscriptions/S');
    if (!this.topics.has(order.topic)) this.addTopic(order.topic);
    const pushEndpoint = order.pushEndpoint ?? null;
    if (pushEndpoint !== null && !URL.canParse(pushEndpoint))
      throw new RangeError('pushEndpoint must be an address');
    this.subscriptions.set(order.name, {
      ackDeadlineSeconds: 10,
      minBackoffMs: 10_000,
      maxBackoffMs: 600_000,
      retentionMs: 7 * DAY_MS,
      audience: pushEndpoint ?? '',
      ...order,
      serviceAccountEmail: order.serviceAccountEmail ?? null,
      pushEndpoint,
      waiting: new Set(),
      wake: [],
    });
  }

  /** Returns null for an unknown topic, otherwise whether Gmail may publish to it. */
  granted(topic: string): boolean | null {
    return this.topics.get(topic) ?? null;
  }

  describe(): {
    topics: string[];
    subscriptions: { name: string; topic: string; pushEndpoint: string | null; waiting: number }[];
  } {
    const subscriptions = [...this.subscriptions.values()].map(
      ({ name, topic, pushEndpoint, waiting }) => ({
        name,
        topic,
        pushEndpoint,
        waiting: waiting.size,
      }),
    );
    return { topics: [...this.topics.keys()], subscriptions };
  }

  /** Publishes the text to every subscription of the topic. */
  publish(topic: string, text: string): void {
    const message: PubSubMessage = {
      data: Buffer.from(text).toString('base64'),
      messageId: this.prng.digits(16),
      publishTime: new Date(this.clock.nowMs()).toISOString(),
    };
    for (const subscription of this.subscriptions.values()) {
      if (subscription.topic === topic)
        this.delivery.post('pubsub', () => {
          this.arrive(subscription, message);
        });
    }
  }

  /**
   * Serves `:pull`. Returns null for an unknown subscription. Pulled messages are delivered again
   * unless they are acknowledged before the deadline.
   */
  async pull(name: string, maxMessages: number, waitMs: number): Promise<ReceivedMessage[] | null> {
    const subscription = this.subscriptions.get(name);
    if (subscription === undefined) return null;
    const ready = this.take(subscription, maxMessages);
    if (ready.length > 0 || waitMs <= 0) return ready;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs).unref();
      subscription.wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return this.take(subscription, maxMessages);
  }

  /**
   * Serves `:acknowledge`; ids that are unknown or too old are ignored, as in the real service.
   * Returns false for an unknown subscription.
   */
  acknowledge(name: string, ackIds: readonly string[]): boolean {
    return this.onAckIds(name, ackIds, (subscription, one) => {
      subscription.waiting.delete(one);
      this.ledger.notified('pubsub', 'delivered');
    });
  }

  /** Serves `:modifyAckDeadline`; 0 returns the message. */
  modifyAckDeadline(name: string, ackIds: readonly string[], seconds: number): boolean {
    return this.onAckIds(name, ackIds, (subscription, one) => {
      one.notBeforeMs = this.clock.nowMs() + seconds * 1_000;
      if (seconds > 0) return;
      this.ledger.notified('pubsub', 'refused');
      one.ackId = null;
      wakeAll(subscription);
    });
  }

  /** Aborts pushes in flight. */
  stop(): void {
    this.deliveries.stop();
    for (const subscription of this.subscriptions.values()) wakeAll(subscription);
  }

  private arrive(subscription: Subscription, message: PubSubMessage): void {
    const nowMs = this.clock.nowMs();
    const one: Waiting = {
      message,
      expiresAtMs: nowMs + subscription.retentionMs,
      attempts: 0,
      notBeforeMs: nowMs,
      ackId: null,
    };
    subscription.waiting.add(one);
    this.forget(subscription, nowMs);
    if (subscription.pushEndpoint === null) wakeAll(subscription);
    else void this.push(subscription, subscription.pushEndpoint, one);
  }

  /**
   * Drops messages that were not acknowledged within the retention, and the oldest above the bound.
   */
  private forget(subscription: Subscription, nowMs: number): void {
    for (const one of subscription.waiting) {
      if (one.expiresAtMs > nowMs && subscription.waiting.size <= WAITING_LIMIT) return;
      subscription.waiting.delete(one);
      this.ledger.notified('pubsub', 'expired');
    }
  }

  private take(subscription: Subscription, maxMessages: number): ReceivedMessage[] {
    const nowMs = this.clock.nowMs();
    this.forget(subscription, nowMs);
    const ready = [...subscription.waiting]
      .filter((one) => one.notBeforeMs <= nowMs)
      .slice(0, maxMessages);
    return ready.map((one) => {
      one.attempts += 1;
      one.notBeforeMs = nowMs + subscription.ackDeadlineSeconds * 1_000;
      one.ackId = `sim-${this.prng.hex(32)}`;
      return { ackId: one.ackId, message: one.message, deliveryAttempt: one.attempts };
    });
  }

  private onAckIds(
    name: string,
    ackIds: readonly string[],
    change: (subscription: Subscription, one: Waiting) => void,
  ): boolean {
    const subscription = this.subscriptions.get(name);
    if (subscription === undefined) return false;
    const asked = new Set(ackIds);
    for (const one of subscription.waiting)
      if (one.ackId !== null && asked.has(one.ackId)) change(subscription, one);
    return true;
  }

  /** Posts once; without an acknowledgement the message is delivered again after the backoff. */
  private async push(subscription: Subscription, endpoint: string, one: Waiting): Promise<void> {
    one.attempts += 1;
    const acknowledged = await this.post(subscription, endpoint, one.message);
    if (this.deliveries.isStopped || !subscription.waiting.has(one)) return;
    this.ledger.notified('pubsub', acknowledged ? 'delivered' : 'refused');
    if (acknowledged) {
      subscription.waiting.delete(one);
      return;
    }
    const backoffMs = Math.min(
      subscription.maxBackoffMs,
      subscription.minBackoffMs * 2 ** (one.attempts - 1),
    );
    this.clock.schedule(backoffMs, () => {
      this.forget(subscription, this.clock.nowMs());
      if (subscription.waiting.has(one)) void this.push(subscription, endpoint, one);
    });
  }

  private async post(
    subscription: Subscription,
    endpoint: string,
    message: PubSubMessage,
  ): Promise<boolean> {
    const { messageId, publishTime, data } = message;
    const envelope = {
      message: { data, messageId, message_id: messageId, publishTime, publish_time: publishTime },
      subscription: subscription.name,
    };
    const headers = { 'content-type': 'application/json', ...this.authorization(subscription) };
    const status = await this.deliveries.post(
      endpoint,
      headers,
      JSON.stringify(envelope),
      subscription.ackDeadlineSeconds * 1_000,
    );
    // Pub/Sub treats an unreachable or slow endpoint like any other refusal.
    return status !== null && ACKNOWLEDGED.has(status);
  }

  /** The machine's clock, because the receiver uses its own too. */
  private authorization(subscription: Subscription): Record<string, string> {
    const email = subscription.serviceAccountEmail;
    if (email === null) return {};
    const iat = Math.floor(Date.now() / 1_000);
    const sub = '109876543210987654321';
    const token = this.key.jwt({
      iss: 'https://accounts.google.com',
      aud: subscription.audience,
      azp: sub,
      sub,
      email,
      email_verified: true,
      iat,
      exp: iat + TOKEN_TTL_SECONDS,
    });
    return { authorization: `Bearer ${token}` };
  }
}

function wakeAll(subscription: Subscription): void {
  for (const wake of subscription.wake.splice(0)) wake();
}
