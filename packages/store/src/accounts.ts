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

/** Why an account is not active, or waits for a person, as programs read it. */
export type AccountReasonCode =
  /** Google refuses the grant. */
  | 'grant-refused'
  /** The stored refresh token does not open. */
  | 'credential-unreadable'
  /** Policy of the account's organisation forbids every resource. */
  | 'policy-forbids'
  /** The grant belongs to another Google account than the rows. */
  | 'identity-refused'
  /** Nothing tells whether the grant belongs to the Google account that the rows are of. */
  | 'identity-unproven'
  /** The mailbox has another address by now, which another account of the tenant has. */
  | 'address-taken';

export interface AccountImport {
  email: string;
  refreshToken: string;
  tenant: string;
  /** Left out, a known account keeps what it has, and a new one gets Gmail and Calendar. */
  resources?: Resource[];
  /** The Google project whose client the token was issued to; left out, a known account keeps its own and a new one gets `default`. */
  project?: string;
  /**
   * Whose grant it was found to be, of an account that it belongs to. Left out, it is checked
   * before it is used.
   */
  owner?: GoogleKeys;
  /** The address is another account's alias, and this is another person. */
  isAnotherPerson?: boolean;
}

export interface AccountView {
  id: string;
  email: string;
  tenant: string;
  /** Name of the Google project that it belongs to. */
  project: string;
  state: AccountState;
  /** What is mirrored of it. */
  resources: Resource[];
  /** How its calls to Google are made, and counted. */
  grant: AccountGrant;
  reason: string | null;
  reasonCode: AccountReasonCode | null;
  /** Addresses that it had before, in lower case. */
  aliases: string[];
  /** Null until a grant of it was checked; accounts of one Google account share it. */
  identityId: string | null;
  /** Where its change feed is: the epoch, and the last number given out. */
  feed: { epoch: number; seq: number };
  collections: CollectionView[];
}

/** What audits looked at: nothing more may be said of it than that. */
export interface AuditView {
  /** The last one that looked at everything it should: items compared, of how many the content as well, and how many differed. Null when there was none. */
  last: { at: Date; checked: number; contents: number; drift: number } | null;
  /** The one in hand: items listed so far, and how many of them differed. */
  inHand: { begunAt: Date; checked: number; drift: number } | null;
}

/** A sweep that waits for evidence. */
export interface HeldSweepView {
  /** Of a calendar list with their events. */
  rows: number;
  since: Date;
  waitsFor: HeldSweep['waitsFor'];
  /** When that listing begins at the earliest. */
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
  /** Why it rests although its account is active; `error` has the words. */
  parked: string | null;
  audit: AuditView;
  /**
   * Rows that a full listing lacked, and that stay until another listing; null when there are none.
   */
  heldSweep: HeldSweepView | null;
  /** Items set aside because they cannot be taken. */
  quarantined: number;
  /** The newest of them, and those that are still being tried: twenty of each at most. */
  troubled: TroubledView[];
  /** Null when nobody has requested a watch of it. */
  watch: WatchView | null;
}

export interface WatchView {
  state: WatchState;
  /** A sync found what no notification had announced, and nothing was heard since. */
  silent: boolean;
  expiresAt: Date | null;
  /** When it is renewed, or tried again. */
  dueAt: Date;
  lastNotifiedAt: Date | null;
  error: string | null;
}

/** The accounts as people see them. */
export interface AccountViews {
  list(emails?: readonly string[]): Promise<AccountView[]>;
  /** Those that have or had one of these addresses, without what takes longer to read. */
  named(emails: readonly string[]): Promise<NamedAccount[]>;
  /** In pages by tenant and address: for lists that may be long. */
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
 * Every account with its collections, or those that have or had one of these addresses, without
 * case (any tenant). Holds all of them in memory; `accountPages` does not.
 */
async function listAccounts(
  pool: pg.Pool,
  openPrisma: OpenPrisma,
  emails?: readonly string[],
): Promise<AccountView[]> {
  const named = emails && (await namedAccounts(pool, emails)).map(({ id }) => id);
  return viewsOf(await openPrisma(), named ? { id: { in: named } } : {});
}

/** Which accounts are listed; what is left out does not restrict. */
export interface AccountFilter {
  tenant?: string;
  state?: AccountState;
  /** No more than this many. */
  limit?: number;
}

/** Few enough that a page with its collections takes a few megabytes. */
const ACCOUNTS_A_PAGE = 250;

/**
 * The accounts of `filter` by tenant and address, in pages of at most `ACCOUNTS_A_PAGE`, so that
 * memory stays bounded however many there are. Each page is read when it is asked for: an account
 * that is added or removed meanwhile may or may not be in it, and no other is left out for that.
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
      // Noting calls in flight costs little, and another account may be bound at any time.
      shared: account.identityId !== null,
    },
    reason: account.reason,
    reasonCode: account.reasonCode as AccountReasonCode | null,
    aliases: account.aliases.map(({ address }) => address),
    identityId: account.identityId,
    feed: { epoch: Number(account.feedEpoch), seq: Number(account.feedSeq) },
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
