import type pg from 'pg';
import { ACCOUNT_TABLES, type AccountTable } from './account-tables.js';
import { appendChanges } from './changes.js';
import { lockCollections, NEVER } from './collections.js';
import { collectionsOf, type Resource } from './mirrors/resources.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * Removes a resource from an account: its collections stop, and its rows are deleted page by page.
 * Each page is written with its change events, so that a list combined with the feed stays correct.
 * `accounts.erasing` is the only record of the erasure. Any worker that finds a resource there
 * continues, wherever an earlier worker was killed.
 */

export interface ResourceErasure {
  /**
   * Stops the resource's collections.
   * @returns false when the account does not have the resource, has no other resource, or is being
   * removed
   */
  begin(accountId: string, resource: Resource): Promise<boolean>;
  /** Returns the ids of its remaining collections. */
  collections(accountId: string, resource: Resource): Promise<string[]>;
  /**
   * Erases a page.
   * @returns the number of rows, and whether nothing is left
   */
  eraseSome(accountId: string, resource: Resource): Promise<{ erased: number; done: boolean }>;
  /** Returns erasures without progress for `idleMs`. */
  abandoned(idleMs: number, limit: number): Promise<{ accountId: string; resource: Resource }[]>;
}

export function resourceErasureIn(pool: pg.Pool): ResourceErasure {
  return {
    begin: (accountId, resource) => begin(pool, accountId, resource),
    collections: async (accountId, resource) =>
      (
        await pool.query<{ id: string }>(
          `SELECT id FROM syncline.collections c WHERE account_id = $1 AND ${collectionsOf(resource)}`,
          [accountId],
        )
      ).rows.map(({ id }) => id),
    eraseSome: (accountId, resource) => eraseSome(pool, accountId, resource),
    abandoned: (idleMs, limit) => abandoned(pool, idleMs, limit),
  };
}

/**
 * Maximum number of rows that one transaction erases, so that the feed's lock is held only briefly.
 */
const ERASE_PAGE = 1_000;

async function begin(pool: pg.Pool, accountId: string, resource: Resource): Promise<boolean> {
  return inTransaction(pool, async (session) => {
    await lockCollections(session, accountId);
    const begun = await session.query(
      `UPDATE syncline.accounts SET resources = array_remove(resources, $2), erasing = array_append(array_remove(coalesce(erasing, '{}'), $2), $2), updated_at = now()
        WHERE id = $1 AND state <> 'removing' AND ((resources @> ARRAY[$2] AND cardinality(resources) > 1) OR $2 = ANY(erasing))`,
      [accountId, resource],
    );
    if (begun.rowCount !== 1) return false;
    await session.query(
      `UPDATE syncline.collections c SET state = 'removing', lease_epoch = lease_epoch + 1, open_runs = 0, lease_until = NULL, next_sync_at = ${NEVER}, error = NULL, parked = NULL, reason_code = NULL, promised_at = NULL
        WHERE account_id = $1 AND ${collectionsOf(resource)}`,
      [accountId],
    );
    await session.query(
      `UPDATE syncline.watches w SET epoch = w.epoch + 1 FROM syncline.collections c WHERE c.id = w.collection_id AND c.account_id = $1 AND ${collectionsOf(resource)}`,
      [accountId],
    );
    return true;
  });
}

async function eraseSome(
  pool: pg.Pool,
  accountId: string,
  resource: Resource,
): Promise<{ erased: number; done: boolean }> {
  for (const table of ACCOUNT_TABLES) {
    const erased = await inTransaction(pool, (session) =>
      erasePage(session, accountId, resource, table),
    );
    if (erased > 0) return { erased, done: false };
  }
  return inTransaction(pool, async (session) => {
    const gone = await session.query(
      `DELETE FROM syncline.collections c WHERE account_id = $1 AND ${collectionsOf(resource)}`,
      [accountId],
    );
    await session.query(
      'UPDATE syncline.accounts SET erasing = array_remove(erasing, $2), updated_at = now() WHERE id = $1',
      [accountId, resource],
    );
    return { erased: gone.rowCount ?? 0, done: true };
  });
}

async function erasePage(
  session: Transaction,
  accountId: string,
  resource: Resource,
  table: AccountTable,
): Promise<number> {
  const erased = await eraseRows(session, accountId, resource, table);
  if (erased > 0)
    session.send({
      text: 'UPDATE syncline.accounts SET updated_at = now() WHERE id = $1',
      values: [accountId],
    });
  return erased;
}

async function eraseRows(
  session: Transaction,
  accountId: string,
  resource: Resource,
  table: AccountTable,
): Promise<number> {
  if (table.owner === 'collection') return eraseOfCollections(session, accountId, resource, table);
  return table.owner === resource ? eraseOfResource(session, accountId, table) : 0;
}

async function eraseOfCollections(
  session: Transaction,
  accountId: string,
  resource: Resource,
  { name }: AccountTable,
): Promise<number> {
  const erased = await session.query(
    `DELETE FROM syncline.${name} WHERE account_id = $1 AND (collection_id, item_id) IN
       (SELECT t.collection_id, t.item_id FROM syncline.${name} t JOIN syncline.collections c ON c.id = t.collection_id
         WHERE t.account_id = $1 AND c.account_id = $1 AND ${collectionsOf(resource)} LIMIT ${ERASE_PAGE})`,
    [accountId],
  );
  return erased.rowCount ?? 0;
}

async function eraseOfResource(
  session: Transaction,
  accountId: string,
  { name, key, entity }: AccountTable,
): Promise<number> {
  const columns = key.join(', ');
  const { rows } = await session.query<{ id: string; calendar_id?: string }>(
    `DELETE FROM syncline.${name} WHERE account_id = $1 AND (${columns}) IN (SELECT ${columns} FROM syncline.${name} WHERE account_id = $1 LIMIT ${ERASE_PAGE}) RETURNING ${columns}`,
    [accountId],
  );
  if (entity !== undefined && rows.length > 0)
    appendChanges(
      session,
      { accountId, collectionId: null },
      rows.map(({ id, calendar_id: calendarId }) => ({
        entity,
        id,
        calendarId: calendarId ?? null,
        op: 'deleted',
      })),
      'live',
    );
  return rows.length;
}

async function abandoned(
  pool: pg.Pool,
  idleMs: number,
  limit: number,
): Promise<{ accountId: string; resource: Resource }[]> {
  const { rows } = await pool.query<{ accountId: string; resource: Resource }>(
    `SELECT id AS "accountId", erasing[1] AS resource FROM syncline.accounts
      WHERE erasing <> '{}' AND state <> 'removing' AND updated_at <= now() - $1 * interval '1 ms' ORDER BY updated_at LIMIT $2`,
    [idleMs, limit],
  );
  return rows;
}
