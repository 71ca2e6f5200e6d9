/**
 * Gmail's watches: one per mailbox, for seven days, to a Pub/Sub topic. The first notification is
 * sent at once and reports no change. Later ones are sent at most once a second; earlier ones are
 * dropped and not queued.
 */
import type { SimClock } from '../clock.js';
import type { Ledger } from '../ledger.js';
import type { HistoryRecord } from '../mailbox-history.js';
import type { Account } from '../world.js';
import { badRequest, platformError } from '../http/errors.js';
import { textOf, type Posted } from '../http/posted.js';
import { jsonReply, NO_CONTENT, type Format, type Reply } from '../http/reply.js';
import type { PubSub } from './pubsub.js';
import type { Delivery } from './delivery.js';

interface Watch {
  readonly account: Account;
  readonly topic: string;
  readonly labelIds: readonly string[];
  readonly exclude: boolean;
  readonly expiresAtMs: number;
  lastEventMs: number;
}

const WATCH_TTL_MS = 7 * 86_400_000;

export class Watches {
  /** By the account's key, so that a watch continues after a change of address. */
  private readonly byPerson = new Map<string, Watch>();

  constructor(
    private readonly clock: SimClock,
    private readonly ledger: Ledger,
    private readonly pubsub: PubSub,
    private readonly delivery: Delivery,
  ) {}

  /** Serves `users.watch`: begins a watch, or renews it when the topic is the same. */
  watch(account: Account, body: Posted, format: Format): Reply {
    const topic = textOf(body['topicName']);
    const refusal = this.topicRefusal(topic);
    if (refusal !== null) return refusal;
    const active = this.active(account.key);
    if (active !== null && active.topic !== topic)
      return badRequest(
        'gmail',
        'Only one user push notification client allowed per developer (call /stop then try again)',
      );
    const { labelIds = [] } = body;
    if (!Array.isArray(labelIds)) return badRequest('gmail', "Invalid value at 'label_ids'");
    const unknown = labelIds.map(textOf).find((id) => account.mailbox.labels.get(id) === null);
    if (unknown !== undefined) return badRequest('gmail', `Invalid label: ${unknown}`);
    const behavior = textOf(body['labelFilterBehavior'] ?? body['labelFilterAction']).toLowerCase();
    const watch: Watch = {
      account,
      topic,
      labelIds: labelIds.map(textOf),
      exclude: behavior === 'exclude',
      expiresAtMs: this.clock.nowMs() + WATCH_TTL_MS,
      lastEventMs: Number.NEGATIVE_INFINITY,
    };
    this.byPerson.set(account.key, watch);
    account.mailbox.history.listener = (record) => {
      this.changed(account, record);
    };
    const { current } = account.mailbox.history;
    this.notify(account, watch);
    return jsonReply({ historyId: String(current), expiration: String(watch.expiresAtMs) }, format);
  }

  /** Serves `users.stop`: ends the watch; succeeds when there is none. */
  stop(account: Account): Reply {
    this.end(account);
    return NO_CONTENT;
  }

  list(): { email: string; topic: string; labelIds: readonly string[]; expiresAtMs: number }[] {
    return [...this.byPerson]
      .filter(([key]) => this.active(key) !== null)
      .map(([, { account, topic, labelIds, expiresAtMs }]) => ({
        email: account.email,
        topic,
        labelIds,
        expiresAtMs,
      }));
  }

  private topicRefusal(topic: string): Reply | null {
    if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(topic))
      return badRequest('gmail', 'Invalid topicName does not match projects/P/topics/*');
    const granted = this.pubsub.granted(topic);
    const failed = `Error sending test message to Cloud PubSub ${topic} :`;
    if (granted === null)
      return platformError(
        404,
        `${failed} Resource not found (resource=${topic.split('/')[3] ?? ''}).`,
        'notFound',
      );
    return granted
      ? null
      : platformError(403, `${failed} User not authorized to perform this action.`, 'forbidden');
  }

  private active(key: string): Watch | null {
    const watch = this.byPerson.get(key);
    return watch === undefined || watch.expiresAtMs <= this.clock.nowMs() ? null : watch;
  }

  private end(account: Account): void {
    this.byPerson.delete(account.key);
    account.mailbox.history.listener = null;
  }

  private changed(account: Account, record: HistoryRecord): void {
    const watch = this.active(account.key);
    if (watch === null) {
      this.end(account);
      return;
    }
    if (concerns(watch, record)) this.notify(account, watch);
  }

  private notify(account: Account, watch: Watch): void {
    const nowMs = this.clock.nowMs();
    if (nowMs - watch.lastEventMs < this.delivery.conditions.minGapMs) {
      this.ledger.notified('pubsub', 'throttled');
      return;
    }
    watch.lastEventMs = nowMs;
    // Written by hand, because the id is a JSON number that may be larger than JavaScript's numbers
    // can represent.
    this.pubsub.publish(
      watch.topic,
      `{"emailAddress":${JSON.stringify(account.email)},"historyId":${account.mailbox.history.current}}`,
    );
  }
}

/**
 * Whether a record matches the watch's filter: it applies to the current labels of the messages,
 * and to labels that were added or removed.
 */
function concerns(watch: Watch, record: HistoryRecord): boolean {
  if (watch.labelIds.length === 0) return true;
  const changes = [...record.labelsAdded, ...record.labelsRemoved];
  const messages = [
    ...record.added,
    ...record.deleted,
    ...record.touched,
    ...changes.map((change) => change.message),
  ];
  const labels = [
    ...messages.flatMap((message) => message.labelIds),
    ...changes.flatMap((change) => change.labelIds),
  ];
  return labels.some((label) => watch.labelIds.includes(label)) !== watch.exclude;
}
