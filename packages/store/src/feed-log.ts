import type pg from 'pg';
import type { ChangeEvent } from './changes.js';
import { arrayLiteral } from './pool.js';

/** The end of the log, and what of it can be read. */
export interface LogState {
  epoch: number;
  end: bigint;
  /** The last position of the epochs before. */
  start: bigint;
  /** The oldest position that is kept; without any, the next one. */
  oldest: bigint;
}

/** Consecutive events of an account. */
export interface LogRange {
  /** The position of its last event. */
  position: bigint;
  tenant: string;
  account: string;
  fromSeq: bigint;
  toSeq: bigint;
}

/** The events of a range that are kept. */
export interface RangeEvents {
  events: ChangeEvent[];
  /** Retention has deleted events of the range. */
  isPruned: boolean;
}

/** The log of all feeds. */
export interface FeedLog {
  /**
   * Returns up to `limit` ranges whose last event is after the position, in order, with the state
   * of the log in the same state of the database.
   * @param tenant null means every tenant
   */
  ranges(
    tenant: string | null,
    after: bigint,
    limit: number,
  ): Promise<{ state: LogState; ranges: LogRange[] }>;
  /** The events of each range. Of a removed account only the last event is left. */
  events(ranges: readonly LogRange[]): Promise<RangeEvents[]>;
}

export function feedLogIn(pool: pg.Pool): FeedLog {
  return {
    ranges: (tenant, after, limit) => readRanges(pool, tenant, after, limit),
    events: (ranges) => (ranges.length === 0 ? Promise.resolve([]) : readEvents(pool, ranges)),
  };
}

type RangeRow = Record<'end' | 'start' | 'oldest', string> & { epoch: number } & (
    Record<keyof LogRange, string> | Record<keyof LogRange, null>
  );

async function readRanges(
  pool: pg.Pool,
  tenant: string | null,
  after: bigint,
  limit: number,
): Promise<{ state: LogState; ranges: LogRange[] }> {
  const ofTenant = tenant !== null;
  const { rows } = await pool.query<RangeRow>({
    name: ofTenant ? 'feed-log-tenant' : 'feed-log-all',
    text: `SELECT s.epoch::float8 AS epoch, s.position AS end, s.epoch_start AS start, coalesce(o.oldest, s.position + 1) AS oldest, l.*
             FROM syncline.feed_position s
             LEFT JOIN LATERAL (SELECT position - (to_seq - from_seq) AS oldest FROM syncline.feed_log ORDER BY position LIMIT 1) AS o ON true
             LEFT JOIN LATERAL (
                  SELECT position, tenant, account, from_seq AS "fromSeq", to_seq AS "toSeq" FROM syncline.feed_log
                   WHERE position > greatest($1::bigint, s.epoch_start) ${ofTenant ? 'AND tenant = $3' : ''} ORDER BY position LIMIT $2) AS l ON true
            ORDER BY l.position`,
    values: [String(after), limit, ...(ofTenant ? [tenant] : [])],
  });
  const [first] = rows;
  if (first === undefined)
    throw new Error('feed_position has no row, although a migration inserted one');
  const { epoch, end, start, oldest } = first;
  return {
    state: { epoch, end: BigInt(end), start: BigInt(start), oldest: BigInt(oldest) },
    ranges: rows.flatMap(({ position, tenant: of, account, fromSeq, toSeq }) =>
      position === null
        ? []
        : [
            {
              position: BigInt(position),
              tenant: of,
              account,
              fromSeq: BigInt(fromSeq),
              toSeq: BigInt(toSeq),
            },
          ],
    ),
  };
}

/** Without an event, `seq` and everything of the event is null. */
type EventRow = Omit<ChangeEvent, 'seq'> & { n: number; isPruned: boolean; seq: string | null };

async function readEvents(pool: pg.Pool, ranges: readonly LogRange[]): Promise<RangeEvents[]> {
  const { rows } = await pool.query<EventRow>({
    name: 'feed-log-events',
    text: `SELECT r.n::int, coalesce(a.feed_oldest_seq > r.from_seq AND a.state <> 'removing', false) AS "isPruned", c.*
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS r(account, from_seq, to_seq, n)
             LEFT JOIN syncline.accounts a ON a.id = r.account
             LEFT JOIN LATERAL (
                  SELECT a.feed_epoch::float8 AS epoch, seq, entity, entity_id AS id, calendar_id AS "calendarId", op, origin, at FROM syncline.changes
                   WHERE account_id = r.account AND seq BETWEEN r.from_seq AND r.to_seq AND a.id IS NOT NULL
                  UNION ALL
                  SELECT feed_epoch::float8, last_seq, 'account', account::text, NULL, 'deleted', 'live', at FROM syncline.account_endings
                   WHERE account = r.account AND last_seq BETWEEN r.from_seq AND r.to_seq) AS c ON true
            ORDER BY r.n, c.seq`,
    values: [
      arrayLiteral(ranges, ({ account }) => account),
      arrayLiteral(ranges, ({ fromSeq }) => String(fromSeq)),
      arrayLiteral(ranges, ({ toSeq }) => String(toSeq)),
    ],
  });
  const read: RangeEvents[] = ranges.map(() => ({ events: [], isPruned: false }));
  for (const { n, isPruned, seq, ...event } of rows) {
    const range = read[n - 1];
    if (range === undefined) continue;
    range.isPruned = isPruned;
    if (seq !== null) range.events.push({ ...event, seq: BigInt(seq) });
  }
  return read;
}
