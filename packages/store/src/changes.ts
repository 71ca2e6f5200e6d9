import type pg from 'pg';
import type { Lease } from './lease.js';
import { arrayLiteral } from './pool.js';
import type { Entity, Op, RowChange } from './rows.js';

/** One entry of an account's change feed: which row changed and how. The row itself says what it is now. */
export interface ChangeEvent {
  seq: bigint;
  entity: Entity;
  id: string;
  calendarId: string | null;
  op: Op;
  at: Date;
}

/** Gives the changes their numbers and writes them; takes the account's row, the last lock of a commit. */
export async function appendChanges(session: pg.PoolClient, lease: Lease, changes: readonly RowChange[]): Promise<void> {
  const numbered = await session.query<{ feed_seq: string }>({
    name: 'feed-number',
    text: 'UPDATE accounts SET feed_seq = feed_seq + $2 WHERE id = $1 RETURNING feed_seq',
    values: [lease.accountId, changes.length],
  });
  const last = numbered.rows[0];
  if (!last) throw new Error(`account ${lease.accountId} vanished under its own lease`);
  const before = BigInt(last.feed_seq) - BigInt(changes.length);
  await session.query({
    name: 'feed-append',
    text: `INSERT INTO changes (account_id, seq, entity, entity_id, calendar_id, op)
           SELECT $1, $2::bigint + u.n, u.entity, u.id, u.calendar_id, u.op
             FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) WITH ORDINALITY AS u(entity, id, calendar_id, op, n)`,
    values: [
      lease.accountId, String(before),
      arrayLiteral(changes, (c) => c.entity), arrayLiteral(changes, (c) => c.id),
      arrayLiteral(changes, (c) => c.calendarId), arrayLiteral(changes, (c) => c.op),
    ],
  });
  await session.query({
    name: 'feed-touch',
    text: 'UPDATE collections SET last_change_at = now() WHERE id = $1',
    values: [lease.collectionId],
  });
}

/** Up to `limit` events after `afterSeq`, in order. */
export async function readChanges(pool: pg.Pool, accountId: string, afterSeq: bigint, limit: number): Promise<ChangeEvent[]> {
  const read = await pool.query<{ seq: string; entity: Entity; entity_id: string; calendar_id: string | null; op: Op; at: Date }>({
    name: 'feed-read',
    text: 'SELECT seq, entity, entity_id, calendar_id, op, at FROM changes WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3',
    values: [accountId, String(afterSeq), limit],
  });
  return read.rows.map((row) => ({
    seq: BigInt(row.seq), entity: row.entity, id: row.entity_id, calendarId: row.calendar_id, op: row.op, at: row.at,
  }));
}
