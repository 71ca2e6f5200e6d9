/** `requested`: not tried yet. `refused`: the operator has to fix the cause. */
export type WatchState = 'requested' | 'on' | 'off' | 'unwatchable' | 'refused';

/** Silence ends with the next notification, without a further write. */
export const IS_SILENT =
  '(w.silent_since IS NOT NULL AND coalesce(greatest(c.notified_at, w.sync_message_at) < w.silent_since, true))';

/** The watch state of a collection, read with the claim of its lease. */
export interface LeaseWatch {
  state: WatchState;
  target: string | null;
  /**
   * Whether a notification has arrived since the watch was created or renewed, which shows that
   * Google can reach the API.
   */
  hasNotified: boolean;
  silent: boolean;
  silences: number;
  expired: boolean;
}

/** SQL for a statement with `collections c`: its LeaseWatch, or null. */
export const LEASE_WATCH = `(SELECT json_build_object('state', w.state, 'target', w.target, 'hasNotified', coalesce(greatest(c.notified_at, w.sync_message_at) >= w.watched_at, false),
                          'silent', ${IS_SILENT}, 'silences', w.silences, 'expired', coalesce(w.expires_at <= now(), true))
                     FROM syncline.watches w WHERE w.collection_id = c.id)`;
