import type { AccountView, CollectionView } from '@syncline/store';
import { etaOf } from '../status/eta.js';

/** A collection as `accounts list --json` and the API show it; the field names are public. */
type CollectionDocument = Pick<
  CollectionView,
  | 'id'
  | 'kind'
  | 'externalId'
  | 'phase'
  | 'lastSyncedAt'
  | 'nextSyncAt'
  | 'error'
  | 'parked'
  | 'heldSweep'
  | 'quarantined'
  | 'unreadable'
  | 'audit'
> & { progress: CollectionView['progress'] & { etaSeconds: number | null } };

/** An account as `accounts list --json` and the API show it; the field names are public. */
export type AccountDocument = Pick<
  AccountView,
  | 'id'
  | 'email'
  | 'tenant'
  | 'project'
  | 'state'
  | 'reason'
  | 'reasonCode'
  | 'aliases'
  | 'lastConnect'
  | 'feed'
> & { collections: CollectionDocument[] };

/**
 * Returns the account's document, without collections that no longer exist at Google for the
 * account. Pure.
 */
export function accountDocument(account: AccountView, nowMs: number): AccountDocument {
  const { id, email, tenant, project, state, reason, reasonCode, aliases, lastConnect, feed } =
    account;
  return {
    id,
    email,
    tenant,
    project,
    state,
    reason,
    reasonCode,
    aliases,
    lastConnect,
    feed,
    collections: activeCollections(account).map((c) => collectionDocument(c, nowMs)),
  };
}

/** Returns the collections that are synced: neither gone at Google nor being erased. */
export function activeCollections(account: Pick<AccountView, 'collections'>): CollectionView[] {
  return account.collections.filter(({ state }) => state === 'active');
}

function collectionDocument(collection: CollectionView, nowMs: number): CollectionDocument {
  const {
    id,
    kind,
    externalId,
    phase,
    progress,
    lastSyncedAt,
    nextSyncAt,
    error,
    parked,
    heldSweep,
    quarantined,
    unreadable,
    audit,
  } = collection;
  return {
    id,
    kind,
    externalId,
    phase,
    progress: { ...progress, etaSeconds: etaOf(collection, nowMs) },
    lastSyncedAt,
    nextSyncAt,
    error,
    parked,
    heldSweep,
    quarantined,
    unreadable,
    audit,
  };
}
