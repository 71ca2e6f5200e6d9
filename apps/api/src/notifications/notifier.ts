/**
 * From a notification that is believed to one write in Postgres and a hint to the queue. Whoever sent it is answered when the write is
 * through: from then on the schedule has it, and a hint that Redis did not take costs a second.
 *
 * Notifications come in bursts. Those for one collection that meet while a write of theirs is under way share the next one, which begins after the
 * last of them came: so a thousand a second for one mailbox are a few dozen writes, and no change is passed over. Unknown mailboxes and channels are
 * remembered for a moment, so that a flood of them asks Postgres nothing.
 */
import { type Enqueued, type Fleet, queueFor } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Notified, Store } from '@syncline/store';
import { openTtlSet } from './ttl-set.js';

/** `busy`: too much is under way; to be sent again. */
export type NotificationOutcome = 'notified' | 'sync-message' | 'unknown' | 'busy';

export interface Notifier {
  /** What became of each mailbox's notification; one write for all that are given. */
  mailboxes(addresses: readonly string[]): Promise<NotificationOutcome[]>;
  channel(message: {
    channelId: string;
    resourceId: string;
    isSyncMessage: boolean;
  }): Promise<NotificationOutcome>;
}

export interface NotifierDeps {
  store: { notifications: Store['notifications'] };
  fleet: Pick<Fleet, 'enqueue'>;
}

/** Notifications that may wait for their write in one process: some seconds' work. */
const WAITING_LIMIT = 2_000;
/** How long nobody is asked about an unknown one. Short: an account may be connected in the meantime. */
const UNKNOWN_FOR_MS = 10_000;
const UNKNOWN_LIMIT = 10_000;
/**
 * Hints a second of one process that go to the head of their queue: before the looks that a round
 * of the schedule has just handed out together, of which one notification in ten found fifty before
 * it. In a storm the rest stands in line, so that nobody else's looks wait until it is over.
 */
const HASTE_PER_SECOND = 100;

export function openNotifier(rt: Runtime, { store, fleet }: NotifierDeps): Notifier {
  const unknown = openTtlSet(rt, { keepMs: UNKNOWN_FOR_MS, limit: UNKNOWN_LIMIT });
  const share = openSharing();
  const hint = openHints(rt, fleet);
  const notifyMailboxes = async (
    addresses: readonly string[],
  ): Promise<Map<string, NotificationOutcome>> => {
    const byAddress = await store.notifications.notifyMailboxes(addresses);
    hint([...byAddress.values()].flat());
    return new Map(
      addresses.map((address) => [
        address,
        byAddress.has(address) ? 'notified' : forget(unknown, address),
      ]),
    );
  };
  const notifyChannel = async (
    channelId: string,
    resourceId: string,
  ): Promise<NotificationOutcome> => {
    const notified = await store.notifications.notifyChannel(channelId, resourceId);
    if (notified) hint([notified]);
    return notified ? 'notified' : forget(unknown, `${channelId} ${resourceId}`);
  };
  return {
    mailboxes: async (addresses) => {
      const asked = [...new Set(addresses)].filter((address) => !unknown.has(address));
      const [single] = asked;
      if (asked.length !== 1 || single === undefined)
        return outcomesOf(addresses, asked.length > 0 ? await notifyMailboxes(asked) : new Map());
      const outcome = await share(
        single,
        async () => (await notifyMailboxes(asked)).get(single) ?? 'unknown',
      );
      return outcomesOf(addresses, new Map([[single, outcome]]));
    },
    channel: async ({ channelId, resourceId, isSyncMessage }) => {
      const key = `${channelId} ${resourceId}`;
      if (unknown.has(key)) return 'unknown';
      if (isSyncMessage)
        return share(`sync message ${key}`, async () =>
          (await store.notifications.noteSyncMessage(channelId, resourceId))
            ? 'sync-message'
            : 'unknown',
        );
      return share(key, () => notifyChannel(channelId, resourceId));
    },
  };
}

/** Enqueues a job for what is ready; the first of each second go to the head of their queue. */
function openHints(
  rt: Runtime,
  fleet: NotifierDeps['fleet'],
): (notified: readonly Notified[]) => void {
  const isInHaste = openHaste(rt);
  return (notified: readonly Notified[]): void => {
    const ready = notified.filter((one) => one.ready).map((one) => jobFor(one, isInHaste()));
    // Nobody waits for Redis: the schedule has it.
    if (ready.length > 0)
      fleet
        .enqueue(ready)
        .catch((error: unknown) =>
          rt.log.debug(
            { event: 'hint_lost', err: error },
            'a hint did not reach the queue; the schedule brings the collection',
          ),
        );
  };
}

function jobFor({ collectionId, accountId, tenant, kind }: Notified, first: boolean): Enqueued {
  const queue = queueFor(kind, false);
  return { collectionId, accountId, tenant, queue, cause: 'notification', first };
}

/** True for the first so many of each second. */
function openHaste(rt: Runtime): () => boolean {
  let second = 0;
  let given = 0;
  return () => {
    const now = Math.floor(rt.clock.nowMs() / 1_000);
    if (now !== second) [second, given] = [now, 0];
    given += 1;
    return given <= HASTE_PER_SECOND;
  };
}

function outcomesOf(
  addresses: readonly string[],
  outcomes: ReadonlyMap<string, NotificationOutcome>,
): NotificationOutcome[] {
  return addresses.map((address) => outcomes.get(address) ?? 'unknown');
}

function forget(unknown: { add(key: string): void }, key: string): NotificationOutcome {
  unknown.add(key);
  return 'unknown';
}

/** At most one write of a key under way and one waiting, which all who come meanwhile share. */
function openSharing(): (
  key: string,
  write: () => Promise<NotificationOutcome>,
) => Promise<NotificationOutcome> {
  const running = new Map<string, Promise<NotificationOutcome>>();
  const next = new Map<string, Promise<NotificationOutcome>>();
  let waiting = 0;
  const begin = (
    key: string,
    write: () => Promise<NotificationOutcome>,
  ): Promise<NotificationOutcome> => {
    const written = write().finally(() => running.delete(key));
    running.set(key, written);
    return written;
  };
  const shared = (
    key: string,
    write: () => Promise<NotificationOutcome>,
  ): Promise<NotificationOutcome> => {
    const current = running.get(key);
    if (!current) return begin(key, write);
    const queued =
      next.get(key) ??
      current
        .catch(() => undefined)
        .then(() => {
          next.delete(key);
          return begin(key, write);
        });
    next.set(key, queued);
    return queued;
  };
  return async (key, write) => {
    if (waiting >= WAITING_LIMIT) return 'busy';
    waiting += 1;
    try {
      return await shared(key, write);
    } finally {
      waiting -= 1;
    }
  };
}
