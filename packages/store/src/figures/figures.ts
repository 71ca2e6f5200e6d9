/**
 * The figures of the fleet: rolled up by one scheduler at a time, and read as one row by everybody
 * else, so that no screen and no scrape costs a scan.
 */
import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import type { NamedLease } from '../alone.js';
import { livingProcesses, pruneProcesses } from '../processes.js';
import { inTransaction, type Queryable } from '../transaction.js';
import { countFleet } from './count.js';
import { readDue, readHindered, readLate, readNotActive } from './late.js';
import { nextFigures, type Counted, type Measured } from './next-figures.js';
import { FIGURE_STEPS, type FigureStep, type FleetFigures } from './types.js';

/** The pauses between two roll-ups, and between two counts by state. */
const MEASURE_EVERY_MS = 5_000;
const COUNT_EVERY_MS = 60_000;
/** While more is late than is read exactly, the estimate is made more often. */
const COUNT_WHILE_LATE_EVERY_MS = 15_000;
/** The largest share of Postgres' time that each of the two takes, unless it takes very long. */
const SHARE = 0.005;
/** One slow answer of Postgres does not stop the figures for longer. */
const MEASURE_AT_LEAST_EVERY_MS = 60_000;
const COUNT_AT_LEAST_EVERY_MS = 15 * 60_000;
const HISTORY_LIMIT = 2_000;

/** A row of the history. */
interface FiguresAt {
  /** When its minute, ten minutes or day began. */
  at: Date;
  figures: FleetFigures;
}

export interface Figures {
  /** Returns the last roll-up; null before the first. One row by its key. */
  latest(): Promise<FleetFigures | null>;
  /** Returns the roll-ups of a time, the oldest first, at most 2,000. */
  history(o: { step: FigureStep; from: Date; to: Date }): Promise<FiguresAt[]>;
  /**
   * Measures and writes the figures unless another process has just done so.
   * @param lease fences the write
   * @returns when the next roll-up is due
   */
  rollUp(lease: Pick<NamedLease, 'fence'>): Promise<{ nextInMs: number }>;
}

export function figuresIn(rt: Pick<Runtime, 'clock'>, pool: pg.Pool): Figures {
  return {
    latest: async () => (await latestRow(pool))?.figures ?? null,
    history: (o) => history(pool, o),
    rollUp: (lease) => rollUp(rt, pool, lease),
  };
}

/** What a row holds: the figures, and what the next roll-up needs. */
interface Stored {
  figures: FleetFigures;
  counted: Counted;
  /** How long the two parts took. */
  tookMs: { measure: number; count: number };
}

async function rollUp(
  rt: Pick<Runtime, 'clock'>,
  pool: pg.Pool,
  lease: Pick<NamedLease, 'fence'>,
): Promise<{ nextInMs: number }> {
  const previous = await latestRow(pool);
  if (previous && previous.ageMs < MEASURE_EVERY_MS - EARLY_MS)
    return { nextInMs: MEASURE_EVERY_MS - Math.max(0, previous.ageMs) };
  const measured = await timed(rt, () => measure(pool));
  const { late } = measured.result;
  const isRecent = previous !== null && isCountRecent(previous, late);
  const count = isRecent ? null : await timed(rt, () => countFleet(pool));
  const counted = count ? { ...count.result, atMs: late.atMs } : (previous as Stored).counted;
  const stored: Stored = {
    figures: nextFigures(previous?.figures ?? null, measured.result, counted),
    counted,
    tookMs: { measure: measured.tookMs, count: count?.tookMs ?? previous?.tookMs.count ?? 0 },
  };
  await write(pool, lease, stored, count !== null);
  return { nextInMs: measureAgainInMs(measured.tookMs) };
}

/** Pure. @param tookMs duration of the last measurement */
export function measureAgainInMs(tookMs: number): number {
  return Math.min(MEASURE_AT_LEAST_EVERY_MS, Math.max(MEASURE_EVERY_MS, tookMs / SHARE));
}

/**
 * Pure.
 * @param tookMs duration of the last count
 * @param isMore more collections are late than are read exactly
 */
export function countAgainInMs(tookMs: number, isMore: boolean): number {
  const shortestMs = isMore ? COUNT_WHILE_LATE_EVERY_MS : COUNT_EVERY_MS;
  return Math.min(COUNT_AT_LEAST_EVERY_MS, Math.max(shortestMs, tookMs / SHARE));
}

/** Timers may fire a little early. */
const EARLY_MS = 100;

async function measure(session: Queryable): Promise<Measured> {
  return {
    late: await readLate(session),
    due: await readDue(session),
    hindered: await readHindered(session),
    notActive: await readNotActive(session),
    processes: await livingProcesses(session),
  };
}

function isCountRecent({ counted, tookMs }: Stored, { atMs, isMore }: Measured['late']): boolean {
  const everyMs = countAgainInMs(tookMs.count, isMore);
  // A difference is negative only when the clock was set back.
  const agoMs = atMs - counted.atMs;
  return agoMs >= 0 && agoMs < everyMs;
}

async function timed<T>(
  { clock }: Pick<Runtime, 'clock'>,
  work: () => Promise<T>,
): Promise<{ result: T; tookMs: number }> {
  const beganMs = clock.nowMs();
  const result = await work();
  return { result, tookMs: Math.max(0, clock.nowMs() - beganMs) };
}

/** The rows by ten minutes and by day are written with a count, and old rows are deleted then. */
async function write(
  pool: pg.Pool,
  lease: Pick<NamedLease, 'fence'>,
  stored: Stored,
  isCounted: boolean,
): Promise<void> {
  const steps = (Object.keys(FIGURE_STEPS) as FigureStep[]).filter(
    (step) => isCounted || step === 'minute',
  );
  await inTransaction(pool, async (transaction) => {
    await lease.fence(transaction);
    for (const step of steps)
      await transaction.query({
        name: 'figures-write',
        text: `INSERT INTO syncline.fleet_figures (step, at, figures)
               VALUES ($1, date_bin($2 * interval '1 second', $3::timestamptz, timestamptz '2000-01-01 00:00:00+00'), $4)
               ON CONFLICT (step, at) DO UPDATE SET figures = excluded.figures`,
        values: [
          step,
          FIGURE_STEPS[step].seconds,
          stored.figures.asOf,
          JSON.stringify(step === 'minute' ? stored : { figures: stored.figures }),
        ],
      });
    if (!isCounted) return;
    for (const step of steps)
      await transaction.query(
        `DELETE FROM syncline.fleet_figures WHERE step = $1 AND at < now() - $2 * interval '1 hour'`,
        [step, FIGURE_STEPS[step].keptHours],
      );
    await pruneProcesses(transaction);
  });
}

async function latestRow(session: Queryable): Promise<(Stored & { ageMs: number }) | null> {
  const { rows } = await session.query<{ figures: Stored; ageMs: number }>({
    name: 'figures-latest',
    text: `SELECT figures, (extract(epoch FROM now() - (figures->'figures'->>'asOf')::timestamptz) * 1000)::float8 AS "ageMs"
             FROM syncline.fleet_figures WHERE step = 'minute' ORDER BY at DESC LIMIT 1`,
  });
  const [row] = rows;
  if (!row) return null;
  return { ...row.figures, figures: withDates(row.figures.figures), ageMs: row.ageMs };
}

async function history(
  session: Queryable,
  { step, from, to }: { step: FigureStep; from: Date; to: Date },
): Promise<FiguresAt[]> {
  const { rows } = await session.query<{ at: Date; figures: FleetFigures }>({
    name: 'figures-history',
    text: `SELECT at, figures->'figures' AS figures FROM syncline.fleet_figures WHERE step = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT ${HISTORY_LIMIT}`,
    values: [step, from, to],
  });
  return rows.map(({ at, figures }) => ({ at, figures: withDates(figures) }));
}

/** JSON holds times as text. */
function withDates(figures: FleetFigures): FleetFigures {
  return {
    ...figures,
    asOf: new Date(figures.asOf),
    countedAt: new Date(figures.countedAt),
    processes: figures.processes.map((one) => ({
      ...one,
      startedAt: new Date(one.startedAt),
      seenAt: new Date(one.seenAt),
    })),
  };
}
