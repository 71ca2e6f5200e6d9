/** What a read of an account's rows says about them: the feed's position and how fresh they are. */
import type { Phase } from '../lease.js';
import type { Queryable } from '../transaction.js';
import type { CollectionKind } from './resources.js';

/** The state of the database that rows were read from. */
export interface ReadFrame {
  /** Position of the account's change feed: the events after `seq` are not in the rows. */
  epoch: number;
  seq: number;
  /** The time of the read, by the database's clock. */
  atMs: number;
  /** The collections that the rows belong to; none while their sync has not begun. */
  collections: {
    phase: Phase;
    /** Start of the last run that ended caught up. */
    caughtUpMs: number | null;
    /** Whether the mirrored time range is being extended. */
    isExtending: boolean;
  }[];
}

/** A page of rows, in the order of the list. */
export interface ReadPage<Row> {
  frame: ReadFrame;
  rows: Row[];
  /** The position after which the next page begins; null at the end. */
  next: readonly string[] | null;
}

/** The collections that rows belong to. */
export interface CollectionsRead {
  kinds: readonly CollectionKind[];
  /** Google's names of those; omitted: all of these kinds. */
  externalIds?: readonly string[];
}

/**
 * Reads the frame of a list. All of its statements run in one snapshot.
 * @returns null when the account does not exist
 */
export async function readFrame(
  snapshot: Queryable,
  accountId: string,
  { kinds, externalIds }: CollectionsRead,
): Promise<ReadFrame | null> {
  const { rows } = await snapshot.query<ReadFrame>({
    name: 'read-frame',
    text: `SELECT a.feed_epoch::float8 AS epoch, a.feed_seq::float8 AS seq, floor(extract(epoch FROM now()) * 1000)::float8 AS "atMs",
                  (SELECT coalesce(json_agg(json_build_object('phase', c.phase, 'caughtUpMs', floor(extract(epoch FROM c.caught_up_at) * 1000), 'isExtending', c.window_goal IS NOT NULL)), '[]')
                     FROM syncline.collections c WHERE c.account_id = a.id AND c.kind = ANY($2::text[]) AND c.state = 'active' AND ($3::text[] IS NULL OR c.external_id = ANY($3::text[]))) AS collections
             FROM syncline.accounts a WHERE a.id = $1`,
    values: [accountId, kinds, externalIds ?? null],
  });
  return rows[0] ?? null;
}

/** Cuts what was read beyond a page, and names the position of the next one. Pure. */
export function pageFrom<Row>(
  frame: ReadFrame,
  found: Row[],
  limit: number,
  keyOf: (row: Row) => readonly string[],
): ReadPage<Row> {
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return {
    frame,
    rows,
    next: found.length > rows.length && last !== undefined ? keyOf(last) : null,
  };
}
