/**
 * Turns a verified notification into one write to Postgres and a hint to the queue. The sender is
 * answered after the write: from then on the schedule has the notification, and a hint that Redis
 * did not accept costs a second.
 *
 * Notifications come in bursts. Those for one collection that arrive while a write for it is in
 * progress share the next write, which begins after the last of them arrived: a thousand per second
 * for one mailbox take a few dozen writes, and none is missed. Unknown mailboxes and channels are
 * cached for a short time, so that a flood of them causes no queries.
 */
import type { Fleet } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { openHints } from '../hints.js';
import { openTtlSet } from './ttl-set.js';

/** `busy`: too many writes are pending; the notification is to be sent again. */
export type NotificationOutcome = 'notified' | 'sync-message' | 'unknown' | 'busy';

export interface Notifier {
  /** Returns the outcome of each mailbox's notification; all of them take one write. */
  mailboxes(addresses: readonly string[]): Promise<NotificationOutcome[]>;
  channel(message: {
    channelId: string;
    resourceId: string;
    isSyncMessage: boolean;
  }): Promise<NotificationOutcome>;
}

export interface NotifierDeps {
  store: Pick<Store, 'notifications'>;
  fleet: Pick<Fleet, 'enqueue'>;
}

/**
 * The maximum number of notifications that wait for their write in one process: some seconds' work.
 */
const WAITING_LIMIT = 2_000;
/**
 * How long an unknown mailbox or channel is cached. Short, since an account may be connected in the
 * meantime.
 */
const UNKNOWN_FOR_MS = 10_000;
const UNKNOWN_LIMIT = 10_000;
export function openNotifier(rt: Runtime, { store, fleet }: NotifierDeps): Notifier {
  const unknown = openTtlSet(rt, { keepMs: UNKNOWN_FOR_MS, limit: UNKNOWN_LIMIT });
  const share = openSharing();
  const hint = openHints(rt, fleet, 'notification');
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

/**
 * Shares writes by key: at most one write is in progress and one is waiting, which all later
 * callers share.
 */
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
