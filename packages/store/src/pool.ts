import { Socket } from 'node:net';
import pg from 'pg';
import { connectionOf } from './connection.js';
import type { NamesRefused } from './prepared-statements.js';
import { schemaOf } from './schema-name.js';
import { ServerLink, STATEMENT_LIMIT_MS } from './server-link.js';
import { sessionClass, setLink } from './session.js';

/**
 * A session that has not answered by then never will: in a transaction the server ends a statement sooner. Connections that a firewall has forgotten look
 * alive for a quarter of an hour, and whoever waits for one holds a slot and the lease that others could have.
 */
const ANSWER_LIMIT_MS = STATEMENT_LIMIT_MS + 5_000;
/** After so long without a word the operating system asks whether the other side is alive. */
const KEEP_ALIVE_AFTER_MS = 30_000;

export interface PoolOptions {
  /** See openPool. Default false. */
  byIndex?: boolean;
  answerLimitMs?: number;
  /** Checks the database before it is used: at the start of a session, and when a pooler has changed the server behind it. */
  verify?: (session: pg.PoolClient) => Promise<void>;
  /** Called once, when a pooler refused the names of prepared statements and every statement is unnamed from here on. */
  onNamesRefused?: (reason: NamesRefused) => void;
}

/**
 * The one pool of a process, which Prisma's adapter uses too. Its sessions have no settings of
 * their own, so that a pooler may stand before the server: transactions bring theirs
 * (`server-link.ts`).
 *
 * A statement outside of a transaction has no limit at the server. It is given up here after
 * ANSWER_LIMIT_MS, and cancelled at the server (`session.ts`).
 *
 * @param byIndex for who runs the same statements for ever, each of which has its index: a plan
 * that was made while a table was small reads it from end to end, and stays in the session until
 * the next ANALYZE. The full syncs' list is empty most of the time and has half a million rows a
 * minute after a tenant has connected: each incremental sync's clearing of its three rows read
 * them all then, and changes waited for 15 s. One plan a session: Postgres otherwise plans whatever takes an
 * array anew each time, in the hope of a better one. A notification's statement was planned for
 * 0.84 ms and ran for 0.27. It holds for transactions, and for what goes through `byIndex`.
 */
export function openPool(
  databaseUrl: string,
  max: number,
  {
    byIndex = false,
    answerLimitMs = ANSWER_LIMIT_MS,
    verify,
    onNamesRefused = () => undefined,
  }: PoolOptions = {},
): pg.Pool {
  const link = new ServerLink({
    schema: schemaOf(databaseUrl),
    byIndex,
    answerLimitMs,
    verify,
    onNamesRefused,
  });
  const pool = new pg.Pool({
    Client: sessionClass(link),
    ...connectionOf(databaseUrl),
    max,
    // What is asked for without waiting is sent without waiting (`transaction.ts`), and answered in the order in which it was asked.
    pipeline: true,
    stream: () => new OneWriteATick(),
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    verify: verify && ((session, proceed) => void verify(session).then(() => proceed(), proceed)),
  });
  setLink(pool, link);
  const ask = pool.query.bind(pool) as (...asked: unknown[]) => Promise<unknown>;
  pool.query = ((...asked: unknown[]) =>
    link.statements.repeatUnnamed(() => ask(...asked))) as typeof pool.query;
  // An idle session that the server closes reports here; the next query opens another, so there is nothing to do.
  pool.on('error', () => undefined);
  // Nor is there when one ends in somebody's hands: whoever waits for an answer is told by its failing. Without a listener it would end the process.
  pool.on('connect', (session) => session.on('error', () => undefined));
  return pool;
}

/**
 * A socket that writes once what was written to it in one go: the statements of a commit leave in
 * one system call, and wake Postgres once. Of a worker that syncs mailboxes incrementally, four
 * tenths of the CPU were such calls.
 */
class OneWriteATick extends Socket {
  /** The driver corks and uncorks around each statement. */
  override uncork(): void {
    process.nextTick(() => super.uncork());
  }
}

/**
 * Arrays travel as hand-written literals: measured at 13,000 rows/s and 0.29 CPU s per 10,000 rows,
 * against 2,100 and 4.7 with one bound parameter a value (Prisma's createMany).
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
 * A text[] in Postgres' own binary form, for texts of any length: neither side escapes or scans a quote. Of a page of mail as literals,
 * the quotes of its JSON and HTML were a tenth of the worker's CPU.
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

/** A text[] inside a text[]: unnest flattens two-dimensional arrays, so the inner one rides as its own literal and is cast per row. */
export function innerArray(values: readonly string[]): string {
  return '{' + values.map(quoted).join(',') + '}';
}

function quoted(text: string): string {
  return '"' + (/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text) + '"';
}
