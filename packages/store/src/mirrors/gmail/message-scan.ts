/**
 * Reads a mailbox from the newest message to the oldest, along the index of the dates, and finds
 * the messages that a condition holds for. The work of a scan is bounded instead of its result:
 * any filter works without an index of its own, and a rare one takes several scans.
 */
import type { Clock } from '@syncline/runtime';
import type { Queryable } from '../../transaction.js';

/** The place of a message in the order of the scan; those whose date fits no column are last. */
export interface MessageKey {
  dateMs: number | null;
  id: string;
}

export interface MessageScan {
  accountId: string;
  /** Begins after this message. */
  after: MessageKey | null;
  /** SQL conditions on `gmail_messages m` that an index serves. */
  bounds: readonly string[];
  /** SQL condition on `gmail_messages m` that each row is tested with; null: all hold. */
  filter: string | null;
  /** The values of `bounds` and `filter`, from `FIRST_VALUE` on. */
  values: readonly unknown[];
  /** Whether messages without a date are left out. */
  isDatedOnly: boolean;
  /** Most messages that are returned. */
  limit: number;
}

/** Number of the first parameter in `bounds` and `filter`. */
export const FIRST_VALUE = 5;

/** Rows that one statement tests, and that one scan does. */
const CHUNK_ROWS = 2_000;
const SCAN_ROWS = 10_000;
const SCAN_MS = 200;
/** The first chunk has so many rows for each of the page: most filters are not rare. */
const FIRST_CHUNK_FACTOR = 4;

/** @returns `next`: the key of the last message that was looked at; null at the end of the mailbox */
export async function scanMessages(
  { nowMs }: Pick<Clock, 'nowMs'>,
  snapshot: Queryable,
  scan: MessageScan,
): Promise<{ found: MessageKey[]; next: MessageKey | null }> {
  const untilMs = nowMs() + SCAN_MS;
  const needed = scan.limit + 1;
  const found: MessageKey[] = [];
  let at = scan.after;
  let isDated = at === null || at.dateMs !== null;
  let chunkRows = scan.filter === null ? needed : Math.min(needed * FIRST_CHUNK_FACTOR, CHUNK_ROWS);
  for (let left = SCAN_ROWS; ;) {
    const limit = Math.min(chunkRows, left);
    const chunk = await readChunk(snapshot, scan, { at, isDated, limit });
    found.push(...chunk.found);
    if (found.length >= needed)
      return { found: found.slice(0, scan.limit), next: lastOf(scan, found) };
    left -= chunk.scanned;
    if (chunk.scanned < limit) {
      if (!isDated || scan.isDatedOnly) return { found, next: null };
      isDated = false;
      at = null;
      continue;
    }
    at = chunk.last;
    if (left <= 0 || nowMs() >= untilMs) return { found, next: at };
    chunkRows = CHUNK_ROWS;
  }
}

function lastOf({ limit }: MessageScan, found: readonly MessageKey[]): MessageKey | null {
  return found[limit - 1] ?? null;
}

interface Chunk {
  found: MessageKey[];
  scanned: number;
  last: MessageKey | null;
}

async function readChunk(
  snapshot: Queryable,
  { accountId, bounds, filter, values }: MessageScan,
  { at, isDated, limit }: { at: MessageKey | null; isDated: boolean; limit: number },
): Promise<Chunk> {
  const { rows } = await snapshot.query<MessageKey & { isFound: boolean; scanned: number }>({
    // A session keeps the plans of the few statements without a filter, which most readers send.
    ...(filter === null ? { name: 'messages-scan' } : {}),
    text: `WITH scanned AS MATERIALIZED (
       SELECT m.id, m.internal_date, ${filter ?? 'true'} AS "isFound" FROM syncline.gmail_messages m
        WHERE ${['m.account_id = $1', isDated ? DATED : UNDATED, ...bounds].join(' AND ')}
        ORDER BY m.internal_date DESC, m.id DESC LIMIT $4),
     numbered AS (SELECT w.*, row_number() OVER (ORDER BY w.internal_date DESC, w.id DESC) AS n, count(*) OVER () AS scanned FROM scanned w)
     SELECT id, round(extract(epoch FROM internal_date) * 1000)::float8 AS "dateMs", "isFound", scanned::float8 AS scanned
       FROM numbered WHERE "isFound" OR n = scanned ORDER BY n`,
    values: [accountId, at?.dateMs ?? null, at?.id ?? null, limit, ...values],
  });
  const keyOf = ({ dateMs, id }: MessageKey): MessageKey => ({ dateMs, id });
  const last = rows.at(-1);
  return {
    found: rows.filter(({ isFound }) => isFound).map(keyOf),
    scanned: last?.scanned ?? 0,
    last: last === undefined ? null : keyOf(last),
  };
}

/** SQL: the date of the message before. */
const AT = `('epoch'::timestamptz + $2::float8 * interval '1 ms')::timestamptz(3)`;
/** The first comparison begins the index scan, the second is exact among equal dates. */
const DATED = `m.internal_date IS NOT NULL AND m.internal_date <= coalesce(${AT}, 'infinity') AND ($2::float8 IS NULL OR (m.internal_date, m.id) < (${AT}, $3::text))`;
const UNDATED = `m.internal_date IS NULL AND $2::float8 IS NULL AND ($3::text IS NULL OR m.id < $3::text)`;
