/**
 * Messages between processes that change feeds have grown. They carry an account's id or nothing,
 * and may be lost: their listeners read Postgres every second without them.
 */
import {
  type RedisConnection,
  type Runtime,
  connectionNameOf,
  endConnection,
  onRedisError,
  reconnectDelayMs,
} from '@syncline/runtime';
import type { FleetRedis } from './redis.js';
import type { ErrorLog } from './redis-errors.js';

export interface FeedHints {
  /** Says that the feed of an account has grown. */
  changed(accountId: string): void;
  /** Says that the log of all feeds has grown. */
  distributed(): void;
  /** Calls a listener for each message of any process. The first call opens a connection. */
  listen(on: FeedListener): void;
}

interface FeedListener {
  changed?: (accountId: string) => void;
  distributed?: () => void;
}

/** Accounts are named together after this time. */
const SEND_AFTER_MS = 5;
/** Accounts named at once; the readers of others read within a second. */
const SEND_LIMIT = 1_000;
/** A subscribed connection is silent while nothing changes; an answer shows that it lives. */
const PING_EVERY_MS = 5_000;
const SILENCE_LIMIT_MS = 15_000;
const RECONNECT_CAP_MS = 1_000;

export function openFeedHints(
  rt: Runtime,
  connection: RedisConnection,
  home: FleetRedis,
  errors: ErrorLog,
): FeedHints & { close(): void } {
  const prefix = home.settings.redisPrefix;
  const channels = { changed: `${prefix}:feed:changed`, distributed: `${prefix}:feed:distributed` };
  const send = senderOn(connection, errors);
  const listeners: FeedListener[] = [];
  let subscription: { close(): void } | null = null;
  let changed = new Set<string>();
  const sendChanged = (): void => {
    const accounts = changed;
    changed = new Set();
    for (const id of accounts) send(channels.changed, id);
  };
  return {
    changed: (accountId) => {
      if (changed.size === 0) setTimeout(sendChanged, SEND_AFTER_MS);
      if (changed.size < SEND_LIMIT) changed.add(accountId);
    },
    distributed: () => send(channels.distributed, ''),
    listen: (on) => {
      listeners.push(on);
      subscription ??= subscribe(rt, home, errors, Object.values(channels), (channel, text) => {
        for (const one of listeners)
          if (channel === channels.changed) one.changed?.(text);
          else one.distributed?.();
      });
    },
    close: () => subscription?.close(),
  };
}

/** Sends messages that may be lost. An ACL user who may not send any is reported once. */
function senderOn(
  connection: RedisConnection,
  errors: ErrorLog,
): (channel: string, text: string) => void {
  let isRefused = false;
  return (channel, text) => {
    if (isRefused) return;
    connection.publish(channel, text).catch((error: Error) => {
      // While Redis is away the health of the queue's connection says so.
      isRefused = error.message.startsWith('NOPERM');
      if (isRefused) errors.report(error);
    });
  };
}

function subscribe(
  rt: Runtime,
  { found, settings, holder }: FleetRedis,
  errors: ErrorLog,
  channels: readonly string[],
  take: (channel: string, text: string) => void,
): { close(): void } {
  const connection = found.connect({
    retryStrategy: (attempt) => reconnectDelayMs(rt, attempt, RECONNECT_CAP_MS),
    socketTimeout: SILENCE_LIMIT_MS,
    connectionName: connectionNameOf(settings, 'feed', holder),
    maxRetriesPerRequest: null,
  });
  const report = (error: Error): void => errors.report(error);
  onRedisError(connection, report);
  connection.on('message', take);
  // A subscription is made again by itself when the connection is.
  connection.subscribe(...channels).catch(report);
  const pinging = setInterval(() => void connection.ping().catch(report), PING_EVERY_MS);
  return {
    close: () => {
      clearInterval(pinging);
      endConnection(connection);
    },
  };
}
