import type pg from 'pg';
import { textArray } from '../../pool.js';
import type { MessageRow } from './rows.js';
import { inTransaction, type Transaction } from '../../transaction.js';

/*
 * `addresses` of rows that are there already. It says nothing that the headers in `resource` do not say, so putting it in is no change to the message: no event, and
 * nothing that a fence would have to guard. Rejected: doing it in the migration (a lock on every row of the largest table), or in runs (each would look for such rows for ever).
 */

type Addressed = Pick<MessageRow, 'id' | 'addresses'>;

/** What an earlier version stored without addresses. */
export interface Addresses {
  /** In order of the ids, from the first one after `after` (empty: of all). */
  missing(
    accountId: string,
    after: string,
    limit: number,
  ): Promise<{ id: string; headers: { name?: string; value?: string }[] }[]>;
  /** @returns how many rows had none until now */
  fill(accountId: string, rows: readonly Addressed[]): Promise<number>;
}

export function addressesOver(pool: pg.Pool): Addresses {
  return {
    missing: (accountId, after, limit) => missing(pool, accountId, after, limit),
    fill: (accountId, rows) => inTransaction(pool, (session) => fill(session, accountId, rows)),
  };
}

/** Of messages that are fetched again and are otherwise as they were: they may have none, or have been read by a version that read them in another way. */
export function refreshAddresses(
  session: Transaction,
  accountId: string,
  rows: readonly Addressed[],
): void {
  if (rows.length === 0) return;
  session.send({
    name: 'addresses-refresh',
    text: `${UPDATE} AND m.addresses IS DISTINCT FROM u.addresses::jsonb`,
    values: valuesOf(accountId, rows),
  });
}

async function missing(
  pool: pg.Pool,
  accountId: string,
  after: string,
  limit: number,
): ReturnType<Addresses['missing']> {
  const found = await pool.query<{
    id: string;
    headers: { name?: string; value?: string }[] | null;
  }>(
    `SELECT id, resource->'payload'->'headers' AS headers FROM syncline.gmail_messages WHERE account_id = $1 AND id > $2 AND addresses IS NULL ORDER BY id LIMIT $3`,
    [accountId, after, limit],
  );
  return found.rows.map(({ id, headers }) => ({ id, headers: headers ?? [] }));
}

/** Where nothing stands: what a run has written meanwhile is younger. */
async function fill(
  session: Transaction,
  accountId: string,
  rows: readonly Addressed[],
): Promise<number> {
  const filled = await session.query({
    name: 'addresses-fill',
    text: `${UPDATE} AND m.addresses IS NULL`,
    values: valuesOf(accountId, rows),
  });
  return filled.rowCount ?? 0;
}

const UPDATE = `
UPDATE syncline.gmail_messages m SET addresses = u.addresses::jsonb FROM unnest($2::text[], $3::text[]) AS u(id, addresses)
 WHERE m.account_id = $1 AND m.id = u.id`;

function valuesOf(accountId: string, rows: readonly Addressed[]): unknown[] {
  return [accountId, textArray(rows, (m) => m.id), textArray(rows, (m) => m.addresses)];
}
