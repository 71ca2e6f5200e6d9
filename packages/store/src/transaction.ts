/**
 * Transactions whose statements travel together. Nothing waits for an answer that it does not need: BEGIN goes out with the first statements and COMMIT
 * with the last, so a page of a follower takes Postgres and the worker two or three exchanges instead of a dozen.
 *
 * Postgres runs them in the order in which they are sent, and after the first that fails none of the others: COMMIT rolls back then. What must not
 * happen is a statement that is sent after the transaction's end, since it would stand by itself: those are refused here.
 */
import type pg from 'pg';

/** Anything that runs a statement: the pool, or a transaction. */
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

  constructor(session: pg.PoolClient) {
    this.#session = session;
    this.send({ name: 'begin', text: 'BEGIN' });
  }

  /** Sends at once, before the statements that were sent earlier are answered. */
  query<Row extends pg.QueryResultRow>(
    statement: pg.QueryConfig | string,
    values?: unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const answer = this.#isOver
      ? Promise.reject(new Error('this transaction has ended: the statement would stand by itself'))
      : this.#session.query<Row>(statement as string, values);
    // Of several that fail, only the first is waited for: the others fail because of it, and COMMIT says so once more.
    answer.catch((error: Error) => {
      this.#firstFailure ??= error;
    });
    return answer;
  }

  /**
   * Why the transaction failed: statements are answered in the order in which they were sent, and
   * those after the first failure only say that there was one.
   */
  causeOf(error: unknown): unknown {
    return isAfterFailure(error) ? (this.#firstFailure ?? error) : error;
  }

  /** For a statement whose answer nobody needs: the commit waits for it, and fails with it. */
  send(statement: pg.QueryConfig): void {
    this.#sent.push(this.query(statement));
  }

  /**
   * Does `work` so that its failure undoes its own statements alone, and the transaction goes on.
   * What `work` sends without waiting is waited for.
   * @throws what `work` threw, or what failed of what it sent
   */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    const sentBefore = this.#sent;
    this.#sent = [];
    this.#firstFailure = undefined;
    try {
      await this.query({ name: 'savepoint', text: 'SAVEPOINT apart' });
      const result = await work();
      await Promise.all(this.#sent);
      await this.query({ name: 'savepoint-release', text: 'RELEASE SAVEPOINT apart' });
      return result;
    } catch (error) {
      const cause = this.causeOf(error);
      await Promise.allSettled(this.#sent);
      await this.query({ name: 'savepoint-rollback', text: 'ROLLBACK TO SAVEPOINT apart' });
      await this.query({ name: 'savepoint-release', text: 'RELEASE SAVEPOINT apart' });
      this.#firstFailure = undefined;
      throw cause;
    } finally {
      this.#sent = sentBefore;
    }
  }

  /** @throws what a statement threw that was only sent */
  async commit(): Promise<void> {
    const committed = this.query({ name: 'commit', text: 'COMMIT' });
    this.#isOver = true;
    await Promise.all(this.#sent);
    const { command } = await committed;
    if (command !== 'COMMIT')
      throw new Error('a statement of this transaction failed, and nobody waited for it');
  }

  /** Waits for everything that is on its way. @returns why the session must not go back to the pool, if so */
  async rollback(): Promise<Error | undefined> {
    this.#isOver = true;
    return await this.#session.query('ROLLBACK').then(
      () => undefined,
      (error: Error) => error,
    );
  }
}

/** 25P02: the statement came after one that failed. */
function isAfterFailure(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '25P02';
}

/** Times that a transaction which Postgres ended to break a deadlock is run again. */
const MAX_DEADLOCK_RETRIES = 3;

/**
 * Runs `work` in one transaction on one session; any throw rolls back. `work` may run again after a deadlock, so it does nothing but SQL.
 * Lock order keeps deadlocks away on the hot paths; the calendar list, which closes other collections, can still meet one.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt(pool, work);
    } catch (error) {
      if (
        retries >= MAX_DEADLOCK_RETRIES ||
        !['40P01', '40001'].includes(String((error as { code?: unknown }).code))
      )
        throw error;
    }
  }
}

async function attempt<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const session = await pool.connect();
  const transaction = new Transaction(session);
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
