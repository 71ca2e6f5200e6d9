import type pg from 'pg';
import type { HeldSweep } from './absence.js';
import { troubleOf, type Trouble, type TroubledView } from './account-trouble.js';
import { isNever } from './collections.js';
import type { Prisma, PrismaClient } from './generated/client.js';
import type { GoogleKeys } from './identities.js';
import type { OpenPrisma } from './lazy-prisma.js';
import type { AccountGrant, Phase } from './lease.js';
import type { CollectionKind, Resource } from './mirrors/resources.js';
import { namedAccounts, type NamedAccount } from './named-accounts.js';
import type { WatchState } from './lease-watch.js';

export type AccountState = 'active' | 'reauth_required' | 'paused' | 'disabled' | 'removing';

/** The machine-readable reason why an account is not active or waits for a person. */
export type AccountReasonCode =
  /** Google refuses the grant. */
  | 'grant-refused'
  /** The stored refresh token cannot be decrypted. */
  | 'credential-unreadable'
  /** A policy of the account's organisation forbids every resource. */
  | 'policy-forbids'
  /** The grant belongs to a different Google account than the rows. */
  | 'identity-refused'
  /** It is unknown whether the grant belongs to the Google account of the rows. */
  | 'identity-unproven'
  /** The mailbox has a new address, and another account of the tenant already has this address. */
  | 'address-taken';

export interface AccountImport {
  email: string;
  refreshToken: string;
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
  troubled: TroubledView[];
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

/** Read-only views of the accounts, for display. */
export interface AccountViews {
  list(emails?: readonly string[]): Promise<AccountView[]>;
  /**
   * Returns accounts that have or had one of these addresses, without the details that take longer
   * to read.
   */
  named(emails: readonly string[]): Promise<NamedAccount[]>;
  /** Returns pages sorted by tenant and address, for long lists. */
  pages(filter?: AccountFilter): AsyncGenerator<AccountView[]>;
}

export function accountViewsIn(pool: pg.Pool, openPrisma: OpenPrisma): AccountViews {
  return {
    list: (emails) => listAccounts(pool, openPrisma, emails),
    named: (emails) => namedAccounts(pool, emails),
    pages: (filter = {}) => accountPages(openPrisma, filter),
  };
}

/**
 * Returns every account with its collections, or the accounts that have or had one of these
 * addresses, case-insensitively and in any tenant. Keeps all of them in memory; `accountPages` does
 * not.
 */
async function listAccounts(
  pool: pg.Pool,
  openPrisma: OpenPrisma,
  emails?: readonly string[],
): Promise<AccountView[]> {
  const named = emails && (await namedAccounts(pool, emails)).map(({ id }) => id);
  return viewsOf(await openPrisma(), named ? { id: { in: named } } : {});
}

/** Selects the listed accounts. An omitted field does not restrict the list. */
export interface AccountFilter {
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
  openPrisma: OpenPrisma,
  { tenant, state, limit = Number.POSITIVE_INFINITY }: AccountFilter,
): AsyncGenerator<AccountView[]> {
  const prisma = await openPrisma();
  let after: AccountKey = { id: '', tenant: '', email: '' };
  for (let left = limit; left > 0;) {
    const pageSize = Math.min(left, ACCOUNTS_A_PAGE);
    const keys = await keysAfter(prisma, { tenant, state }, after, pageSize);
    const last = keys.at(-1);
    if (last === undefined) return;
    const page = await viewsOf(prisma, { id: { in: keys.map(({ id }) => id) } });
    if (page.length > 0) yield page;
    if (keys.length < pageSize) return;
    left -= keys.length;
    after = last;
  }
}

type AccountKey = Pick<AccountView, 'id' | 'tenant' | 'email'>;

async function keysAfter(
  prisma: PrismaClient,
  { tenant, state }: Pick<AccountFilter, 'tenant' | 'state'>,
  after: AccountKey,
  limit: number,
): Promise<AccountKey[]> {
  return prisma.$queryRaw<AccountKey[]>`
    SELECT id, tenant, email FROM syncline.accounts
     WHERE (tenant, email) > (${after.tenant}, ${after.email})
       AND (${tenant ?? null}::text IS NULL OR tenant = ${tenant ?? null})
       AND (${state ?? null}::text IS NULL OR state = ${state ?? null})
     ORDER BY tenant, email LIMIT ${limit}`;
}

async function viewsOf(
  prisma: PrismaClient,
  where: { id?: { in: string[] } },
): Promise<AccountView[]> {
  const accounts = await prisma.account.findMany({
    where,
    include: {
      aliases: { orderBy: { address: 'asc' } },
      collections: { include: { watch: true }, orderBy: [{ kind: 'desc' }, { externalId: 'asc' }] },
    },
    orderBy: [{ tenant: 'asc' }, { email: 'asc' }],
  });
  const trouble = await troubleOf(
    prisma,
    accounts.map(({ id }) => id),
  );
  return accounts.map((account) => ({
    id: account.id,
    email: account.email,
    tenant: account.tenant,
    project: account.project,
    state: account.state as AccountState,
    resources: account.resources as Resource[],
    grant: {
      number: account.grantNumber,
      version: account.tokenVersion,
      verified: account.verifiedGrant === account.grantNumber,
      identityId: account.identityId,
      // Counting running calls is cheap, and another account may be bound at any time.
      shared: account.identityId !== null,
    },
    reason: account.reason,
    reasonCode: account.reasonCode as AccountReasonCode | null,
    aliases: account.aliases.map(({ address }) => address),
    identityId: account.identityId,
    feed: {
      epoch: Number(account.feedEpoch),
      seq: Number(account.feedSeq),
      oldestSeq: Number(account.feedOldestSeq),
    },
    collections: account.collections.map((c) => collectionView(c, trouble.get(c.id))),
  }));
}

function collectionView(
  c: Prisma.CollectionGetPayload<{ include: { watch: true } }>,
  trouble: Trouble | undefined,
): CollectionView {
  return {
    id: c.id,
    kind: c.kind as CollectionKind,
    externalId: c.externalId,
    state: c.state,
    phase: c.phase as Phase,
    progress: {
      done: Number(c.progressDone),
      total: c.progressTotal === null ? null : Number(c.progressTotal),
    },
    fullSyncStartedAt: c.fullSyncStartedAt,
    requestedAt: c.requestedAt,
    caughtUpAt: c.caughtUpAt,
    leaseUntil: c.leaseUntil,
    leaseHolder: c.leaseHolder,
    lastSyncedAt: c.lastSyncedAt,
    nextSyncAt: isNever(c.nextSyncAt) ? null : c.nextSyncAt,
    failures: c.failures,
    error: c.error,
    parked: c.parked,
    audit: auditView(c),
    heldSweep: heldSweepOf(c),
    quarantined: trouble?.quarantined ?? 0,
    troubled: trouble?.items ?? [],
    watch: c.watch && watchViewOf(c.watch, c.notifiedAt),
  };
}

function watchViewOf(
  watch: {
    state: string;
    expiresAt: Date | null;
    dueAt: Date;
    heardAt: Date | null;
    silentSince: Date | null;
    error: string | null;
  },
  notifiedAt: Date | null,
): WatchView {
  const { state, expiresAt, dueAt, heardAt, silentSince, error } = watch;
  const heardMs = Math.max(notifiedAt?.getTime() ?? 0, heardAt?.getTime() ?? 0);
  return {
    state: state as WatchState,
    silent: silentSince !== null && heardMs < silentSince.getTime(),
    expiresAt,
    dueAt,
    lastNotifiedAt: notifiedAt,
    error,
  };
}

function heldSweepOf(c: {
  heldSince: Date | null;
  heldRows: number | null;
  heldFor: string | null;
  heldUntil: Date | null;
}): HeldSweepView | null {
  return c.heldSince === null
    ? null
    : {
        rows: c.heldRows ?? 0,
        since: c.heldSince,
        waitsFor: c.heldFor as HeldSweep['waitsFor'],
        until: c.heldUntil,
      };
}

interface AuditColumns {
  auditedAt: Date | null;
  auditChecked: bigint | null;
  auditContents: bigint | null;
  auditDrift: number | null;
  auditBegunAt: Date | null;
  auditSoFar: bigint;
  auditDriftSoFar: number;
}

function auditView(c: AuditColumns): AuditView {
  return {
    last:
      c.auditedAt === null
        ? null
        : {
            at: c.auditedAt,
            checked: Number(c.auditChecked ?? 0),
            contents: Number(c.auditContents ?? 0),
            drift: c.auditDrift ?? 0,
          },
    inHand:
      c.auditBegunAt === null
        ? null
        : { begunAt: c.auditBegunAt, checked: Number(c.auditSoFar), drift: c.auditDriftSoFar },
  };
}

export async function countByState(pool: pg.Pool): Promise<Record<AccountState, number>> {
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
