import type { CollectionView } from '@syncline/store';

/** A mailbox that is synced and has nothing to tell, with the fields that a test is about. */
export function collectionView(fields: Partial<CollectionView> = {}): CollectionView {
  return {
    id: 'c',
    kind: 'gmail',
    externalId: 'mailbox',
    state: 'active',
    phase: 'follow',
    progress: { done: 0, total: null },
    walkStartedAt: null,
    wantedAt: null,
    servedAt: null,
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
    troubled: [],
    doorbell: null,
    ...fields,
  };
}
