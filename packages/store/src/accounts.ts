import type pg from 'pg';
import { countHeldSweeps, heldSweepsOf, type HeldCollection, type HeldSweep } from './absence.js';
import type { ReadViews } from './account-views.js';
import type { GoogleKeys } from './identities.js';
import type { AccountGrant, Phase } from './lease.js';
import type { CollectionKind, Resource } from './mirrors/resources.js';
import { namedAccounts, type NamedAccount } from './named-accounts.js';
import type { AccountReasonCode } from './reason-codes.js';
import type { WatchState } from './lease-watch.js';
import type { UnreadableItemView } from './unreadable-items.js';

export type AccountState = 'active' | 'reauth_required' | 'paused' | 'disabled' | 'removing';

export interface AccountImport {
  email: string;
  /** Null for an account with a delegation. */
  refreshToken: string | null;
  /** The name of the tenant's delegation by which a service account acts for the account. */
  delegation?: string;
  tenant: string;
  /**
   * When omitted, an existing account keeps its resources, and a new one gets Gmail and Calendar.
   */
  resources?: Resource[];
  /**
   * The Google project whose client the token was issued to. When omitted, an existing account
   * keeps its project, and a new one gets `default`.
   */
  project?: string;
  /**
   * The verified owner of the grant, which is the account's own. When omitted, the owner is checked
   * before the grant is used.
   */
  owner?: GoogleKeys;
  /** Whether the address is an alias of another account and belongs to another person. */
  isAnotherPerson?: boolean;
}

export interface AccountView {
  id: string;
  email: string;
  tenant: string;
  /** Name of the account's Google project. */
  project: string;
  state: AccountState;
  /** The mirrored resources of the account. */
  resources: Resource[];
  /** The grant for calls to Google; calls are counted under its identity. */
  grant: AccountGrant;
  reason: string | null;
  reasonCode: AccountReasonCode | null;
  /** Former addresses of the account, in lower case. */
  aliases: string[];
  /** Null until a grant of the account was checked. Accounts of one Google account share the id. */
  identityId: string | null;
  /** How the last connect session about it went; null: there was none. */
  lastConnect: { outcome: string; at: Date } | null;
  /** Position of the account's change feed: the epoch, the last assigned number and the oldest kept. */
  feed: { epoch: number; seq: number; oldestSeq: number };
  collections: CollectionView[];
}

/** The results of audits. Nothing more is claimed about the collection. */
export interface AuditView {
  /**
   * The last complete audit: the number of compared items, how many of them were also compared by
   * content, and how many differed. Null when there was none.
   */
  last: { at: Date; checked: number; contents: number; drift: number } | null;
  /** The current audit: the number of items listed so far, and how many of them differed. */
  inHand: { begunAt: Date; checked: number; drift: number } | null;
}

/** A sweep that waits for evidence. */
export interface HeldSweepView {
  /** Number of rows; for a calendar list including the events. */
  rows: number;
  since: Date;
  waitsFor: HeldSweep['waitsFor'];
  /** Earliest start of that listing. */
  until: Date | null;
}

export interface CollectionView {
  id: string;
  kind: CollectionKind;
  externalId: string;
  state: string;
  phase: Phase;
  progress: { done: number; total: number | null };
  fullSyncStartedAt: Date | null;
  requestedAt: Date | null;
  caughtUpAt: Date | null;
  leaseUntil: Date | null;
  leaseHolder: string | null;
  lastSyncedAt: Date | null;
  nextSyncAt: Date | null;
  failures: number;
  error: string | null;
  /**
   * The reason why the collection is parked although its account is active. `error` has the
   * description.
   */
  parked: string | null;
  audit: AuditView;
  /**
   * Rows that a full listing lacked and that stay until another listing; null when there are none.
   */
  heldSweep: HeldSweepView | null;
  /** Number of items in quarantine. */
  quarantined: number;
  /**
   * The newest items in quarantine, and those that are still being retried: at most twenty of each.
   */
  unreadable: UnreadableItemView[];
  /** Null when no watch of the collection has been requested. */
  watch: WatchView | null;
}

export interface WatchView {
  state: WatchState;
  /**
   * Whether a sync found a change without a notification, and no notification has arrived since.
   */
  silent: boolean;
  expiresAt: Date | null;
  /** Time of the next renewal or retry. */
  dueAt: Date;
  lastNotifiedAt: Date | null;
  error: string | null;
}

/** What commands and metrics read of the accounts. */
export interface AccountReads {
  list(emails?: readonly string[]): Promise<AccountView[]>;
  /**
   * Returns accounts that have or had one of these addresses, without the details that take longer
   * to read.
   */
  named(emails: readonly string[]): Promise<NamedAccount[]>;
  /** Returns pages sorted by tenant and address, for long lists. */
  pages(filter?: AccountFilter): AsyncGenerator<AccountView[]>;
  countByState(): Promise<Record<AccountState, number>>;
  /** Returns the account's collections with a sweep that waits for evidence. */
  heldSweeps(accountId: string): Promise<HeldCollection[]>;
  /** Counts the collections with such a sweep. */
  countHeldSweeps(): Promise<Record<CollectionKind, number>>;
}

/** @param readViews reads the accounts with these ids; null: all */
export function accountReadsIn(pool: pg.Pool, readViews: ReadViews): AccountReads {
  return {
    list: (emails) => listAccounts(pool, readViews, emails),
    named: (emails) => namedAccounts(pool, emails),
    pages: (filter = {}) => accountPages(pool, readViews, filter),
    countByState: () => countByState(pool),
    heldSweeps: (accountId) => heldSweepsOf(pool, accountId),
    countHeldSweeps: () => countHeldSweeps(pool),
  };
}

/**
 * Returns every account with its collections, or the accounts that have or had one of these
 * addresses, case-insensitively and in any tenant. Keeps all of them in memory; `accountPages` does
 * not.
 */
async function listAccounts(
  pool: pg.Pool,
  readViews: ReadViews,
  emails?: readonly string[],
): Promise<AccountView[]> {
  const named = emails && (await namedAccounts(pool, emails)).map(({ id }) => id);
  return readViews(named ?? null);
}

/** Selects the listed accounts. An omitted field does not restrict the list. */
interface AccountFilter {
  tenant?: string;
  state?: AccountState;
  /** Maximum number of accounts. */
  limit?: number;
}

/** Small enough that a page with its collections takes a few megabytes. */
const ACCOUNTS_A_PAGE = 250;

/**
 * Returns the accounts of `filter` by tenant and address, in pages of at most `ACCOUNTS_A_PAGE`, so
 * that memory is bounded for any number of accounts. Each page is read when it is requested. An
 * account that is added or removed meanwhile may be included or not; this never causes another
 * account to be left out.
 */
async function* accountPages(
  pool: pg.Pool,
  readViews: ReadViews,
  { tenant, state, limit = Number.POSITIVE_INFINITY }: AccountFilter,
): AsyncGenerator<AccountView[]> {
  let after: AccountKey = { id: '', tenant: '', email: '' };
  for (let left = limit; left > 0;) {
    const pageSize = Math.min(left, ACCOUNTS_A_PAGE);
    const keys = await keysAfter(pool, { tenant, state }, after, pageSize);
    const last = keys.at(-1);
    if (last === undefined) return;
    const page = await readViews(keys.map(({ id }) => id));
    if (page.length > 0) yield page;
    if (keys.length < pageSize) return;
    left -= keys.length;
    after = last;
  }
}

type AccountKey = Pick<AccountView, 'id' | 'tenant' | 'email'>;

async function keysAfter(
  pool: pg.Pool,
  { tenant, state }: Pick<AccountFilter, 'tenant' | 'state'>,
  after: AccountKey,
  limit: number,
): Promise<AccountKey[]> {
  const { rows } = await pool.query<AccountKey>(
    `SELECT id, tenant, email FROM syncline.accounts
      WHERE (tenant, email) > ($1, $2) AND ($3::text IS NULL OR tenant = $3) AND ($4::text IS NULL OR state = $4)
      ORDER BY tenant, email LIMIT $5`,
    [after.tenant, after.email, tenant ?? null, state ?? null, limit],
  );
  return rows;
}

async function countByState(pool: pg.Pool): Promise<Record<AccountState, number>> {
  const counts: Record<AccountState, number> = {
    active: 0,
    reauth_required: 0,
    paused: 0,
    disabled: 0,
    removing: 0,
  };
  const rows = await pool.query<{ state: AccountState; accounts: string }>(
    'SELECT state, count(*) AS accounts FROM syncline.accounts GROUP BY state',
  );
  for (const row of rows.rows) counts[row.state] = Number(row.accounts);
  return counts;
}
