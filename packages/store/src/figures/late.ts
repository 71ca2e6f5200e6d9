/**
 * What is late, due and hindered now. Each statement reads the first rows of an index, at most a
 * fixed number, however many collections there are.
 */
import type { AccountState } from '../accounts.js';
import { NEVER } from '../collections.js';
import {
  COLLECTION_KINDS,
  dueRange,
  RESOURCE_NAMES,
  type CollectionKind,
} from '../mirrors/resources.js';
import { arrayLiteral } from '../pool.js';
import {
  ACCOUNT_REASON_CODES,
  COLLECTION_REASONS,
  type AccountReasonCode,
  type CollectionReasonCode,
} from '../reason-codes.js';
import type { Queryable } from '../transaction.js';
import {
  LATE_OVER_SECONDS,
  type Bounded,
  type DueQueueName,
  type FleetFigures,
  type LateOfKind,
  type LateOver,
} from './types.js';

/** Numbers are exact up to this. */
const EXACT_LIMIT = 10_000;
/** A queue with more due collections than this is only known to have more. */
const DUE_LIMIT = 2_000;

/**
 * SQL on `collections c` with a promise: since when it is late, or will be. A sync request counts
 * until a run has served it; that of a collection with a held sweep is not known to be served.
 */
export const LATE_SINCE =
  'least(c.promised_at, CASE WHEN c.requested_at > c.caught_up_at AND c.held_since IS NULL THEN c.requested_at END)';

/** SQL columns over rows with `since`: how many are late by more than each number of seconds. */
export const LATE_COLUMNS = LATE_OVER_SECONDS.map(
  (seconds) =>
    `count(*) FILTER (WHERE since < now() - interval '${seconds} seconds')::float8 AS "over${seconds}"`,
).join(', ');

export type LateRow = Record<`over${(typeof LATE_OVER_SECONDS)[number]}`, number>;

export interface Late {
  atMs: number;
  byKind: Record<CollectionKind, LateOfKind>;
  /** More collections are late than were read. */
  isMore: boolean;
}

/** Reads the collections that are late by more than 10 s, the latest first. */
export async function readLate(session: Queryable): Promise<Late> {
  const { rows } = await session.query<
    LateRow & { kind: CollectionKind | null; oldestSeconds: number; atMs: number; isMore: boolean }
  >({ name: 'figures-late', text: LATE });
  const byKind = forKinds(() => ({ over: noneLate(), oldestSeconds: 0 }));
  for (const row of rows)
    if (row.kind !== null)
      byKind[row.kind] = { over: lateOverOf(row), oldestSeconds: row.oldestSeconds };
  const [first] = rows;
  return { atMs: first?.atMs ?? 0, byKind, isMore: first?.isMore ?? false };
}

const IS_LATE = (column: string): string =>
  `${column} < now() - interval '${LATE_OVER_SECONDS[0]} seconds'`;

const LATE = `
  WITH promised AS MATERIALIZED (
         SELECT c.id, c.kind, ${LATE_SINCE} AS since FROM syncline.collections c
          WHERE ${IS_LATE('c.promised_at')} ORDER BY c.promised_at LIMIT ${EXACT_LIMIT + 1}),
       requested AS MATERIALIZED (
         SELECT c.id, c.kind, ${LATE_SINCE} AS since FROM syncline.collections c
          WHERE c.promised_at IS NOT NULL AND c.requested_at > c.caught_up_at AND ${IS_LATE('c.requested_at')} ORDER BY c.requested_at LIMIT ${EXACT_LIMIT + 1}),
       late AS (SELECT kind, since FROM (SELECT * FROM promised UNION SELECT * FROM requested) AS both_ways WHERE ${IS_LATE('since')}),
       found AS (SELECT kind, extract(epoch FROM now() - min(since))::float8 AS "oldestSeconds", ${LATE_COLUMNS} FROM late GROUP BY kind)
  SELECT found.*, (extract(epoch FROM now()) * 1000)::float8 AS "atMs",
         greatest((SELECT count(*) FROM promised), (SELECT count(*) FROM requested)) > ${EXACT_LIMIT} AS "isMore"
    FROM (SELECT 1) AS always LEFT JOIN found ON true`;

export function lateOverOf(row: LateRow): LateOver {
  return Object.fromEntries(
    LATE_OVER_SECONDS.map((seconds) => [seconds, row[`over${seconds}`]]),
  ) as LateOver;
}

function noneLate(): LateOver {
  return Object.fromEntries(LATE_OVER_SECONDS.map((seconds) => [seconds, 0])) as LateOver;
}

export function forKinds<T>(value: () => T): Record<CollectionKind, T> {
  return Object.fromEntries(COLLECTION_KINDS.map((kind) => [kind, value()])) as Record<
    CollectionKind,
    T
  >;
}

const DUE_QUEUES: readonly DueQueueName[] = RESOURCE_NAMES.flatMap((resource) => [
  `${resource}-full` as const,
  `${resource}-incremental` as const,
]);

/** Reads what is due and not handed out, by queue. */
export async function readDue(session: Queryable): Promise<FleetFigures['due']> {
  const { rows } = await session.query<{
    queue: DueQueueName;
    count: number;
    oldestSeconds: number;
  }>({ name: 'figures-due', text: DUE, values: [arrayLiteral(DUE_QUEUES, (name) => name)] });
  return Object.fromEntries(
    rows.map(({ queue, count, oldestSeconds }) => [
      queue,
      { ...bounded(count, DUE_LIMIT), oldestSeconds },
    ]),
  ) as FleetFigures['due'];
}

const DUE = `
  SELECT queue, due.count, due."oldestSeconds"
    FROM unnest($1::text[]) AS queue CROSS JOIN LATERAL (
         SELECT count(*)::float8 AS count, coalesce(extract(epoch FROM now() - min(next_sync_at)), 0)::float8 AS "oldestSeconds"
           FROM (SELECT next_sync_at FROM syncline.collections
                  WHERE state = 'active' AND ${dueRange()} = split_part(queue, '-', 1) AND (phase <> 'incremental' OR full_sync_requested) = (queue LIKE '%-full') AND next_sync_at <= now()
                  ORDER BY next_sync_at LIMIT ${DUE_LIMIT + 1}) AS first) AS due`;

/** Reads how many collections of active accounts each reason hinders. */
export async function readHindered(session: Queryable): Promise<FleetFigures['hindered']> {
  const { rows } = await session.query<{ code: CollectionReasonCode; count: number }>({
    name: 'figures-hindered',
    text: HINDERED,
    values: [arrayLiteral(REASONS, (code) => code)],
  });
  return Object.fromEntries(
    rows.map(({ code, count }) => [code, bounded(count, EXACT_LIMIT)]),
  ) as FleetFigures['hindered'];
}

const REASONS: readonly CollectionReasonCode[] = [...COLLECTION_REASONS, ...ACCOUNT_REASON_CODES];

const HINDERED = `
  SELECT code, hindered.count
    FROM unnest($1::text[]) AS code CROSS JOIN LATERAL (
         SELECT count(*)::float8 AS count
           FROM (SELECT 1 FROM syncline.collections WHERE reason_code = code AND next_sync_at < ${NEVER} ORDER BY id LIMIT ${EXACT_LIMIT + 1}) AS first) AS hindered`;

type NotActiveState = Exclude<AccountState, 'active'>;

const NOT_ACTIVE: readonly NotActiveState[] = ['reauth_required', 'paused', 'disabled', 'removing'];

export interface NotActive {
  byState: Record<NotActiveState, Bounded>;
  byReason: Record<AccountReasonCode, number>;
}

/** Reads the accounts that are not active, by state and by the code of the reason. */
export async function readNotActive(session: Queryable): Promise<NotActive> {
  const { rows } = await session.query<{
    state: NotActiveState;
    code: AccountReasonCode | null;
    count: number;
  }>({
    name: 'figures-accounts-not-active',
    text: NOT_ACTIVE_BY_REASON,
    values: [arrayLiteral(NOT_ACTIVE, (state) => state)],
  });
  const counts = Object.fromEntries(NOT_ACTIVE.map((state) => [state, 0])) as Record<
    NotActiveState,
    number
  >;
  const byReason = Object.fromEntries(ACCOUNT_REASON_CODES.map((code) => [code, 0])) as Record<
    AccountReasonCode,
    number
  >;
  for (const { state, code, count } of rows) {
    counts[state] += count;
    if (code !== null) byReason[code] += count;
  }
  const byState = Object.fromEntries(
    NOT_ACTIVE.map((state) => [state, bounded(counts[state], EXACT_LIMIT)]),
  ) as Record<NotActiveState, Bounded>;
  return { byState, byReason };
}

const NOT_ACTIVE_BY_REASON = `
  SELECT state, found.code, found.count
    FROM unnest($1::text[]) AS state CROSS JOIN LATERAL (
         SELECT code, count(*)::float8 AS count
           FROM (SELECT a.reason_code AS code FROM syncline.accounts a WHERE a.state = state.state AND a.state <> 'active' ORDER BY a.id LIMIT ${EXACT_LIMIT + 1}) AS first
          GROUP BY code) AS found`;

export function bounded(count: number, limit: number): Bounded {
  return { count: Math.min(count, limit), isMore: count > limit };
}
