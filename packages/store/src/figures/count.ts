/**
 * Counts by state. Small tables are counted; of large ones a sample of their pages is read, so that
 * the cost does not grow with the fleet.
 */
import type { AccountState } from '../accounts.js';
import { NEVER } from '../collections.js';
import { IS_SILENT } from '../lease-watch.js';
import type { Phase } from '../lease.js';
import type { CollectionKind } from '../mirrors/resources.js';
import { arrayLiteral } from '../pool.js';
import { QUARANTINE_CAUSES, type QuarantineCause } from '../quarantine-schedule.js';
import type { Queryable } from '../transaction.js';
import { WATCH_COUNT_KEYS, type WatchCountKey } from '../watches.js';
import { bounded, forKinds, LATE_COLUMNS, LATE_SINCE, lateOverOf, type LateRow } from './late.js';
import {
  LATE_OVER_SECONDS,
  type CollectionCount,
  type CountedState,
  type FleetFigures,
  type LateOver,
} from './types.js';

/** A table with more rows is sampled. */
const COUNTED_ROWS = 200_000;
/** A watch needs its collection's row too, so fewer are counted and sampled. */
const COUNTED_WATCHES = 50_000;
/** Rows of a sample. Large classes of 100,000 rows err by about 0.2 points. */
const SAMPLED_ROWS = 100_000;
const SAMPLED_WATCHES = 30_000;
const QUARANTINE_LIMIT = 10_000;

export interface Counts {
  collections: FleetFigures['collections'];
  /** For when more collections are late than are read exactly. */
  lateByKind: Record<CollectionKind, LateOver>;
  accounts: { isEstimate: boolean; total: number; byState: Record<AccountState, number> };
  watches: FleetFigures['watches'];
  quarantine: FleetFigures['quarantine'];
}

/** @param countedRows a table with more rows is sampled */
export async function countFleet(session: Queryable, countedRows = COUNTED_ROWS): Promise<Counts> {
  return {
    ...(await countCollections(session, countedRows)),
    accounts: await countAccounts(session, countedRows),
    watches: await countWatches(session, Math.min(COUNTED_WATCHES, countedRows)),
    quarantine: await countQuarantine(session),
  };
}

interface Sample {
  /** SQL behind a table's alias; empty: every row. */
  clause: string;
  values: number[];
  /** Rows of the table for each row that is read. */
  factor: number;
}

const EVERY_ROW: Sample = { clause: '', values: [], factor: 1 };

async function sampleOf(
  session: Queryable,
  table: string,
  o: { countedRows: number; sampledRows: number },
): Promise<Sample> {
  const rows = await estimatedRows(session, table);
  if (rows <= o.countedRows) return EVERY_ROW;
  const percent = Math.min(100, (100 * Math.min(o.sampledRows, o.countedRows)) / rows);
  return { clause: 'TABLESAMPLE SYSTEM ($1)', values: [percent], factor: 100 / percent };
}

/**
 * Estimates the rows of a table by its present size and the density that the last vacuum or analyze
 * found. Without one, rows are taken for small, so that the table is rather sampled than read.
 */
async function estimatedRows(session: Queryable, table: string): Promise<number> {
  const { rows } = await session.query<{ rows: number }>({
    name: `figures-size-${table}`,
    text: `SELECT coalesce(sum(CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / 8192.0) ELSE pg_relation_size(c.oid) / 200.0 END), 0)::float8 AS rows
             FROM pg_class c WHERE c.relkind <> 'p' AND (c.oid = 'syncline.${table}'::regclass OR c.oid IN (SELECT relid FROM pg_partition_tree('syncline.${table}') WHERE isleaf))`,
  });
  return rows[0]?.rows ?? 0;
}

async function countCollections(
  session: Queryable,
  countedRows: number,
): Promise<Pick<Counts, 'collections' | 'lateByKind'>> {
  const sample = await sampleOf(session, 'collections', { countedRows, sampledRows: SAMPLED_ROWS });
  const { rows } = await session.query<
    LateRow & { kind: CollectionKind; phase: Phase; state: CountedState; count: number }
  >(
    `SELECT kind, phase, state, count(*)::float8 AS count, ${LATE_COLUMNS}
       FROM (SELECT c.kind, c.phase, ${COUNTED_STATE} AS state, CASE WHEN c.promised_at IS NOT NULL THEN ${LATE_SINCE} END AS since
               FROM syncline.collections c ${sample.clause}) AS counted
      GROUP BY kind, phase, state ORDER BY kind, phase, state`,
    sample.values,
  );
  const scaled = (count: number): number => Math.round(count * sample.factor);
  const counts = rows.map(({ kind, phase, state, count }): CollectionCount => ({
    kind,
    phase,
    state,
    count: scaled(count),
  }));
  const lateByKind = forKinds(() => lateOverOf(NONE_LATE));
  for (const row of rows)
    for (const seconds of LATE_OVER_SECONDS)
      lateByKind[row.kind][seconds] += scaled(row[`over${seconds}`]);
  return {
    collections: {
      isEstimate: sample.factor !== 1,
      total: counts.reduce((sum, { count }) => sum + count, 0),
      counts,
    },
    lateByKind,
  };
}

const NONE_LATE = Object.fromEntries(
  LATE_OVER_SECONDS.map((seconds) => [`over${seconds}`, 0]),
) as LateRow;

/** SQL on `collections c`. A collection of an account that is not active is off the schedule. */
const COUNTED_STATE = `CASE WHEN c.state <> 'active' THEN c.state WHEN c.next_sync_at >= ${NEVER} THEN 'account-not-active' WHEN c.parked IS NOT NULL THEN 'parked' ELSE 'active' END`;

async function countAccounts(session: Queryable, countedRows: number): Promise<Counts['accounts']> {
  const sample = await sampleOf(session, 'accounts', { countedRows, sampledRows: SAMPLED_ROWS });
  const { rows } = await session.query<{ state: AccountState; count: number }>(
    `SELECT state, count(*)::float8 AS count FROM syncline.accounts a ${sample.clause} GROUP BY state`,
    sample.values,
  );
  const byState: Record<AccountState, number> = {
    active: 0,
    reauth_required: 0,
    paused: 0,
    disabled: 0,
    removing: 0,
  };
  for (const { state, count } of rows) byState[state] = Math.round(count * sample.factor);
  const total = Object.values(byState).reduce((sum, count) => sum + count, 0);
  return { isEstimate: sample.factor !== 1, total, byState };
}

async function countWatches(
  session: Queryable,
  countedRows: number,
): Promise<FleetFigures['watches']> {
  const sample = await sampleOf(session, 'watches', { countedRows, sampledRows: SAMPLED_WATCHES });
  // The collection's row is read by its key: OFFSET keeps the planner from joining whole tables.
  const { rows } = await session.query<{
    kind: CollectionKind;
    state: WatchCountKey;
    count: number;
  }>(
    `SELECT c.kind, CASE WHEN w.state <> 'on' THEN w.state WHEN w.expires_at <= now() THEN 'expired' WHEN ${IS_SILENT} THEN 'silent' ELSE 'on' END AS state, count(*)::float8 AS count
       FROM syncline.watches w ${sample.clause} CROSS JOIN LATERAL (SELECT kind, notified_at FROM syncline.collections WHERE id = w.collection_id OFFSET 0) AS c
      GROUP BY 1, 2`,
    sample.values,
  );
  const byKind = forKinds(
    () =>
      Object.fromEntries(WATCH_COUNT_KEYS.map((key) => [key, 0])) as Record<WatchCountKey, number>,
  );
  for (const { kind, state, count } of rows)
    byKind[kind][state] = Math.round(count * sample.factor);
  return { isEstimate: sample.factor !== 1, byKind };
}

async function countQuarantine(session: Queryable): Promise<FleetFigures['quarantine']> {
  const { rows } = await session.query<{ cause: QuarantineCause; count: number }>({
    name: 'figures-quarantine',
    text: `SELECT cause, found.count
             FROM unnest($1::text[]) AS cause CROSS JOIN LATERAL (
                  SELECT count(*)::float8 AS count
                    FROM (SELECT 1 FROM syncline.quarantined_items q WHERE q.cause = cause.cause ORDER BY q.first_at LIMIT ${QUARANTINE_LIMIT + 1}) AS first) AS found`,
    values: [arrayLiteral(QUARANTINE_CAUSES, (cause) => cause)],
  });
  return Object.fromEntries(
    rows.map(({ cause, count }) => [cause, bounded(count, QUARANTINE_LIMIT)]),
  ) as FleetFigures['quarantine'];
}
