import { OwnError } from '@syncline/runtime';
import type pg from 'pg';
import type { Lease } from './lease.js';
import { arrayLiteral, textArray } from './pool.js';
import type { Entity } from './mirrors/resources.js';
import type { Op, RowChange } from './rows.js';
import type { Transaction } from './transaction.js';

/**
 * One entry of an account's change feed: which row changed and how. The row itself has the current
 * state.
 */
export interface ChangeEvent {
  /**
   * Together with `seq` it identifies the change. After a restore, numbers are assigned again in
   * another epoch.
   */
  epoch: number;
  seq: bigint;
  entity: Entity;
  id: string;
  calendarId: string | null;
  op: Op;
  at: Date;
}

/**
 * Assigns numbers to the changes and writes them. Locks the account's row, which is the last lock
 * of a commit. When the account was deleted under its own lease, the number is null and the table
 * rejects the insert.
 */
export function appendChanges(
  session: Transaction,
  lease: Pick<Lease, 'accountId'> & { collectionId: string | null },
  changes: readonly RowChange[],
): void {
  session.send({
    name: 'feed-append',
    text: `WITH numbered AS (UPDATE syncline.accounts SET feed_seq = feed_seq + $3 WHERE id = $1 RETURNING feed_seq - $3 AS before),
                touched AS (UPDATE syncline.collections SET last_change_at = now() WHERE id = $2)
           INSERT INTO syncline.changes (account_id, seq, entity, entity_id, calendar_id, op)
           SELECT $1, (SELECT before FROM numbered) + u.n, u.entity, u.id, u.calendar_id, u.op
             FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY AS u(entity, id, calendar_id, op, n)`,
    values: [
      lease.accountId,
      lease.collectionId,
      changes.length,
      arrayLiteral(changes, (c) => c.entity),
      textArray(changes, (c) => c.id),
      arrayLiteral(changes, (c) => c.calendarId),
      arrayLiteral(changes, (c) => c.op),
    ],
  });
}

/** Events after the position have been deleted by retention: the mirror is to be listed again. */
export class FeedPruned extends OwnError {
  override readonly name = 'FeedPruned';
  constructor(
    readonly afterSeq: bigint,
    readonly oldestSeq: bigint,
  ) {
    super(
      `the events after ${afterSeq} are not kept any more, the oldest is ${oldestSeq}: list the mirror again and follow the feed from there`,
    );
  }
}

/**
 * Returns up to `limit` events of the account's current epoch after `afterSeq`, in order.
 * @throws FeedPruned when events after `afterSeq` are no longer kept
 */
export async function readChanges(
  pool: pg.Pool,
  accountId: string,
  afterSeq: bigint,
  limit: number,
): Promise<ChangeEvent[]> {
  // One statement reads the oldest seq and the events: retention cannot delete between the two.
  const { rows } = await pool.query<FeedRow>({
    name: 'feed-read',
    text: `SELECT a.feed_epoch AS epoch, a.feed_oldest_seq AS oldest, greatest($2::bigint, a.feed_epoch_start) AS after, c.seq, c.entity, c.entity_id, c.calendar_id, c.op, c.at
             FROM syncline.accounts a LEFT JOIN LATERAL (
                  SELECT seq, entity, entity_id, calendar_id, op, at FROM syncline.changes
                   WHERE account_id = $1 AND seq > greatest($2::bigint, a.feed_epoch_start) ORDER BY seq LIMIT $3) AS c ON true
            WHERE a.id = $1 ORDER BY c.seq`,
    values: [accountId, String(afterSeq), limit],
  });
  const [first] = rows;
  if (first && BigInt(first.after) + 1n < BigInt(first.oldest))
    throw new FeedPruned(BigInt(first.after), BigInt(first.oldest));
  return rows.flatMap((row) => (row.seq === null ? [] : [eventOf(row)]));
}

/** Without an event, everything after `after` is null. */
type FeedRow = { epoch: string; oldest: string; after: string } & (EventRow | { seq: null });

interface EventRow {
  seq: string;
  entity: Entity;
  entity_id: string;
  calendar_id: string | null;
  op: Op;
  at: Date;
}

function eventOf(row: EventRow & { epoch: string }): ChangeEvent {
  return {
    epoch: Number(row.epoch),
    seq: BigInt(row.seq),
    entity: row.entity,
    id: row.entity_id,
    calendarId: row.calendar_id,
    op: row.op,
    at: row.at,
  };
}
