import { comparableAddress } from '@syncline/runtime';
import type pg from 'pg';
import { isStorableAddress, isStorableId } from './storable.js';
import { cleanReason } from './clean-text.js';
import { GRANT, type AccountGrant, type Lease } from './lease.js';
import { IS_SILENT, type WatchState } from './lease-watch.js';
import { CURRENT_KEY } from './master-keys.js';
import { COLLECTION_KINDS, type CollectionKind } from './mirrors/resources.js';
import type { Transaction } from './transaction.js';

/*
 * Watches: Google's promises to send notifications. Their schedule is `due_at`, claimed like that
 * of collections. A worker that maintains a watch holds it with an epoch, so that two workers never
 * send concurrent watch calls for one mailbox (Google refuses these), and a removal can wait for
 * calls in progress.
 */

/**
 * The states in which watches are counted. Watches with state `on` are counted separately when they
 * have expired or when a change came without a notification.
 */
export type WatchCountKey = WatchState | 'expired' | 'silent';

const NO_WATCHES: Record<WatchCountKey, number> = {
  requested: 0,
  on: 0,
  expired: 0,
  silent: 0,
  off: 0,
  unwatchable: 0,
  refused: 0,
};

export const WATCH_COUNT_KEYS = Object.keys(NO_WATCHES) as readonly WatchCountKey[];

interface ChannelRow {
  id: string;
  /** Google's id of the watched resource; null when Google's response was not received. */
  resourceId: string | null;
  superseded: boolean;
  expired: boolean;
  /** Whether its token was created with a master key other than this process's current one. */
  isOldKey: boolean;
}

/**
 * A watch that a worker holds, with its state. Times are relative, because only the clock of the
 * database counts.
 */
export interface HeldWatch {
  collectionId: string;
  accountId: string;
  /** The account's address. */
  email: string;
  /** The Google project of the account. */
  project: string;
  grant: AccountGrant;
  epoch: bigint;
  kind: CollectionKind;
  externalId: string;
  /** Whether the collection and its account are to be synced. */
  active: boolean;
  /**
   * Whether Google may be called. It may not while the grant is refused or not verified to belong
   * to the rows' Google account, nor during a removal.
   */
  callable: boolean;
  state: WatchState;
  target: string | null;
  address: string | null;
  watchedAgoMs: number | null;
  expiresInMs: number | null;
  silent: boolean;
  silences: number;
  failures: number;
  channels: ChannelRow[];
  /**
   * Whether another account has a watch on the same mailbox through the same client. Stopping this
   * watch would end that one too.
   */
  shared: boolean;
}

interface WatchFinish {
  state: WatchState;
  nextInMs: number;
  /** Null clears it. */
  error: string | null;
  failed?: boolean;
  /** Set when Google has created or renewed the watch. */
  watched?: { target: string; expiresAt: Date; forSilence: boolean };
}

/** A watch that the scheduler adds to its queue. */
export interface DueWatch {
  collectionId: string;
  accountId: string;
  tenant: string;
  kind: CollectionKind;
}

/** Watches that are maintained; notifications are in notifications.ts. */
export interface Watches {
  /** Returns null when another worker holds the watch, or it does not exist. */
  hold(collectionId: string, holdMs: number): Promise<HeldWatch | null>;
  /**
   * Stores the mailbox's own address before the watch call, because the first notification may
   * arrive before the response.
   * @returns false when the hold was lost
   */
  noteAddress(held: HeldWatch, address: string): Promise<boolean>;
  /** @returns false when the hold was lost; nothing was written in that case */
  finish(held: HeldWatch, s: WatchFinish): Promise<boolean>;
  addChannel(held: HeldWatch, channelId: string, expiresAt: Date): Promise<boolean>;
  /** Records that Google has created the channel. Earlier channels are superseded. */
  confirmChannel(
    held: HeldWatch,
    channelId: string,
    resourceId: string,
    expiresAt: Date,
  ): Promise<void>;
  dropChannel(channelId: string): Promise<void>;
  /** Requests a watch for a collection that is synced incrementally without one. */
  request(lease: Lease): Promise<void>;
  /**
   * Records that a sync found a change without a notification. The watch is maintained soon.
   * @returns false when a notification arrived after that sync began; this does not count as
   * silence
   */
  silent(lease: Lease, maintainInMs: number): Promise<boolean>;
  ofAccount(accountId: string): Promise<string[]>;
  /**
   * Reads every watch and its collection, which takes seconds with millions of them. Callers must
   * use it rarely.
   */
  count(): Promise<Record<CollectionKind, Record<WatchCountKey, number>>>;
}

/** @param keyId id of the master key with which this process creates channel tokens */
export function watchesIn(pool: pg.Pool, keyId: string): Watches {
  return {
    hold: (collectionId, holdMs) => holdWatch(pool, keyId, collectionId, holdMs),
    noteAddress: (held, address) => noteAddress(pool, held, address),
    finish: (held, s) => finishWatch(pool, held, s),
    addChannel: (held, channelId, expiresAt) =>
      addChannel(pool, held, { channelId, expiresAt, keyId }),
    confirmChannel: (held, channelId, resourceId, expiresAt) =>
      confirmChannel(pool, held, channelId, resourceId, expiresAt),
    dropChannel: async (channelId) =>
      void (await pool.query('DELETE FROM syncline.channels WHERE id = $1', [channelId])),
    request: (lease) => requestWatch(pool, lease),
    silent: (lease, maintainInMs) => markSilent(pool, lease, maintainInMs),
    ofAccount: (accountId) => watchesOf(pool, accountId),
    count: () => countWatches(pool),
  };
}

export async function claimDueWatches(
  pool: pg.Pool,
  { limit, visibilityMs }: { limit: number; visibilityMs: number },
): Promise<DueWatch[]> {
  const due = await pool.query<DueWatch>({
    name: 'watches-due',
    text: `UPDATE syncline.watches w SET due_at = now() + $2 * interval '1 ms'
             FROM (SELECT collection_id FROM syncline.watches WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED) AS picked
                   JOIN syncline.collections c ON c.id = picked.collection_id
            WHERE w.collection_id = picked.collection_id
        RETURNING w.collection_id AS "collectionId", w.account_id AS "accountId", c.tenant, c.kind`,
    values: [limit, visibilityMs],
  });
  return due.rows;
}

/**
 * The account's row is locked for the statement, and a removal updates this row first. Either the
 * removal sees this hold and waits for it, or this statement sees the removal.
 */
async function holdWatch(
  pool: pg.Pool,
  keyId: string,
  collectionId: string,
  holdMs: number,
): Promise<HeldWatch | null> {
  const held = await pool.query<Omit<HeldWatch, 'epoch'> & { epoch: string }>({
    name: 'watch-hold',
    text: `UPDATE syncline.watches w SET epoch = w.epoch + 1, held_until = now() + $2 * interval '1 ms', begun_at = clock_timestamp()
             FROM syncline.collections c, (SELECT id, state, email, project, grant_number, token_version, verified_grant, identity_id FROM syncline.accounts WHERE id = (SELECT account_id FROM syncline.watches WHERE collection_id = $1) FOR SHARE) AS a
            WHERE w.collection_id = $1 AND c.id = w.collection_id AND (w.held_until IS NULL OR w.held_until <= now())
        RETURNING w.collection_id AS "collectionId", w.account_id AS "accountId", a.email, a.project, ${GRANT} AS grant, w.epoch, c.kind, c.external_id AS "externalId", a.state = 'active' AND c.state = 'active' AS active,
                  a.state NOT IN ('reauth_required', 'removing') AND coalesce(a.verified_grant = a.grant_number, false) AS callable, w.state, w.target, w.address,
                  (extract(epoch FROM now() - w.watched_at) * 1000)::float8 AS "watchedAgoMs", (extract(epoch FROM w.expires_at - now()) * 1000)::float8 AS "expiresInMs",
                  ${IS_SILENT} AS silent, w.silences, w.failures,
                  (SELECT coalesce(json_agg(json_build_object('id', h.id, 'resourceId', h.resource_id, 'superseded', h.superseded, 'expired', h.expires_at <= now(), 'isOldKey', coalesce($3 = ${CURRENT_KEY}, false) AND h.key_id IS DISTINCT FROM $3)), '[]')
                     FROM syncline.channels h WHERE h.collection_id = w.collection_id) AS channels,
                  EXISTS (SELECT 1 FROM syncline.watches o JOIN syncline.accounts oa ON oa.id = o.account_id
                           WHERE o.collection_id <> w.collection_id AND o.address = w.address AND o.state = 'on' AND oa.state = 'active' AND oa.project = a.project)
               OR EXISTS (SELECT 1 FROM syncline.accounts oa JOIN syncline.watches o ON o.account_id = oa.id JOIN syncline.collections oc ON oc.id = o.collection_id
                           WHERE oa.identity_id = a.identity_id AND oa.id <> a.id AND oa.state = 'active' AND oc.kind = c.kind AND o.state = 'on') AS shared`,
    values: [collectionId, holdMs, keyId],
  });
  const row = held.rows[0];
  return row ? { ...row, epoch: BigInt(row.epoch) } : null;
}

async function noteAddress(pool: pg.Pool, held: HeldWatch, address: string): Promise<boolean> {
  const noted = await pool.query(
    'UPDATE syncline.watches SET address = coalesce($3, address) WHERE collection_id = $1 AND epoch = $2',
    [
      held.collectionId,
      String(held.epoch),
      isStorableAddress(address) ? comparableAddress(address) : null,
    ],
  );
  return noted.rowCount === 1;
}

async function finishWatch(pool: pg.Pool, held: HeldWatch, s: WatchFinish): Promise<boolean> {
  const finished = await pool.query({
    name: 'watch-finish',
    text: `UPDATE syncline.watches
              SET state = $3, due_at = now() + $4 * interval '1 ms', error = $5, failures = CASE WHEN $6 THEN failures + 1 ELSE 0 END, held_until = NULL,
                  target = coalesce($7, target), expires_at = coalesce($8, expires_at), watched_at = CASE WHEN $7::text IS NULL THEN watched_at ELSE begun_at END,
                  silences = CASE WHEN $7::text IS NULL THEN silences WHEN $9 THEN silences + 1 ELSE 0 END
            WHERE collection_id = $1 AND epoch = $2`,
    values: [
      held.collectionId,
      String(held.epoch),
      s.state,
      Math.max(0, Math.round(s.nextInMs)),
      cleanReason(s.error),
      s.failed ?? false,
      s.watched?.target ?? null,
      s.watched?.expiresAt ?? null,
      s.watched?.forSilence ?? false,
    ],
  });
  return finished.rowCount === 1;
}

async function addChannel(
  pool: pg.Pool,
  held: HeldWatch,
  { channelId, expiresAt, keyId }: { channelId: string; expiresAt: Date; keyId: string },
): Promise<boolean> {
  const added = await pool.query(
    'INSERT INTO syncline.channels (id, account_id, collection_id, expires_at, key_id) SELECT $3, account_id, collection_id, $4, $5 FROM syncline.watches WHERE collection_id = $1 AND epoch = $2',
    [held.collectionId, String(held.epoch), channelId, expiresAt, keyId],
  );
  return added.rowCount === 1;
}

async function confirmChannel(
  pool: pg.Pool,
  held: HeldWatch,
  channelId: string,
  resourceId: string,
  expiresAt: Date,
): Promise<void> {
  await pool.query(
    `UPDATE syncline.channels SET superseded = id <> $2, resource_id = CASE WHEN id = $2 THEN $3 ELSE resource_id END, expires_at = CASE WHEN id = $2 THEN $4 ELSE expires_at END
      WHERE collection_id = $1`,
    // A channel without a storable resource id is not stopped, and expires by itself.
    [held.collectionId, channelId, isStorableId(resourceId) ? resourceId : null, expiresAt],
  );
}

/**
 * The existing row is switched off when a calendar was gone and is back, or an account was paused.
 */
async function requestWatch(pool: pg.Pool, lease: Lease): Promise<void> {
  await pool.query({
    name: 'watch-request',
    text: `INSERT INTO syncline.watches (collection_id, account_id) SELECT id, account_id FROM syncline.collections WHERE id = $1 AND lease_epoch = $2
           ON CONFLICT (collection_id) DO UPDATE SET state = 'requested', due_at = now()`,
    values: [lease.collectionId, String(lease.epoch)],
  });
}

/**
 * A notification that arrived during the run announced the change that the run had already found.
 * The lease contains only notifications that arrived before the claim.
 */
async function markSilent(pool: pg.Pool, lease: Lease, maintainInMs: number): Promise<boolean> {
  const marked = await pool.query({
    name: 'watch-silent',
    text: `UPDATE syncline.watches w SET silent_since = clock_timestamp(), due_at = least(due_at, now() + $2 * interval '1 ms')
             FROM syncline.collections c WHERE w.collection_id = $1 AND c.id = w.collection_id AND w.state = 'on' AND coalesce(c.notified_at <= $3, true)`,
    values: [lease.collectionId, Math.round(maintainInMs), lease.runStartedAt],
  });
  return marked.rowCount === 1;
}

/** Ends watches of calendars that are gone soon, instead of at their next renewal. */
export async function endWatchesOfGone(session: Transaction, accountId: string): Promise<void> {
  await session.query({
    name: 'watches-gone',
    text: `UPDATE syncline.watches w SET due_at = now() FROM syncline.collections c WHERE c.id = w.collection_id AND c.account_id = $1 AND c.state = 'gone' AND w.state = 'on'`,
    values: [accountId],
  });
}

async function watchesOf(pool: pg.Pool, accountId: string): Promise<string[]> {
  const found = await pool.query<{ collection_id: string }>(
    'SELECT collection_id FROM syncline.watches WHERE account_id = $1 ORDER BY collection_id',
    [accountId],
  );
  return found.rows.map((row) => row.collection_id);
}

async function countWatches(
  pool: pg.Pool,
): Promise<Record<CollectionKind, Record<WatchCountKey, number>>> {
  const none = (): Record<WatchCountKey, number> => ({
    requested: 0,
    on: 0,
    expired: 0,
    silent: 0,
    off: 0,
    unwatchable: 0,
    refused: 0,
  });
  const counts = Object.fromEntries(COLLECTION_KINDS.map((kind) => [kind, none()])) as Record<
    CollectionKind,
    Record<WatchCountKey, number>
  >;
  const { rows } = await pool.query<{
    kind: CollectionKind;
    figure: WatchCountKey;
    watches: string;
  }>(
    `SELECT c.kind, CASE WHEN w.state <> 'on' THEN w.state WHEN w.expires_at <= now() THEN 'expired' WHEN ${IS_SILENT} THEN 'silent' ELSE 'on' END AS figure, count(*) AS watches
       FROM syncline.watches w JOIN syncline.collections c ON c.id = w.collection_id GROUP BY 1, 2`,
  );
  for (const { kind, figure, watches } of rows) counts[kind][figure] = Number(watches);
  return counts;
}
