import { waitForServers, type Explain, type Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { accountEventsIn, type AccountEvents } from './account-events.js';
import { accountLookupIn, type AccountLookup } from './account-lookup.js';
import { viewsByPrisma } from './account-views.js';
import { accountReadsIn, type AccountImport, type AccountReads } from './accounts.js';
import { alone, type Alone, type NamedLease } from './alone.js';
import { apiKeysIn, type ApiKeys } from './api-keys.js';
import { auditIn, type Audit } from './audit.js';
import { connectSessionsIn, type ConnectSessions } from './connect-sessions.js';
import { credentialsIn, withdrawKeys, type Credentials } from './credentials.js';
import { connectionProblem } from './database-errors.js';
import { figuresIn, type Figures } from './figures/figures.js';
import { distributionIn, type Distribution } from './feed-distribution.js';
import { feedLogIn, type FeedLog } from './feed-log.js';
import { resourceErasureIn, type ResourceErasure } from './erase-resource.js';
import { feedIn, type Feed } from './feed.js';
import { itemQueriesIn, type ItemQueries } from './full-sync-queries.js';
import { grantChecksIn, type GrantChecks } from './grant-checks.js';
import type { WriteProbe } from './health-probe.js';
import { identitiesIn, type Identities } from './identities.js';
import { accountOffered, importAccount, type OfferedTo } from './import-account.js';
import { idempotencyIn, type Idempotency } from './idempotency.js';
import type { KeyRing } from './key-ring.js';
import { lazyPrisma } from './lazy-prisma.js';
import { callerOf, type AccountGrant } from './lease.js';
import { leasesIn, type Leases } from './leases.js';
import {
  addressesOver,
  mirrorIn,
  readsIn,
  type Addresses,
  type Mirror,
  type Reads,
} from './mirrors/index.js';
import { notificationsIn, type Notifications } from './notifications.js';
import { operationsIn, type Operations } from './operations.js';
import { processesIn, type Processes } from './processes.js';
import { projectsIn, type Projects } from './project-failures.js';
import { quarantineIn, type Quarantine } from './quarantine.js';
import {
  recordSpent,
  spentDay,
  spentToday,
  spentTodayOf,
  type SpentDay,
  type SpentToday,
  type SpentUnits,
} from './quota-ledger.js';
import { probesIn, type Probes } from './refusals.js';
import { pauseAccount, removalIn, resumeAccount, type Removal } from './removal.js';
import { retentionIn, type Retention } from './retention.js';
import { freshScheduleIn, type FreshSchedule } from './fresh-reads.js';
import { scheduleIn, type Schedule } from './schedule.js';
import { schemaOf } from './schema-name.js';
import { watchesIn, type Watches } from './watches.js';

/**
 * All access to Postgres, grouped by use. A function takes the groups that it uses as its
 * dependency.
 */
export interface Store extends Credentials {
  leases: Leases;
  schedule: Schedule;
  fresh: FreshSchedule;
  mirror: Mirror;
  reads: Reads;
  feed: Feed;
  feedLog: FeedLog;
  distribution: Distribution;
  /** The figures of the fleet. */
  figures: Figures;
  processes: Processes;
  accounts: Accounts;
  events: AccountEvents;
  identities: Identities;
  grantChecks: GrantChecks;
  removal: Removal;
  resourceErasure: ResourceErasure;
  probes: Probes;
  projects: Projects;
  quarantine: Quarantine;
  audit: Audit;
  watches: Watches;
  notifications: Notifications;
  items: ItemQueries;
  addresses: Addresses;
  retention: Retention;
  apiKeys: ApiKeys;
  connectSessions: ConnectSessions;
  idempotency: Idempotency;
  operations: Operations;
  quota: QuotaLedger;
  /**
   * Announces this process's keys to the other processes of its deployment. Waits up to
   * `rt.serverWaitMs` for an unavailable Postgres.
   * @returns the name of the deployment, `Feed.name`
   * @throws OperatorError when Postgres stays unavailable
   */
  join(service: string): Promise<string>;
  /**
   * Does `work` unless a process already works under that name.
   * @throws NamedLeaseLost
   */
  alone<T>(name: string, work: (lease: NamedLease) => Promise<T>): Promise<Alone<T>>;
  /** Explains connection errors for `waitForServers`. */
  unavailable: Explain;
  ping(): Promise<void>;
  /**
   * Writes a row on a separate session, and repeats the announcement of this process's keys.
   * Rejects when Postgres is unavailable or read-only, or refuses the write.
   */
  probeWrite(): Promise<void>;
  close(): Promise<void>;
}

interface Accounts extends AccountReads, AccountLookup {
  import(account: AccountImport): Promise<{ id: string; created: boolean }>;
  /** Returns the account that `import` would renew; null when it would connect a new one. */
  offered(account: AccountImport): Promise<OfferedTo | null>;
  /** Returns the project and the grant for calls to Google; null when there is no such account. */
  caller(accountId: string): Promise<{ project: string; grant: AccountGrant } | null>;
  /** @returns false when the account's state does not allow it */
  pause(accountId: string): Promise<boolean>;
  /** @returns false when the account's state does not allow it */
  resume(accountId: string): Promise<boolean>;
}

interface QuotaLedger {
  record(accountId: string, spent: readonly SpentUnits[]): Promise<void>;
  today(): Promise<SpentToday[]>;
  /** Returns the usage of one account on Google's current day, by method. */
  todayOf(accountId: string): Promise<SpentUnits[]>;
  day(): Promise<SpentDay>;
}

interface Own {
  databaseUrl: string;
  ring: KeyRing;
  /** The name of this process in leases. */
  holder: string;
  probe: WriteProbe;
}

function quotaLedgerIn(pool: pg.Pool): QuotaLedger {
  return {
    record: (accountId, spent) => recordSpent(pool, accountId, spent),
    today: () => spentToday(pool),
    todayOf: (accountId) => spentTodayOf(pool, accountId),
    day: () => spentDay(pool),
  };
}

export function storeOver(
  rt: Runtime,
  pool: pg.Pool,
  { databaseUrl, ring, holder, probe }: Own,
): Store {
  const credentials = credentialsIn(rt, pool, probe, { ring, holder });
  const { vault, keys } = credentials;
  const feeds = feedsIn(rt, pool);
  const readViews = viewsByPrisma(pool, lazyPrisma(pool, schemaOf(databaseUrl)));
  const processes = processesIn(probe, `${holder}-${rt.random.uuid()}`, rt.clock.now());
  const unavailable: Explain = (error) => connectionProblem(databaseUrl, error);
  return {
    ...credentials,
    leases: leasesIn(rt, pool, holder),
    schedule: scheduleIn(pool),
    fresh: freshScheduleIn(pool),
    mirror: mirrorIn(pool),
    reads: readsIn(rt.clock, pool),
    ...feeds,
    accounts: {
      ...accountReadsIn(pool, readViews),
      ...accountLookupIn(pool, readViews),
      import: (account) => keys.beforeSealing().then(() => importAccount(pool, vault, account)),
      offered: (account) => accountOffered(pool, vault, account),
      caller: (accountId) => callerOf(pool, accountId),
      pause: (accountId) => pauseAccount(pool, accountId),
      resume: (accountId) => resumeAccount(pool, accountId),
    },
    identities: identitiesIn(pool),
    grantChecks: grantChecksIn(pool),
    removal: removalIn(pool),
    resourceErasure: resourceErasureIn(pool),
    probes: probesIn(pool),
    projects: projectsIn(pool),
    figures: figuresIn(rt, pool),
    processes,
    quarantine: quarantineIn(pool),
    audit: auditIn(pool),
    watches: watchesIn(pool, ring.keyId),
    notifications: notificationsIn(pool),
    items: itemQueriesIn(pool),
    addresses: addressesOver(pool),
    retention: retentionIn(pool),
    ...requestsIn(pool, vault),
    events: accountEventsIn(pool),
    quota: quotaLedgerIn(pool),
    join: (service) =>
      waitForServers(rt, () => keys.announce(service).then(() => feeds.feed.name()), [unavailable]),
    alone: (name, work) => alone(rt, pool, name, work),
    unavailable,
    ping: async () => void (await pool.query('SELECT 1')),
    probeWrite: () => probe.check().then(keys.heartbeat),
    close: async () => {
      await withdrawKeys(rt, keys, processes);
      await Promise.all([pool.end(), probe.close()]);
    },
  };
}

/** What requests of the HTTP API need. */
function requestsIn(
  pool: pg.Pool,
  vault: Store['vault'],
): Pick<Store, 'apiKeys' | 'connectSessions' | 'idempotency' | 'operations'> {
  return {
    apiKeys: apiKeysIn(pool),
    connectSessions: connectSessionsIn(pool, vault),
    idempotency: idempotencyIn(pool),
    operations: operationsIn(pool),
  };
}

function feedsIn(rt: Runtime, pool: pg.Pool): Pick<Store, 'feed' | 'feedLog' | 'distribution'> {
  return {
    feed: feedIn(rt, pool),
    feedLog: feedLogIn(pool),
    distribution: distributionIn(pool),
  };
}
