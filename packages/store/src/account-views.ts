/**
 * Reads accounts with their collections. The API reads them by SQL, because Prisma's client costs a
 * process 80 MB; commands read them by Prisma.
 */
import type pg from 'pg';
import {
  accountView,
  type AccountRow,
  type AuditRow,
  type CollectionRow,
  type WatchRow,
} from './account-view.js';
import type { AccountView } from './accounts.js';
import type { OpenPrisma } from './lazy-prisma.js';
import { arrayLiteral } from './pool.js';
import { inSnapshot, type Queryable } from './transaction.js';
import { unreadableItemsOf } from './unreadable-items.js';

/** Reads the accounts with these ids, by tenant and address; null: all. */
export type ReadViews = (ids: readonly string[] | null) => Promise<AccountView[]>;

export function viewsByPrisma(pool: pg.Pool, openPrisma: OpenPrisma): ReadViews {
  return async (ids) => {
    const prisma = await openPrisma();
    const accounts = await prisma.account.findMany({
      where: ids === null ? {} : { id: { in: [...ids] } },
      include: {
        aliases: { orderBy: { address: 'asc' } },
        collections: {
          include: { watch: true, audit: true },
          orderBy: [{ kind: 'desc' }, { externalId: 'asc' }],
        },
      },
      orderBy: [{ tenant: 'asc' }, { email: 'asc' }],
    });
    return viewsOf(pool, accounts);
  };
}

/** All of its statements read one state of the database. */
export function viewsBySql(pool: pg.Pool): ReadViews {
  return (ids) =>
    inSnapshot(pool, async (snapshot) => viewsOf(snapshot, await rowsBySql(snapshot, ids)));
}

async function viewsOf(db: Queryable, accounts: readonly AccountRow[]): Promise<AccountView[]> {
  const ids = accounts.map(({ id }) => id);
  const unreadable = await unreadableItemsOf(db, ids);
  return accounts.map((account) => accountView(account, unreadable));
}

/** A text array of the ids; null: all. */
type Chosen = string | null;

async function rowsBySql(db: Queryable, ids: readonly string[] | null): Promise<AccountRow[]> {
  const chosen = ids && arrayLiteral(ids, (id) => id);
  const [accounts, collections, audits, watches] = await Promise.all([
    accountRows(db, chosen),
    collectionRows(db, chosen),
    auditRows(db, chosen),
    watchRows(db, chosen),
  ]);
  const auditOf = new Map(audits.map((audit) => [audit.collectionId, audit]));
  const watchOf = new Map(watches.map((watch) => [watch.collectionId, watch]));
  const ofAccount = new Map<string, CollectionRow[]>(accounts.map(({ id }) => [id, []]));
  for (const { accountId, ...row } of collections)
    ofAccount.get(accountId)?.push({
      ...row,
      audit: auditOf.get(row.id) ?? null,
      watch: watchOf.get(row.id) ?? null,
    });
  return accounts.map(({ addresses, ...account }) => ({
    ...account,
    aliases: addresses.map((address) => ({ address })),
    collections: ofAccount.get(account.id) ?? [],
  }));
}

type OwnColumns = Omit<AccountRow, 'aliases' | 'collections'> & { addresses: string[] };

async function accountRows(db: Queryable, chosen: Chosen): Promise<OwnColumns[]> {
  const { rows } = await db.query<OwnColumns>({
    name: 'account-views',
    text: `SELECT id, email, tenant, project, state, resources, grant_number AS "grantNumber", token_version AS "tokenVersion", verified_grant AS "verifiedGrant",
                  reason, reason_code AS "reasonCode", identity_id AS "identityId", connect_outcome AS "connectOutcome", connect_outcome_at AS "connectOutcomeAt",
                  feed_epoch::float8 AS "feedEpoch", feed_seq::float8 AS "feedSeq", feed_oldest_seq::float8 AS "feedOldestSeq",
                  ARRAY(SELECT address FROM syncline.account_aliases WHERE account_id = a.id ORDER BY 1) AS addresses
             FROM syncline.accounts a WHERE $1::uuid[] IS NULL OR id = ANY($1::uuid[]) ORDER BY tenant, email`,
    values: [chosen],
  });
  return rows;
}

type CollectionColumns = Omit<CollectionRow, 'audit' | 'watch'> & { accountId: string };

async function collectionRows(db: Queryable, chosen: Chosen): Promise<CollectionColumns[]> {
  const { rows } = await db.query<CollectionColumns>({
    name: 'collection-views',
    text: `SELECT account_id AS "accountId", id, kind, external_id AS "externalId", state, phase, progress_done::float8 AS "progressDone", progress_total::float8 AS "progressTotal",
                  full_sync_started_at AS "fullSyncStartedAt", requested_at AS "requestedAt", notified_at AS "notifiedAt", caught_up_at AS "caughtUpAt",
                  lease_until AS "leaseUntil", lease_holder AS "leaseHolder", last_synced_at AS "lastSyncedAt", next_sync_at AS "nextSyncAt", failures, error, parked,
                  audited_at AS "auditedAt", held_since AS "heldSince", held_rows AS "heldRows", held_for AS "heldFor", held_until AS "heldUntil"
             FROM syncline.collections WHERE $1::uuid[] IS NULL OR account_id = ANY($1::uuid[]) ORDER BY kind DESC, external_id`,
    values: [chosen],
  });
  return rows;
}

async function auditRows(
  db: Queryable,
  chosen: Chosen,
): Promise<(AuditRow & { collectionId: string })[]> {
  const { rows } = await db.query<AuditRow & { collectionId: string }>({
    name: 'audit-views',
    text: `SELECT collection_id AS "collectionId", checked::float8, contents::float8, drift, begun_at AS "begunAt", checked_so_far::float8 AS "checkedSoFar", drift_so_far AS "driftSoFar"
             FROM syncline.collection_audits WHERE $1::uuid[] IS NULL OR account_id = ANY($1::uuid[])`,
    values: [chosen],
  });
  return rows;
}

async function watchRows(
  db: Queryable,
  chosen: Chosen,
): Promise<(WatchRow & { collectionId: string })[]> {
  const { rows } = await db.query<WatchRow & { collectionId: string }>({
    name: 'watch-views',
    text: `SELECT collection_id AS "collectionId", state, expires_at AS "expiresAt", due_at AS "dueAt", sync_message_at AS "syncMessageAt", silent_since AS "silentSince", error
             FROM syncline.watches WHERE $1::uuid[] IS NULL OR account_id = ANY($1::uuid[])`,
    values: [chosen],
  });
  return rows;
}
