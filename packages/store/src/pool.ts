import { Socket } from 'node:net';
import pg from 'pg';
import { connectionOf } from './connection.js';
import type { NamesRefused } from './prepared-statements.js';
import { schemaOf } from './schema-name.js';
import { type ReadLimits, ServerLink, STATEMENT_LIMIT_MS } from './server-link.js';
import { sessionClass, setLink } from './session.js';
import { eachInTransaction } from './transaction.js';

/**
 * A session that has not answered in this time never will, because in a transaction the server ends
 * a statement sooner. A connection that a firewall has dropped appears open for a quarter of an
 * hour. A caller that waits for it occupies a job slot and a lease that others could use.
 */
const ANSWER_LIMIT_MS = STATEMENT_LIMIT_MS + 5_000;
/** Idle time after which the operating system checks whether the peer is still reachable. */
const KEEP_ALIVE_AFTER_MS = 30_000;

export interface PoolOptions {
  /** See openPool. Default false. */
  byIndex?: boolean;
  answerLimitMs?: number;
  /**
   * Checks the database before it is used: at the start of a session, and when a pooler has changed
   * the server behind it.
   */
  verify?: (session: pg.PoolClient) => Promise<void>;
  /**
   * Called once, when a pooler has refused the names of prepared statements and all further
   * statements are unnamed.
   */
  onNamesRefused?: (reason: NamesRefused) => void;
  /** For a pool that only reads for clients. */
  reads?: ReadLimits;
}

/**
 * Opens the pool of a process, which Prisma's adapter uses too; an API has a second one. Its sessions have no settings
 * of their own, so that a pooler may be in front of the server: transactions carry their settings
 * (`server-link.ts`).
 *
 * A statement outside of a transaction has no time limit at the server. After ANSWER_LIMIT_MS it is
 * abandoned here, and cancelled at the server (`session.ts`).
 *
 * @param byIndex for processes that run the same statements permanently, each of which has an
 * index. A plan that was made while a table was small reads the whole table, and stays in the
 * session until the next ANALYZE. The list of the full syncs is usually empty, and has half a
 * million rows a minute after a tenant has connected. The statement with which each incremental
 * sync clears its three rows then read all of them, and changes waited for 15 s. It also keeps one
 * plan per statement and session: Postgres otherwise plans a statement with an array parameter each
 * time, in search of a better plan. The statement of a notification took 0.84 ms to plan and 0.27
 * ms to run. The option applies to transactions, and to statements that run through `byIndex`.
 */
export function openPool(
  databaseUrl: string,
  max: number,
  {
    byIndex = false,
    answerLimitMs = ANSWER_LIMIT_MS,
    verify,
    onNamesRefused = () => undefined,
    reads,
  }: PoolOptions = {},
): pg.Pool {
  const link = new ServerLink({
    schema: schemaOf(databaseUrl),
    byIndex,
    answerLimitMs,
    verify,
    onNamesRefused,
    reads,
  });
  const pool = new pg.Pool({
    Client: sessionClass(link),
    ...connectionOf(databaseUrl),
    max,
    // Statements that are issued without waiting are sent without waiting (`transaction.ts`), and
    // answered in the same order.
    pipeline: true,
    stream: () => new WriteBatchingSocket(),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    verify: verify && ((session, proceed) => void verify(session).then(() => proceed(), proceed)),
  });
  setLink(pool, link);
  const ask = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
  pool.query = (
    reads
      ? eachInTransaction(pool).query
      : (...asked: unknown[]) => link.statements.repeatUnnamed(() => ask(...asked))
  ) as typeof pool.query;
  // An idle session that the server closes reports its error here. Nothing has to be done, because
  // the next query opens another session.
  pool.on('error', () => undefined);
  // Nothing has to be done for a session in use either: its pending query rejects. Without a
  // listener the error would end the process.
  pool.on('connect', (session) => session.on('error', () => undefined));
  return pool;
}

/**
 * A socket that combines the writes of one tick into one: the statements of a commit are sent in
 * one system call and wake Postgres once. In a worker that syncs mailboxes incrementally, such
 * calls were four tenths of the CPU time.
 */
class WriteBatchingSocket extends Socket {
  /** The driver and the session cork and uncork the socket around each statement. */
  override uncork(): void {
    process.nextTick(() => super.uncork());
  }
}

/**
 * Returns an array as a text literal. Measured: 13,000 rows/s and 0.29 CPU s per 10,000 rows,
 * against 2,100 rows/s and 4.7 CPU s with one bound parameter per value (Prisma's createMany).
 */
export function arrayLiteral<T>(
  rows: readonly T[],
  value: (row: T) => string | number | bigint | boolean | null,
): string {
  let literal = '{';
  for (let i = 0; i < rows.length; i++) {
    if (i > 0) literal += ',';
    literal += elementOf(value(rows[i] as T));
  }
  return literal + '}';
}

function elementOf(value: string | number | bigint | boolean | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' ? quoted(value) : String(value);
}

const TEXT_OID = 25;
const NULL_LENGTH = -1;

/**
 * Returns a text[] in Postgres' binary format, for texts of any length: neither side has to escape
 * or scan quotes. In literals, the quotes in the JSON and HTML of a page of mail took a tenth of
 * the worker's CPU time.
 */
export function textArray<T>(rows: readonly T[], value: (row: T) => string | null): Buffer {
  const texts = rows.map(value);
  const lengths = texts.map((text) => (text === null ? NULL_LENGTH : Buffer.byteLength(text)));
  const array = Buffer.allocUnsafe(
    lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), texts.length > 0 ? 20 : 12),
  );
  let at = 0;
  const header =
    texts.length > 0
      ? [1, lengths.includes(NULL_LENGTH) ? 1 : 0, TEXT_OID, texts.length, 1]
      : [0, 0, TEXT_OID];
  for (const word of header) at = array.writeInt32BE(word, at);
  for (const [i, text] of texts.entries()) {
    at = array.writeInt32BE(lengths[i] ?? NULL_LENGTH, at);
    if (text !== null) at += array.write(text, at);
  }
  return array;
}

/**
 * Returns the literal of a text[] inside a text[]. unnest flattens two-dimensional arrays, so the
 * inner array is passed as a literal and cast per row.
 */
export function innerArray(values: readonly string[]): string {
  return '{' + values.map(quoted).join(',') + '}';
}

function quoted(text: string): string {
  return '"' + (/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text) + '"';
}
