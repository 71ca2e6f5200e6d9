import { OwnError } from '@syncline/runtime';
import type pg from 'pg';
import type { Lease } from './lease.js';
import { arrayLiteral, textArray } from './pool.js';
import type { Entity } from './mirrors/resources.js';
import type { Op, Origin, RowChange } from './rows.js';
import type { Transaction } from './transaction.js';

/**
 * What an event is about: a mirrored row, the account (its state, resources and address), or a
 * collection (its phase, and whether it is parked). Triggers write the events of the last two.
 */
type FeedEntity = Entity | 'account' | 'collection';

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
  entity: FeedEntity;
  /** Google's id of the item, or our id of the account or the collection. */
  id: string;
  calendarId: string | null;
  op: Op;
  origin: Origin;
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
  origin: Origin,
): void {
  session.send({
    name: 'feed-append',
    text: `WITH numbered AS (UPDATE syncline.accounts SET feed_seq = feed_seq + $3 WHERE id = $1 RETURNING feed_seq - $3 AS before),
                moved AS (INSERT INTO syncline.feed_moves (account) VALUES ($1)),
                touched AS (UPDATE syncline.collections SET last_change_at = now() WHERE id = $2)
           INSERT INTO syncline.changes (account_id, seq, entity, entity_id, calendar_id, op, origin)
           SELECT $1, (SELECT before FROM numbered) + u.n, u.entity, u.id, u.calendar_id, u.op, $8
             FROM unnest($4::text[], $5::text[], $6::text[], $7::text[]) WITH ORDINALITY AS u(entity, id, calendar_id, op, n)`,
    values: [
      lease.accountId,
      lease.collectionId,
      changes.length,
      arrayLiteral(changes, (c) => c.entity),
      textArray(changes, (c) => c.id),
      arrayLiteral(changes, (c) => c.calendarId),
      arrayLiteral(changes, (c) => c.op),
      origin,
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

/** The position of an account's feed. */
export interface FeedPosition {
  epoch: number;
  /** The last assigned number. */
  seq: bigint;
  /** The last number of the earlier epochs; 0 when there is none. */
  startSeq: bigint;
  /**
   * The oldest number that is kept; when none is kept, the next number to be assigned. Events
   * before it are deleted.
   */
  oldestSeq: bigint;
}

/** The position of a feed, and events of its current epoch, in one state of the database. */
export interface FeedPage {
  position: FeedPosition;
  events: ChangeEvent[];
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
  const page = await readFeedPage(pool, accountId, afterSeq, limit);
  if (page === null) return [];
  const { startSeq, oldestSeq } = page.position;
  const after = afterSeq > startSeq ? afterSeq : startSeq;
  if (after + 1n < oldestSeq) throw new FeedPruned(after, oldestSeq);
  return page.events;
}

/**
 * Returns up to `limit` events of the account's current epoch after `afterSeq`, in order, with the
 * feed's position; null when there is no such account. Events after `afterSeq` may be missing when
 * `oldestSeq` is beyond it.
 */
export async function readFeedPage(
  pool: pg.Pool,
  accountId: string,
  afterSeq: bigint,
  limit: number,
): Promise<FeedPage | null> {
  // One statement reads the position and the events: neither retention nor a new epoch comes between.
  const { rows } = await pool.query<FeedRow>({
    name: 'feed-read',
    text: `SELECT a.feed_epoch::float8 AS epoch, a.feed_seq AS end, a.feed_epoch_start AS start, a.feed_oldest_seq AS oldest, c.seq, c.entity, c.entity_id AS id, c.calendar_id AS "calendarId", c.op, c.origin, c.at
             FROM syncline.accounts a LEFT JOIN LATERAL (
                  SELECT seq, entity, entity_id, calendar_id, op, origin, at FROM syncline.changes
                   WHERE account_id = $1 AND seq > greatest($2::bigint, a.feed_epoch_start) ORDER BY seq LIMIT $3) AS c ON true
            WHERE a.id = $1 ORDER BY c.seq`,
    values: [accountId, String(afterSeq), limit],
  });
  const [first] = rows;
  if (first === undefined) return null;
  const { epoch, end, start, oldest } = first;
  return {
    position: { epoch, seq: BigInt(end), startSeq: BigInt(start), oldestSeq: BigInt(oldest) },
    events: rows.flatMap(({ end: _end, start: _start, oldest: _oldest, seq, ...event }) =>
      seq === null ? [] : [{ ...event, seq: BigInt(seq) }],
    ),
  };
}

/** Without an event, `seq` and everything of the event is null. */
type FeedRow = Omit<ChangeEvent, 'seq'> & {
  seq: string | null;
  end: string;
  start: string;
  oldest: string;
};
