/** The views of accounts, from their rows. Pure. */
import type { HeldSweep } from './absence.js';
import type {
  AccountState,
  AccountView,
  AuditView,
  CollectionView,
  HeldSweepView,
  WatchView,
} from './accounts.js';
import { isNever } from './collections.js';
import type { Phase } from './lease.js';
import type { WatchState } from './lease-watch.js';
import type { AccountReasonCode } from './reason-codes.js';
import type { CollectionKind, Resource } from './mirrors/resources.js';
import type { UnreadableItems } from './unreadable-items.js';

type Whole = number | bigint;

/** What a view shows of a row of `accounts`. */
export interface AccountRow {
  id: string;
  email: string;
  tenant: string;
  project: string;
  state: string;
  resources: string[];
  grantNumber: number;
  tokenVersion: number;
  verifiedGrant: number | null;
  reason: string | null;
  reasonCode: string | null;
  identityId: string | null;
  connectOutcome: string | null;
  connectOutcomeAt: Date | null;
  feedEpoch: Whole;
  feedSeq: Whole;
  feedOldestSeq: Whole;
  aliases: { address: string }[];
  collections: CollectionRow[];
}

export interface CollectionRow {
  id: string;
  kind: string;
  externalId: string;
  state: string;
  phase: string;
  progressDone: Whole;
  progressTotal: Whole | null;
  fullSyncStartedAt: Date | null;
  requestedAt: Date | null;
  notifiedAt: Date | null;
  caughtUpAt: Date | null;
  leaseUntil: Date | null;
  leaseHolder: string | null;
  lastSyncedAt: Date | null;
  nextSyncAt: Date;
  failures: number;
  error: string | null;
  parked: string | null;
  auditedAt: Date | null;
  heldSince: Date | null;
  heldRows: number | null;
  heldFor: string | null;
  heldUntil: Date | null;
  audit: AuditRow | null;
  watch: WatchRow | null;
}

export interface AuditRow {
  checked: Whole | null;
  contents: Whole | null;
  drift: number | null;
  begunAt: Date | null;
  checkedSoFar: Whole;
  driftSoFar: number;
}

export interface WatchRow {
  state: string;
  expiresAt: Date | null;
  dueAt: Date;
  syncMessageAt: Date | null;
  silentSince: Date | null;
  error: string | null;
}

/** @param unreadable the unreadable items by collection */
export function accountView(
  account: AccountRow,
  unreadable: ReadonlyMap<string, UnreadableItems>,
): AccountView {
  return {
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
    lastConnect: lastConnectOf(account),
    feed: {
      epoch: Number(account.feedEpoch),
      seq: Number(account.feedSeq),
      oldestSeq: Number(account.feedOldestSeq),
    },
    collections: account.collections.map((c) => collectionView(c, unreadable.get(c.id))),
  };
}

function lastConnectOf({
  connectOutcome: outcome,
  connectOutcomeAt: at,
}: AccountRow): AccountView['lastConnect'] {
  return outcome === null || at === null ? null : { outcome, at };
}

function collectionView(c: CollectionRow, unreadable: UnreadableItems | undefined): CollectionView {
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
    audit: auditView(c.auditedAt, c.audit),
    heldSweep: heldSweepOf(c),
    quarantined: unreadable?.quarantined ?? 0,
    unreadable: unreadable?.items ?? [],
    watch: c.watch && watchViewOf(c.watch, c.notifiedAt),
  };
}

function watchViewOf(watch: WatchRow, notifiedAt: Date | null): WatchView {
  const { state, expiresAt, dueAt, syncMessageAt, silentSince, error } = watch;
  const lastMessageMs = Math.max(notifiedAt?.getTime() ?? 0, syncMessageAt?.getTime() ?? 0);
  return {
    state: state as WatchState,
    silent: silentSince !== null && lastMessageMs < silentSince.getTime(),
    expiresAt,
    dueAt,
    lastNotifiedAt: notifiedAt,
    error,
  };
}

function heldSweepOf(c: CollectionRow): HeldSweepView | null {
  return c.heldSince === null
    ? null
    : {
        rows: c.heldRows ?? 0,
        since: c.heldSince,
        waitsFor: c.heldFor as HeldSweep['waitsFor'],
        until: c.heldUntil,
      };
}

function auditView(auditedAt: Date | null, audit: AuditRow | null): AuditView {
  if (audit === null) return { last: null, inHand: null };
  const { checked, contents, drift, begunAt, checkedSoFar, driftSoFar } = audit;
  return {
    last:
      auditedAt === null
        ? null
        : {
            at: auditedAt,
            checked: Number(checked ?? 0),
            contents: Number(contents ?? 0),
            drift: drift ?? 0,
          },
    inHand: begunAt === null ? null : { begunAt, checked: Number(checkedSoFar), drift: driftSoFar },
  };
}
