import type pg from 'pg';
import { textArray } from '../../pool.js';
import { HEADER_COLUMNS, withColumnValues, type HeaderColumns } from './header-values.js';
import type { MessageRow } from './rows.js';
import { inTransaction, type Transaction } from '../../transaction.js';

/*
 * Fills `addresses` of existing rows. The column contains only information that the headers
 * already have. Filling it therefore does not change the message: it causes no event and
 * needs no fence. Rejected: filling it in the migration (a lock on every row of the largest table),
 * or in sync runs (each would search for such rows forever).
 */

type Addressed = Pick<MessageRow, 'id' | 'addresses'>;

/** Messages that an earlier version stored without addresses. */
export interface Addresses {
  /** Returns them in the order of their ids, beginning after `after` (empty: with the first). */
  missing(
    accountId: string,
    after: string,
    limit: number,
  ): Promise<{ id: string; headers: { name?: string; value?: string }[] }[]>;
  /** @returns the number of rows that had no addresses before */
  fill(accountId: string, rows: readonly Addressed[]): Promise<number>;
}

export function addressesOver(pool: pg.Pool): Addresses {
  return {
    missing: (accountId, after, limit) => missing(pool, accountId, after, limit),
    fill: (accountId, rows) => inTransaction(pool, (session) => fill(session, accountId, rows)),
  };
}

/**
 * Updates the addresses of messages that were fetched again and are otherwise unchanged: they may
 * have none, or an earlier version parsed them differently.
 */
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
  const found = await pool.query<
    HeaderColumns & { id: string; headers: { name?: string; value?: string }[] | null }
  >(
    `SELECT id, resource->'payload'->'headers' AS headers, ${HEADER_COLUMNS} FROM syncline.gmail_messages m WHERE account_id = $1 AND id > $2 AND addresses IS NULL ORDER BY id LIMIT $3`,
    [accountId, after, limit],
  );
  return found.rows.map(({ id, headers, ...columns }) => ({
    id,
    headers: withColumnValues(headers ?? [], columns),
  }));
}

/** Fills only empty columns, because addresses that a run has written meanwhile are newer. */
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
