import type pg from 'pg';
import { BEGIN } from './server-link.js';

/*
 * The feed's epoch. Together with it a number of the feed names one change for ever.
 *
 * A restored database is an older state, which gives out numbers again that consumers have seen. So
 * a restore begins a new epoch. It is found in two ways: the database is another than the one that
 * was recorded (a dump that was restored elsewhere), or a counter stands below a value that was
 * recorded elsewhere (an older state in the same place; Redis and each process record it).
 *
 * An epoch begins in one transaction that locks every account's row. A page's commit locks that row
 * last and holds it, so each number lies before or after the beginning, and the commit needs no
 * additional query.
 */

/** Why an epoch began. */
type EpochCause = 'operator' | 'another-database' | 'older-state';

export interface FeedState {
  epoch: number;
  counter: bigint;
  /** Identifies this deployment in this database; the counter is stored in Redis under it. */
  name: string;
  /** The epoch was begun just now, and why. */
  begun: EpochCause | null;
}

/** What is remembered of the counter, outside of Postgres. */
export interface RememberedCounter {
  name: string;
  counter: bigint;
}

/** The database that a session is in. */
interface DatabaseIdentity {
  /** Of the cluster; null where the role may not ask. */
  systemIdentifier: string | null;
  databaseOid: string;
}

type Session = Pick<pg.Client, 'query'>;

/**
 * Whether the recorded database is another one than this. Without a record, or without the
 * cluster's identifier, it counts as the same.
 */
function isAnotherDatabase(
  recorded: { systemIdentifier: string | null; databaseOid: string | null },
  live: DatabaseIdentity,
): boolean {
  if (recorded.databaseOid === null) return false;
  if (recorded.databaseOid !== live.databaseOid) return true;
  return (
    recorded.systemIdentifier !== null &&
    live.systemIdentifier !== null &&
    recorded.systemIdentifier !== live.systemIdentifier
  );
}

/**
 * Checks whether this is the recorded database in a state no older than recorded, and begins a new
 * epoch if not.
 * @param remembered what is known of the counter elsewhere; it counts for the database that it was
 * remembered of, and for no other
 * @param advance counts on: for schedulers, and whoever remembers the result
 */
export async function checkFeed(
  session: Session,
  remembered: RememberedCounter | null,
  advance: boolean,
): Promise<FeedState> {
  const live = await identityOf(session);
  const seen = await stateOf(session, live, false);
  if (!advance && seen.recorded && causeIn(seen, live, remembered) === null) return seen.state;
  return inOneTransaction(session, async () => {
    const locked = await stateOf(session, live, true);
    const cause = causeIn(locked, live, remembered);
    const known = remembered?.name === locked.state.name ? remembered.counter : 0n;
    const counter = (known > locked.state.counter ? known : locked.state.counter) + 1n;
    await session.query(
      'UPDATE syncline.feed_state SET counter = $1, system_identifier = coalesce($2, system_identifier), database_oid = $3, database_name = current_database()',
      [String(counter), live.systemIdentifier, live.databaseOid],
    );
    const epoch = cause === null ? locked.state.epoch : await begin(session, cause);
    return { ...locked.state, counter, epoch, begun: cause };
  });
}

/** Begins a new epoch at a person's request. @returns it */
export async function beginEpoch(session: Session): Promise<number> {
  return inOneTransaction(session, () => begin(session, 'operator'));
}

/**
 * New accounts begin with another epoch from here on: the address of an account that was removed
 * may be connected again, and is numbered from 1. Part of the transaction that removes it.
 */
export const EPOCH_AFTER_REMOVAL = `UPDATE syncline.feed_state SET epoch = greatest(epoch + 1, floor(extract(epoch FROM clock_timestamp()))::bigint), begun_at = now(), cause = 'account-removed'`;

/**
 * The row is locked by whoever begins, so that of two each begins one of its own. The accounts'
 * rows wait for the pages that are being committed.
 */
async function begin(session: Session, cause: EpochCause): Promise<number> {
  const begun = await session.query<{ epoch: string }>(
    `UPDATE syncline.feed_state SET epoch = greatest(epoch + 1, floor(extract(epoch FROM clock_timestamp()))::bigint), begun_at = now(), cause = $1 RETURNING epoch`,
    [cause],
  );
  const epoch = begun.rows[0]?.epoch;
  await session.query('UPDATE syncline.accounts SET feed_epoch = $1, feed_epoch_start = feed_seq', [
    epoch,
  ]);
  return Number(epoch);
}

interface Seen {
  state: FeedState;
  recorded: boolean;
  database: { systemIdentifier: string | null; databaseOid: string | null };
}

function causeIn(
  { state, database }: Seen,
  live: DatabaseIdentity,
  remembered: RememberedCounter | null,
): EpochCause | null {
  if (isAnotherDatabase(database, live)) return 'another-database';
  const isBehind = remembered?.name === state.name && state.counter < remembered.counter;
  return isBehind ? 'older-state' : null;
}

async function stateOf(session: Session, live: DatabaseIdentity, lock: boolean): Promise<Seen> {
  const found = await session.query<{
    deployment: string;
    epoch: string;
    counter: string;
    system_identifier: string | null;
    database_oid: string | null;
  }>(
    `SELECT deployment, epoch, counter, system_identifier, database_oid FROM syncline.feed_state ${lock ? 'FOR UPDATE' : ''}`,
  );
  const row = found.rows[0];
  if (!row) throw new Error('feed_state has its row from the migration that made it');
  return {
    state: {
      epoch: Number(row.epoch),
      counter: BigInt(row.counter),
      name: `${row.deployment}:${live.systemIdentifier ?? ''}:${live.databaseOid}`,
      begun: null,
    },
    recorded: row.database_oid !== null,
    database: { systemIdentifier: row.system_identifier, databaseOid: row.database_oid },
  };
}

/** Of two statements, since a role without the right to ask would fail the one that asks. */
async function identityOf(session: Session): Promise<DatabaseIdentity> {
  const asked = await session.query<{ oid: string; may_ask: boolean }>(
    `SELECT oid::text, has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_ask FROM pg_database WHERE datname = current_database()`,
  );
  const { oid, may_ask: mayAsk } = asked.rows[0] ?? { oid: '', may_ask: false };
  if (!mayAsk) return { systemIdentifier: null, databaseOid: oid };
  const cluster = await session.query<{ id: string }>(
    'SELECT system_identifier::text AS id FROM pg_control_system()',
  );
  return { systemIdentifier: cluster.rows[0]?.id ?? null, databaseOid: oid };
}

async function inOneTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.query(BEGIN);
  try {
    const result = await work();
    await session.query('COMMIT');
    return result;
  } catch (error) {
    await session.query('ROLLBACK');
    throw error;
  }
}
