/** `wanted`: nobody has tried yet. `refused`: the operator's to mend. */
export type WatchState = 'requested' | 'on' | 'off' | 'unwatchable' | 'refused';

/** Silence ends with the next thing that is heard, whatever anybody writes. */
export const IS_SILENT =
  '(w.silent_since IS NOT NULL AND coalesce(greatest(c.notified_at, w.heard_at) < w.silent_since, true))';

/** What a run is told of the notification of its collection when it claims the lease. */
export interface LeaseWatch {
  state: WatchState;
  target: string | null;
  /**
   * Something was heard since it was made or renewed: the way from Google to us is known to be
   * open.
   */
  heard: boolean;
  silent: boolean;
  silences: number;
  expired: boolean;
}

/** For a statement about `collections c`: its LeaseWatch, or null. */
export const LEASE_WATCH = `(SELECT json_build_object('state', w.state, 'target', w.target, 'heard', coalesce(greatest(c.notified_at, w.heard_at) >= w.watched_at, false),
                          'silent', ${IS_SILENT}, 'silences', w.silences, 'expired', coalesce(w.expires_at <= now(), true))
                     FROM syncline.watches w WHERE w.collection_id = c.id)`;
