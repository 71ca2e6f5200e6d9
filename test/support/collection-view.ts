import type { CollectionView } from '@syncline/store';

/** Returns a mailbox that is synced and without problems, with the fields that a test sets. */
export function collectionView(fields: Partial<CollectionView> = {}): CollectionView {
  return {
    id: 'c',
    kind: 'gmail',
    externalId: 'mailbox',
    state: 'active',
    phase: 'incremental',
    progress: { done: 0, total: null },
    fullSyncStartedAt: null,
    requestedAt: null,
    caughtUpAt: null,
    leaseUntil: null,
    leaseHolder: null,
    lastSyncedAt: null,
    nextSyncAt: null,
    failures: 0,
    error: null,
    parked: null,
    audit: { last: null, inHand: null },
    heldSweep: null,
    quarantined: 0,
    unreadable: [],
    watch: null,
    ...fields,
  };
}
