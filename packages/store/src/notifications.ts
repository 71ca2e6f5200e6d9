import type pg from 'pg';
import type { CollectionKind } from './mirrors/resources.js';
import { NEVER } from './collections.js';
import { arrayLiteral } from './pool.js';
import { byIndex } from './transaction.js';

/*
 * Stores a notification with one statement: it marks the collection as requested, and the schedule
 * handles the rest. A notification only triggers a sync. The values that Google sends with it (a
 * history id, a message number) are not stored and never become a cursor.
 */

/** A collection that was notified. */
interface Notified {
  collectionId: string;
  accountId: string;
  tenant: string;
  kind: CollectionKind;
  /**
   * Whether a job for it is useful now: its phase is incremental, no full sync is requested, and it
   * is neither parked nor waiting after an error.
   */
  ready: boolean;
}

export interface Notifications {
  /**
   * Records that Google reported a change in these mailboxes. Several accounts (of several tenants)
   * may have the same address.
   * @returns the notified collections by address; an address without an account is absent
   */
  notifyMailboxes(addresses: readonly string[]): Promise<Map<string, Notified[]>>;
  /**
   * Records a change for one of this deployment's channels. Returns null when the channel no longer
   * exists, or Google names a different resource than when it was created.
   */
  notifyChannel(channelId: string, resourceId: string): Promise<Notified | null>;
  /**
   * Records the sync message of a channel. It reports no change, but shows that Google can reach
   * the API.
   */
  noteSyncMessage(channelId: string, resourceId: string): Promise<boolean>;
}

export function notificationsIn(pool: pg.Pool): Notifications {
  return {
    notifyMailboxes: (addresses) => notifyMailboxes(pool, addresses),
    notifyChannel: (channelId, resourceId) => notifyChannel(pool, channelId, resourceId),
    noteSyncMessage: (channelId, resourceId) => noteSyncMessage(pool, channelId, resourceId),
  };
}

/**
 * The queue gets a job as well, and the schedule covers the case that this job is lost. The
 * collection is due a moment later, so that a tick does not hand it out a second time while that
 * job runs. A collection that waits for a reason (parked, or after transient errors of Google)
 * continues to wait: notifications must not cause a call every second to a resource that is refused
 * every second.
 */
const NOTIFY = `requested_at = clock_timestamp(), notified_at = clock_timestamp(),
              next_sync_at = CASE WHEN c.parked IS NULL AND c.failures = 0 THEN least(c.next_sync_at, now() + interval '1.5 seconds') ELSE c.next_sync_at END`;
/** SQL columns of `collections c`: a `Notified`. */
const NOTIFIED = `c.id AS "collectionId", c.account_id AS "accountId", c.tenant, c.kind,
                  c.phase = 'incremental' AND NOT c.full_sync_requested AND c.parked IS NULL AND c.failures = 0 AS ready`;

/**
 * Rows are locked in the order of their ids, as in every statement that locks several collections.
 */
async function notifyMailboxes(
  pool: pg.Pool,
  addresses: readonly string[],
): Promise<Map<string, Notified[]>> {
  const notified = await byIndex(pool).query<Notified & { address: string }>({
    name: 'notify-mailboxes',
    text: `WITH chosen AS MATERIALIZED (
             SELECT c.id, w.address FROM syncline.watches w JOIN syncline.collections c ON c.id = w.collection_id JOIN syncline.accounts a ON a.id = c.account_id
              WHERE w.address = ANY($1::text[]) AND c.state = 'active' AND a.state = 'active' ORDER BY c.id FOR UPDATE OF c)
           UPDATE syncline.collections c SET ${NOTIFY} FROM chosen WHERE c.id = chosen.id AND c.next_sync_at < ${NEVER}
           RETURNING ${NOTIFIED}, chosen.address`,
    values: [arrayLiteral(addresses, (address) => address)],
  });
  const byAddress = new Map<string, Notified[]>();
  for (const { address, ...collection } of notified.rows)
    byAddress.set(address, [...(byAddress.get(address) ?? []), collection]);
  return byAddress;
}

async function notifyChannel(
  pool: pg.Pool,
  channelId: string,
  resourceId: string,
): Promise<Notified | null> {
  const notified = await byIndex(pool).query<Notified>({
    name: 'notify-channel',
    text: `UPDATE syncline.collections c SET ${NOTIFY} FROM syncline.channels h JOIN syncline.accounts a ON a.id = h.account_id
            WHERE h.id = $1 AND (h.resource_id IS NULL OR h.resource_id = $2) AND h.expires_at > now() AND c.id = h.collection_id AND c.state = 'active' AND a.state = 'active' AND c.next_sync_at < ${NEVER}
        RETURNING ${NOTIFIED}`,
    values: [channelId, resourceId],
  });
  return notified.rows[0] ?? null;
}

async function noteSyncMessage(
  pool: pg.Pool,
  channelId: string,
  resourceId: string,
): Promise<boolean> {
  const noted = await byIndex(pool).query({
    name: 'sync-message-channel',
    text: `UPDATE syncline.watches w SET sync_message_at = clock_timestamp() FROM syncline.channels h
            WHERE h.id = $1 AND (h.resource_id IS NULL OR h.resource_id = $2) AND h.expires_at > now() AND w.collection_id = h.collection_id`,
    values: [channelId, resourceId],
  });
  return noted.rowCount === 1;
}
