import type { OperatorError, Runtime } from '@syncline/runtime';
import type pg from 'pg';
import {
  accountViewsIn,
  countByState,
  type AccountImport,
  type AccountState,
  type AccountViews,
} from './accounts.js';
import { countHeld, heldOf, type HeldCollection } from './absence.js';
import { alone, type Alone, type NamedLease } from './alone.js';
import { auditIn, type Audit } from './audit.js';
import { openCheckedPool } from './checked-pool.js';
import { readChanges, type ChangeEvent } from './changes.js';
import { retentionIn, type Retention } from './retention.js';
import {
  requestSync,
  park,
  finish,
  finishGone,
  behindSince,
  requestFullSync,
  type Parking,
  type RunFinish,
  type BehindCollection,
} from './collections.js';
import type { Committed, PageCommit } from './commit-page.js';
import { countedCommit } from './counted-commit.js';
import { claimDue, type DueCollection, type DueQuery } from './due.js';
import type { Resource } from './mirrors/resources.js';
import { notificationsIn, type Notifications } from './notifications.js';
import { resourceErasureIn, type ResourceErasure } from './erase-resource.js';
import { feedIn, type Feed } from './feed.js';
import {
  addressesOver,
  knownMessages,
  mirrorIn,
  type Addresses,
  type Mirror,
} from './mirrors/index.js';
import { grantChecksIn, type GrantChecks } from './grant-checks.js';
import { identitiesIn, type Identities } from './identities.js';
import { accountOffered, importAccount, type OfferedTo } from './import-account.js';
import { openWriteProbe, type WriteProbe } from './health-probe.js';
import { lazyPrisma } from './lazy-prisma.js';
import {
  callerOf,
  claimLease,
  renewLease,
  type AccountGrant,
  type Claim,
  type Lease,
} from './lease.js';
import { connectionProblem } from './database-errors.js';
import { schemaOf } from './schema-name.js';
import { projectsIn, type Projects } from './project-failures.js';
import { quarantineIn, type Quarantine } from './quarantine.js';
import { probesIn, requireReauth, type Probes, type Refused } from './refusals.js';
import { pauseAccount, removalIn, resumeAccount, type Removal } from './removal.js';
import {
  bringForward,
  releaseDeadWorkers,
  type ReleasedWorker,
  type DeadHolder,
} from './recovery.js';
import {
  recordSpent,
  spentDay,
  spentToday,
  type SpentDay,
  type SpentToday,
  type SpentUnits,
} from './quota-ledger.js';
import { openKeyRing, type KeyRing } from './key-ring.js';
import { storeKeysOver, withdrawKeys, type KeyOptions, type StoreKeys } from './store-keys.js';
import { itemQueriesIn, type ItemQueries } from './full-sync-queries.js';
import { throttled, writeThrottle, type WriteThrottle } from './write-throttle.js';
import { watchesIn, type Watches } from './watches.js';

export type {
  AccountFilter,
  AccountImport,
  AccountState,
  AccountView,
  AuditView,
  CollectionView,
  WatchView,
  HeldSweepView,
} from './accounts.js';
export type { HeldCollection, HeldState, HeldSweep } from './absence.js';
export type { LeaseHolder } from './alone.js';
export { FeedPruned, type ChangeEvent } from './changes.js';
export { ACCOUNT_RETENTION, FLEET_RETENTION } from './retention.js';
export { cleanJson, serialised } from './clean-text.js';
export { clampInstant, isStorableId, quarantineId } from './storable.js';
export type { RunFinish, BehindCollection } from './collections.js';
export type { DueCollection, DueQuery } from './due.js';
export type { Committed, PageCommit } from './commit-page.js';
export * from './mirrors/public.js';
export {
  COLLECTION_KINDS,
  DEFAULT_RESOURCES,
  RESOURCE_NAMES,
  resourceOf,
  type CollectionKind,
  type Resource,
} from './mirrors/resources.js';
export type { Notifications, Notified } from './notifications.js';
export type { FeedPosition } from './feed.js';
export { beginFeedWatch, runFeedWatch } from './feed-watch.js';
export type { GrantChecks, Held, KnownIdentity } from './grant-checks.js';
export type { GoogleKeys } from './identities.js';
export { LeaseLost, type AccountGrant, type Lease, type MailWindow, type Phase } from './lease.js';
export type { OfferedTo } from './import-account.js';
export { joinDeployment } from './join-deployment.js';
export { dropDatabase } from './drop-database.js';
export { migrate } from './migrate.js';
export type { NamedAccount } from './named-accounts.js';
export { fleetSessionsProblem, POOL_SIZES } from './sessions.js';
export type { LatelyQuarantined, QuarantinedItem, TroubledItem } from './quarantine.js';
export type { DueTry, ProjectScope } from './project-failures.js';
export type { QuarantineCause } from './quarantine-schedule.js';
export type { GrantUse } from './removal.js';
export type { DueProbe } from './refusals.js';
export type { ReleasedWorker, DeadHolder } from './recovery.js';
export type { SpentToday } from './quota-ledger.js';
export type { MasterKeyRotation } from './master-key-rotation.js';
export { holderText } from './master-keys.js';
export type { Vault } from './vault.js';
export type { LeaseWatch } from './lease-watch.js';
export type { ChannelRow, HeldWatch, WatchFinish } from './watches.js';
export type {
  FailingItem,
  ListedThread,
  SetAside,
  ItemsDelta,
  ListedItem,
  PendingItem,
} from './full-sync-items.js';

export interface StoreOptions extends KeyOptions {
  databaseUrl: string;
  /** Sessions this process may open. */
  poolSize?: number;
  /** Rows are found by index, whatever the size of a table was when a statement was planned: for workers. Default false. */
  byIndex?: boolean;
  /** Names this process in leases. */
  holder?: string;
}

/** How things are remembered: the only door to Postgres. */
export interface Store extends StoreKeys {
  accounts: AccountViews & {
    import(account: AccountImport): Promise<{ id: string; created: boolean }>;
    /** The account that `import` would renew; null when it would connect a new one. */
    offered(account: AccountImport): Promise<OfferedTo | null>;
    /** How calls are made in the account's name; null when there is no such account. */
    caller(accountId: string): Promise<{ project: string; grant: AccountGrant } | null>;
    countByState(): Promise<Record<AccountState, number>>;
    /**
     * @returns false when nothing was stopped: the lease is lost, or another grant was imported
     * meanwhile
     */
    requireReauth(lease: Lease, refused: Refused): Promise<boolean>;
    /** False when the account's state does not allow it. */
    pause(accountId: string): Promise<boolean>;
    resume(accountId: string): Promise<boolean>;
  };
  identities: Identities;
  grantChecks: GrantChecks;
  removal: Removal;
  resourceErasure: ResourceErasure;
  probes: Probes;
  projects: Projects;
  collections: {
    claimDue(query: DueQuery): Promise<DueCollection[]>;
    bringForward(withinMs: number): Promise<number>;
    requestSync(
      accountIds: readonly string[] | null,
      o?: { resource?: Resource; full?: boolean },
    ): Promise<string>;
    behindSince(accountIds: readonly string[] | null, since: string): Promise<BehindCollection[]>;
    requestFullSync(collectionId: string): Promise<void>;
    /** How many have a sweep that waits for evidence, by kind. */
    countHeld(): Promise<Map<string, number>>;
    heldOf(accountId: string): Promise<HeldCollection[]>;
  };
  lease: {
    claim(collectionId: string): Promise<Claim>;
    renew(lease: Lease): Promise<void>;
    finish(lease: Lease, ending: RunFinish): Promise<{ requestedAgain: boolean }>;
    finishGone(lease: Lease, reason: string): Promise<void>;
    park(lease: Lease, parking: Parking): Promise<boolean>;
    releaseDeadWorkers(
      dead: readonly DeadHolder[],
      o: { jobs: readonly string[]; withinMs: number },
    ): Promise<ReleasedWorker[]>;
  };
  commitPage(lease: Lease, commit: PageCommit): Promise<Committed>;
  quarantine: Quarantine;
  audit: Audit;
  watches: Watches;
  notifications: Notifications;
  items: ItemQueries;
  /** Which messages are stored already and which labels are in the catalogue: what is known need not be fetched. */
  knownMessages(
    accountId: string,
    ids: readonly string[],
    labelIds: readonly string[],
  ): Promise<{ messages: Set<string>; labels: Set<string> }>;
  mirror: Mirror;
  addresses: Addresses;
  /** @throws FeedPruned when events after `afterSeq` are no longer kept */
  changes(accountId: string, afterSeq: bigint, limit: number): Promise<ChangeEvent[]>;
  feed: Feed;
  retention: Retention;
  quota: {
    record(accountId: string, spent: readonly SpentUnits[]): Promise<void>;
    today(): Promise<SpentToday[]>;
    day(): Promise<SpentDay>;
  };
  /** Does `work` unless somebody, in any process, is at work under that name. @throws NamedLeaseLost */
  alone<T>(name: string, work: (lease: NamedLease) => Promise<T>): Promise<Alone<T>>;
  /**
   * The sentence for an error of a connection to Postgres, for `waitForServers`; null for other
   * errors.
   */
  unavailable(error: unknown): OperatorError | null;
  /** Answers when Postgres does. */
  ping(): Promise<void>;
  /**
   * Writes a row, and repeats the announcement of this process's keys. Rejects when Postgres is
   * away, read-only or refuses it. On a session of its own.
   */
  probeWrite(): Promise<void>;
  close(): Promise<void>;
}

/** Leases outlive a page's commit and a renewal, no more: this bounds how long a worker's collection rests whose death nobody sees. */
export const LEASE_TTL_MS = 6_000;

/**
 * Connects to Postgres and checks that this program may work there. Waits for a server that is away
 * for `rt.serverWaitMs`.
 * @throws OperatorError when the server cannot be reached, the schema is older than this program,
 * or the master key is another one
 */
export async function openStore(rt: Runtime, options: StoreOptions): Promise<Store> {
  const ring = openKeyRing({ current: options.masterKey, old: options.oldMasterKey ?? null });
  const { pool, databaseUrl } = await openCheckedPool(rt, options, ring);
  return storeOver(rt, pool, ring, {
    holder: options.holder ?? `${process.pid}-${rt.random.uuid().slice(0, 8)}`,
    probe: openWriteProbe(databaseUrl, () => rt.random.next()),
    databaseUrl,
  });
}

/**
 * Of the sessions, for pages of full syncs without incremental work (`write-throttle.ts`). Measured
 * with 1,000 mailboxes in phase incremental while 200 others were synced in full, on two cores:
 * with all sessions for anybody a change was stored after 12 s (p50), with half of them for full
 * syncs after 9 s, with two after 0.2 s, with one that rests after 0.05 s.
 */
const THROTTLE_SHARE = 0.5;

interface Own {
  databaseUrl: string;
  holder: string;
  probe: WriteProbe;
}

function storeOver(rt: Runtime, pool: pg.Pool, ring: KeyRing, own: Own): Store {
  const keyParts = storeKeysOver(rt, pool, own.probe, { ring, holder: own.holder });
  const { vault, keys } = keyParts;
  const throttle = writeThrottle(rt, Math.max(1, Math.floor(pool.options.max * THROTTLE_SHARE)));
  return {
    ...keyParts,
    accounts: {
      import: (account) => keys.beforeSealing().then(() => importAccount(pool, vault, account)),
      offered: (account) => accountOffered(pool, vault, account),
      ...accountViewsIn(pool, lazyPrisma(pool, schemaOf(own.databaseUrl))),
      caller: (accountId) => callerOf(pool, accountId),
      countByState: () => countByState(pool),
      requireReauth: (lease, refused) => requireReauth(pool, lease, refused),
      pause: (accountId) => pauseAccount(pool, accountId),
      resume: (accountId) => resumeAccount(pool, accountId),
    },
    identities: identitiesIn(pool),
    grantChecks: grantChecksIn(pool),
    removal: removalIn(pool),
    resourceErasure: resourceErasureIn(pool),
    probes: probesIn(pool),
    projects: projectsIn(pool),
    collections: {
      claimDue: (query) => claimDue(pool, query),
      bringForward: (withinMs) => bringForward(pool, withinMs),
      requestSync: (accountIds, o) => requestSync(pool, accountIds, o),
      behindSince: (accountIds, since) => behindSince(pool, accountIds, since),
      requestFullSync: (collectionId) => requestFullSync(pool, collectionId),
      countHeld: () => countHeld(pool),
      heldOf: (accountId) => heldOf(pool, accountId),
    },
    lease: leasesOver(pool, own.holder, throttle),
    commitPage: (lease, commit) =>
      throttled(throttle, lease.tenant, commit, () =>
        countedCommit(rt, pool, lease, LEASE_TTL_MS, commit),
      ),
    quarantine: quarantineIn(pool),
    audit: auditIn(pool),
    watches: watchesIn(pool, ring.keyId),
    notifications: notificationsIn(pool),
    items: itemQueriesIn(pool),
    knownMessages: (accountId, ids, labelIds) => knownMessages(pool, accountId, ids, labelIds),
    mirror: mirrorIn(pool),
    addresses: addressesOver(pool),
    changes: (accountId, afterSeq, limit) => readChanges(pool, accountId, afterSeq, limit),
    feed: feedIn(pool),
    retention: retentionIn(pool),
    quota: {
      record: (accountId, spent) => recordSpent(pool, accountId, spent),
      today: () => spentToday(pool),
      day: () => spentDay(pool),
    },
    alone: (name, work) => alone(rt, pool, name, work),
    unavailable: (error) => connectionProblem(own.databaseUrl, error),
    ping: async () => void (await pool.query('SELECT 1')),
    probeWrite: () => own.probe.check().then(keys.heartbeat),
    close: () => withdrawKeys(rt, keys).then(() => closeAll(pool, own.probe, throttle)),
  };
}

async function closeAll(pool: pg.Pool, probe: WriteProbe, throttle: WriteThrottle): Promise<void> {
  await Promise.all([pool.end(), probe.close()]).finally(() => throttle.close());
}

function leasesOver(pool: pg.Pool, holder: string, throttle: WriteThrottle): Store['lease'] {
  return {
    claim: async (collectionId) => {
      const claim = await claimLease(pool, collectionId, holder, LEASE_TTL_MS);
      if (
        claim.kind === 'claimed' &&
        claim.lease.phase === 'incremental' &&
        claim.lease.notification.behind
      )
        throttle.incremental();
      return claim;
    },
    renew: (lease) => renewLease(pool, lease, LEASE_TTL_MS),
    finish: (lease, ending) => finish(pool, lease, ending),
    finishGone: (lease, reason) => finishGone(pool, lease, reason),
    park: (lease, parking) => park(pool, lease, parking),
    releaseDeadWorkers: (dead, o) => releaseDeadWorkers(pool, dead, { ...o, ttlMs: LEASE_TTL_MS }),
  };
}
