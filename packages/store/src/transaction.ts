/**
 * Transactions whose statements travel together. Nothing waits for an answer that it does not need:
 * BEGIN goes out with the first statements and COMMIT with the last, so a page of an incremental
 * sync takes two or three exchanges with Postgres instead of a dozen.
 *
 * Postgres runs them in the order in which they are sent, and after the first that fails none of the others: COMMIT rolls back then. What must not
 * happen is a statement that is sent after the transaction's end, since it would stand by itself: those are refused here.
 */
import type pg from 'pg';
import { BEGIN, type ServerLink } from './server-link.js';
import { linkOf } from './session.js';

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

  readonly #link: ServerLink | undefined;
  readonly #begun: Promise<unknown>;
  #committed: Promise<pg.QueryResult> | undefined;

  constructor(session: pg.PoolClient) {
    this.#session = session;
    this.#link = linkOf(session);
    this.#begun = this.query(this.#link?.begin ?? BEGIN);
    this.#sent.push(this.#begun);
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

  /** Once; later calls wait for the first. @throws what a statement threw that was only sent */
  async commit(): Promise<void> {
    if (this.#link?.isPooled) await this.#checkServer(this.#link);
    if (!this.#committed) {
      this.#committed = this.query('COMMIT');
      this.#isOver = true;
    }
    await Promise.all(this.#sent);
    const { command } = await this.#committed;
    if (command !== 'COMMIT')
      throw new Error('a statement of this transaction failed, and nobody waited for it');
  }

  /** @throws UnknownServer when the pooler has given the transaction a server connection to a server whose state was not checked */
  async #checkServer(link: ServerLink): Promise<void> {
    const answers = await this.#begun;
    if (!Array.isArray(answers)) return;
    const server = (answers.at(-1) as pg.QueryResult<{ server?: string }>).rows[0]?.server;
    if (server !== undefined && !link.isKnown(server)) throw new UnknownServer(server);
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

/** Nothing of the transaction was stored. It is repeated when the database's state was checked. */
class UnknownServer extends Error {
  override readonly name = 'UnknownServer';
  constructor(readonly server: string) {
    super('the pooler has changed the server: its state is to be checked first');
  }
}

/** 25P02: the statement came after one that failed. */
function isAfterFailure(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '25P02';
}

/** Times that a transaction which Postgres ended to break a deadlock is run again. */
const MAX_DEADLOCK_RETRIES = 3;
/** Times that it is run again because a pooler has changed the server. */
const MAX_SERVER_CHANGES = 3;

/**
 * Runs `work` in one transaction on one session; any throw rolls back. `work` may run again after a deadlock, after a pooler has changed the server, and
 * after the name of a prepared statement was refused, so it does nothing but SQL.
 * Lock order keeps deadlocks away on the hot paths; the calendar list, which closes other collections, can still meet one.
 */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const link = linkOf(pool);
  const run = (): Promise<T> => onKnownServer(pool, link, work);
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

/**
 * One statement that finds its rows by index, whatever the size of a table was when it was planned: in a transaction of its own, in one exchange, where the
 * pool was opened so.
 */
export function byIndex(pool: pg.Pool): Queryable {
  if (!linkOf(pool)?.byIndex) return pool;
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
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  for (let changes = 0; ; changes++) {
    try {
      return await attempt(pool, work);
    } catch (error) {
      if (!link || changes >= MAX_SERVER_CHANGES || !(error instanceof UnknownServer)) throw error;
      await link.meet(pool, error.server);
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
