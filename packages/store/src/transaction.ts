/**
 * Transactions with pipelined statements. No statement waits for an answer that it does not need:
 * BEGIN is sent with the first statements and COMMIT with the last, so a page of an incremental
 * sync takes two or three round trips to Postgres instead of a dozen.
 *
 * Postgres runs the statements in the order in which they are sent, and none after the first that
 * fails; COMMIT then rolls back. A statement sent after the end of the transaction would run on its
 * own, so this module rejects such statements.
 */
import type pg from 'pg';
import { actorStatement } from './actor.js';
import { BEGIN, BEGIN_SNAPSHOT, type ServerLink } from './server-link.js';
import { statementOf, type RowAccess } from './row-access.js';
import { linkOf } from './session.js';

/** Runs statements: the pool, or a transaction. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(
    statement: pg.QueryConfig | string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>>;
}

export class Transaction implements Queryable {
  readonly #session: pg.PoolClient;
  #sent: Promise<unknown>[] = [];
  #isOver = false;
  #firstFailure: Error | undefined;

  readonly #link: ServerLink | undefined;
  readonly #begun: Promise<unknown>;
  #committed: Promise<pg.QueryResult> | undefined;

  /** @param access the rows that it may read, under row security */
  constructor(session: pg.PoolClient, begin = BEGIN, access?: RowAccess) {
    this.#session = session;
    this.#link = linkOf(session);
    this.#begun = this.query(this.#link?.begin(begin) ?? begin);
    this.#sent.push(this.#begun);
    if (access) this.send(statementOf(access));
    const actor = actorStatement();
    if (actor) this.send(actor);
  }

  /** Sends immediately, before earlier statements are answered. */
  query<Row extends pg.QueryResultRow>(
    statement: pg.QueryConfig | string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const answer = this.#isOver
      ? Promise.reject(
          new Error('this transaction has ended: the statement would run outside of it'),
        )
      : this.#session.query<Row>(statement as string, values);
    // Only the first failed statement is awaited. Later statements fail because of it, and COMMIT
    // reports the failure again.
    answer.catch((error: Error) => {
      this.#firstFailure ??= error;
    });
    return answer;
  }

  /**
   * Returns the cause of a failed transaction. Statements are answered in the order in which they
   * were sent, and those after the first failure only report that there was one.
   */
  causeOf(error: unknown): unknown {
    return isAfterFailure(error) ? (this.#firstFailure ?? error) : error;
  }

  /**
   * Sends a statement whose result is not needed. The commit waits for it, and fails when it fails.
   */
  send(statement: pg.QueryConfig): void {
    this.#sent.push(this.query(statement));
  }

  /**
   * Does `work` so that its failure undoes only its own statements, and the transaction continues.
   * Statements that `work` sends without waiting are awaited.
   * @throws the error of `work`, or of a statement that it sent
   */
  async withSavepoint<T>(work: () => Promise<T>): Promise<T> {
    const sentBefore = this.#sent;
    this.#sent = [];
    this.#firstFailure = undefined;
    try {
      await this.query('SAVEPOINT apart');
      const result = await work();
      await Promise.all(this.#sent);
      await this.query('RELEASE SAVEPOINT apart');
      return result;
    } catch (error) {
      const cause = this.causeOf(error);
      await Promise.allSettled(this.#sent);
      await this.query('ROLLBACK TO SAVEPOINT apart');
      await this.query('RELEASE SAVEPOINT apart');
      this.#firstFailure = undefined;
      throw cause;
    } finally {
      this.#sent = sentBefore;
    }
  }

  /**
   * Commits once; later calls wait for the first.
   * @throws the error of a statement that was sent without waiting
   */
  async commit(): Promise<void> {
    if (this.#link?.isPooled) await this.#checkServer(this.#link);
    if (!this.#committed) {
      this.#committed = this.query('COMMIT');
      this.#isOver = true;
    }
    await Promise.all(this.#sent);
    const { command } = await this.#committed;
    if (command !== 'COMMIT')
      throw new Error('a statement of this transaction failed, and its error was not awaited');
  }

  /**
   * @throws UnknownServer when the pooler has assigned the transaction to a server whose state was
   * not checked
   */
  async #checkServer(link: ServerLink): Promise<void> {
    const answers = await this.#begun;
    if (!Array.isArray(answers)) return;
    const server = (answers.at(-1) as pg.QueryResult<{ server?: string }>).rows[0]?.server;
    if (server !== undefined && !link.isKnown(server)) throw new UnknownServer(server);
  }

  /**
   * Waits for all pending statements.
   * @returns the reason why the session must not return to the pool, if any
   */
  async rollback(): Promise<Error | undefined> {
    this.#isOver = true;
    return await this.#session.query('ROLLBACK').then(
      () => undefined,
      (error: Error) => error,
    );
  }
}

/**
 * Nothing of the transaction was stored. It is repeated after the database's state has been
 * checked.
 */
class UnknownServer extends Error {
  override readonly name = 'UnknownServer';
  constructor(readonly server: string) {
    super('the pooler has assigned another server, whose state must be checked first');
  }
}

/** 25P02: the statement came after a failed one. */
function isAfterFailure(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '25P02';
}

/** Maximum number of repetitions of a transaction that Postgres ended to break a deadlock. */
const MAX_DEADLOCK_RETRIES = 3;
/** Maximum number of repetitions because a pooler has changed the server. */
const MAX_SERVER_CHANGES = 3;

/**
 * Runs `work` in one transaction on one session; any error rolls back. `work` may run again after a
 * deadlock, after a pooler has changed the server, and after the name of a prepared statement was
 * refused, so it may only execute SQL. The lock order prevents deadlocks on the hot paths. The
 * calendar list, which closes other collections, can still cause one.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
  begin = BEGIN,
): Promise<T> {
  const link = linkOf(pool);
  const run = (): Promise<T> => onKnownServer(pool, link, () => attempt(pool, work, begin));
  for (let retries = 0; ; retries++) {
    try {
      return await (link ? link.statements.repeatUnnamed(run) : run());
    } catch (error) {
      if (
        retries >= MAX_DEADLOCK_RETRIES ||
        !['40P01', '40001'].includes(String((error as { code?: unknown }).code))
      )
        throw error;
    }
  }
}

/** Runs `work`, which only reads, on one state of the database (repeatable read). */
export function inSnapshot<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, work, BEGIN_SNAPSHOT);
}

/**
 * Returns a Queryable that finds rows by index, independently of the size of a table when the
 * statement was planned. If the pool was opened with `byIndex`, a statement runs in its own
 * transaction, in one round trip.
 */
export function byIndex(pool: pg.Pool): Queryable {
  return linkOf(pool)?.byIndex ? eachInTransaction(pool) : pool;
}

/** Returns a Queryable whose statements each run in their own transaction, in one round trip. */
export function eachInTransaction(pool: pg.Pool): Queryable {
  return {
    query: <Row extends pg.QueryResultRow>(
      statement: pg.QueryConfig | string,
      values?: unknown[],
    ) =>
      inTransaction(pool, async (transaction) => {
        const [result] = await Promise.all([
          transaction.query<Row>(statement, values),
          transaction.commit(),
        ]);
        return result;
      }),
  };
}

async function onKnownServer<T>(
  pool: pg.Pool,
  link: ServerLink | undefined,
  attemptOnce: () => Promise<T>,
): Promise<T> {
  for (let changes = 0; ; changes++) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (!link || changes >= MAX_SERVER_CHANGES || !(error instanceof UnknownServer)) throw error;
      await link.checkServer(pool, error.server);
    }
  }
}

async function attempt<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
  begin: string,
): Promise<T> {
  const access = linkOf(pool)?.reads?.access?.();
  const session = await pool.connect();
  const transaction = new Transaction(session, begin, access);
  let broken: Error | undefined;
  try {
    const result = await work(transaction);
    await transaction.commit();
    return result;
  } catch (error) {
    broken = await transaction.rollback();
    throw transaction.causeOf(error);
  } finally {
    session.release(broken);
  }
}
