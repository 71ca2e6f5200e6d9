import type pg from 'pg';
import { BEGIN } from './server-link.js';

/*
 * The epoch of the change feed. An epoch and a number of the feed identify one change permanently.
 *
 * A restored database assigns numbers again that consumers have already read, so a restore begins a
 * new epoch. There are two signs of a restore: the database is not the recorded one (a dump was
 * restored elsewhere), or its counter is lower than a value that was recorded outside of it (an
 * older state in the same place). Redis and each process record the counter.
 *
 * An epoch begins in one transaction that locks every account's row. The commit of a page locks
 * this row last and holds it, so each number was assigned either before or after the beginning, and
 * the commit needs no additional statement.
 */

/** The reason why an epoch began. */
type EpochCause = 'operator' | 'another-database' | 'older-state';

export interface FeedState {
  epoch: number;
  counter: bigint;
  /** Identifies this deployment in this database; the counter is stored in Redis under it. */
  name: string;
  /** The reason when the check began this epoch, otherwise null. */
  begun: EpochCause | null;
}

/** The counter as it was recorded outside of Postgres. */
export interface RememberedCounter {
  name: string;
  counter: bigint;
}

/** The database of a session. */
interface DatabaseIdentity {
  /** Identifier of the cluster; null when the role may not read it. */
  systemIdentifier: string | null;
  databaseOid: string;
}

type Session = Pick<pg.Client, 'query'>;

/**
 * Whether the recorded database is not this one. Without a record, or without the identifier of the
 * cluster, it counts as this one.
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
 * Checks whether this is the recorded database in a state that is not older than recorded. Otherwise
 * it begins a new epoch.
 * @param remembered the counter as recorded outside of Postgres; ignored when it was recorded for
 * another database
 * @param advance increases the counter; for callers that record the result
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

/** Begins a new epoch at an operator's request and returns it. */
export async function beginEpoch(session: Session): Promise<number> {
  return inOneTransaction(session, () => begin(session, 'operator'));
}

/**
 * SQL of the transaction that removes an account: new accounts begin with another epoch. The same
 * address may be connected again, and its numbers begin at 1.
 */
export const EPOCH_AFTER_REMOVAL = `UPDATE syncline.feed_state SET epoch = greatest(epoch + 1, floor(extract(epoch FROM clock_timestamp()))::bigint), begun_at = now(), cause = 'account-removed'`;

/**
 * The first statement locks the row of the feed's state, so that two concurrent calls begin two
 * epochs. The second one waits for the commits that hold an account's row.
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
  await session.query('UPDATE syncline.feed_position SET epoch = $1, epoch_start = position', [
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
  if (!row) throw new Error('feed_state has no row, although a migration inserted one');
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

/** Sends two statements, because the second one fails for a role without the right. */
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
