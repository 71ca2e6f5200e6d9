import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { readingBy } from './api-store.js';
import { openCheckedPool } from './checked-pool.js';
import type { KeyOptions } from './credentials.js';
import { openWriteProbe } from './health-probe.js';
import { openKeyRing } from './key-ring.js';
import { openReadPool, type ReadPoolOptions } from './read-pool.js';
import { storeOver, type Store } from './store.js';

export type { AccountLookup } from './account-lookup.js';
export type { AccountEvent, AccountEventKind } from './account-events.js';
export type { AccountImport, AccountReads, AccountView, CollectionView } from './accounts.js';
export type { LeaseHolder } from './alone.js';
export { withActor } from './actor.js';
export type { ApiKeyRow, ApiKeys } from './api-keys.js';
export { FeedPruned, type ChangeEvent } from './changes.js';
export type { Committed, PageCommit } from './commit-page.js';
export type { ConnectSessionRow, ConnectSessions } from './connect-sessions.js';
export type { Credentials } from './credentials.js';
export type { DelegationOrder, DelegationView } from './delegations.js';
export { dropDatabase } from './drop-database.js';
export type { Feed, FeedEnd, FeedPlace } from './feed.js';
export type { FeedLog, LogRange, LogState, RangeEvents } from './feed-log.js';
export type { FleetFigures } from './figures/types.js';
export type { FreshState, FreshSchedule, RequestedCollection } from './fresh-reads.js';
export type { KnownIdentity } from './grant-checks.js';
export { AccountBeingRemoved, ResourceBeingErased } from './import-account.js';
export { LeaseLost, type Lease } from './lease.js';
export type { Leases } from './leases.js';
export { migrate } from './migrate.js';
export type { Mirror, Reads } from './mirrors/index.js';
export type { CollectionsRead, ReadFrame, ReadPage } from './mirrors/snapshot.js';
export * from './mirrors/public.js';
export {
  DEFAULT_RESOURCES,
  scopesOf,
  RESOURCE_NAMES,
  resourceOf,
  type CollectionKind,
  type Resource,
} from './mirrors/resources.js';
export type { NamedAccount } from './named-accounts.js';
export type { OperationRow, Operations } from './operations.js';
export { runHeartbeat } from './process-heartbeat.js';
export type { ProcessLoad } from './processes.js';
export type { QuarantinedItem, FailedItem } from './quarantine.js';
export type { SpentToday } from './quota-ledger.js';
export { iterateWithRowAccess, withRowAccess, type RowAccess } from './row-access.js';
export type { CollectionReasonCode, ParkCause } from './reason-codes.js';
export type { Schedule } from './schedule.js';
export { fleetSessionsProblem, POOL_SIZES } from './sessions.js';
export type { Store } from './store.js';
export type { HeldWatch } from './watches.js';

interface StoreOptions extends KeyOptions {
  databaseUrl: string;
  /** Maximum number of sessions. */
  poolSize?: number;
  /**
   * Whether statements find rows by index regardless of the size of a table when they were planned.
   * For workers; default false.
   */
  byIndex?: boolean;
  /** The name of this process in leases. */
  holder?: string;
}

/**
 * Connects to Postgres and checks the server, the schema and the master key. Waits for an
 * unavailable server for up to `rt.serverWaitMs`.
 * @throws OperatorError when the server stays unavailable, the schema is older than this program,
 * or the master key is not the one that sealed the stored values
 */
export async function openStore(rt: Runtime, options: StoreOptions): Promise<Store> {
  return (await open(rt, options)).store;
}

/**
 * Opens the store of an API process, which reads for its clients by a pool, and maybe a role, of
 * its own. These reads work within `withRowAccess` only.
 * @throws OperatorError as `openStore`, and when the role lacks a right or is not restricted
 */
export async function openApiStore(
  rt: Runtime,
  { reads, ...options }: StoreOptions & { reads: ReadPoolOptions },
): Promise<Store> {
  const { store, ...main } = await open(rt, options);
  try {
    return readingBy(rt, store, await openReadPool(rt, main, reads));
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function open(
  rt: Runtime,
  options: StoreOptions,
): Promise<{ store: Store; pool: pg.Pool; databaseUrl: string }> {
  const ring = openKeyRing({ current: options.masterKey, old: options.oldMasterKey ?? null });
  const { pool, databaseUrl } = await openCheckedPool(rt, options, ring);
  const store = storeOver(rt, pool, {
    databaseUrl,
    ring,
    holder: options.holder ?? `${process.pid}-${rt.random.uuid().slice(0, 8)}`,
    probe: openWriteProbe(databaseUrl, () => rt.random.next()),
  });
  return { store, pool, databaseUrl };
}
