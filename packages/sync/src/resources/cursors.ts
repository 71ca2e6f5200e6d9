import type { GmailCursor, GmailIncremental } from './gmail/cursor.js';
import type { SyncTokenCursor, SyncTokenWithoutPosition } from './sync-token/cursor.js';

/** Cursors of collections that have begun, of any resource. */
export type ResourceCursor = GmailCursor | SyncTokenCursor;

/** Cursors that may be in phase incremental without a sync position. */
export type PositionlessCursor = GmailIncremental | SyncTokenWithoutPosition;

export type { Prefetched } from './gmail/prefetched.js';
