/**
 * What a pool knows of the way to its server, and what every session of it does with a statement.
 *
 * Nothing lives in a session: between two transactions a pooler (PgBouncer in transaction mode) gives the server connection to another client. What a
 * transaction needs travels with its BEGIN, as SET LOCAL, in the same network write.
 */
import type pg from 'pg';
import { renamer } from './schema-name.js';
import { nameRefusalOf, PreparedStatements, type NamesRefused } from './prepared-statements.js';

/** A stopped or cut-off process must not hold row locks for longer than its lease: the server ends its transaction. */
const IDLE_IN_TRANSACTION_LIMIT_MS = 8_000;
export const STATEMENT_LIMIT_MS = 60_000;

/** How a transaction of ours begins. Never prepared: when a named BEGIN were refused, the statements sent behind it would stand by themselves. */
export const BEGIN = [
  'BEGIN',
  `SET LOCAL statement_timeout = ${STATEMENT_LIMIT_MS}`,
  `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_LIMIT_MS}`,
].join('; ');

/** Rows are found by index, and one plan is kept for each statement. See openPool. */
const BY_INDEX = 'SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan';

/** Which server, started when, with which database and tables: a restored one is another. Asked with the BEGIN where a pooler may change it. */
const SERVER = `SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), (SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass('syncline.feed_state')::oid) AS server`;

/** Servers whose state was checked, the last ones: a pooler has one at a time. */
const MAX_KNOWN_SERVERS = 16;

export interface LinkOptions {
  /** Of Syncline's tables. */
  schema: string;
  byIndex: boolean;
  /** How long a session may owe an answer. */
  answerLimitMs: number;
  /** Checks the database behind a server that was not met before. */
  verify: ((session: pg.PoolClient) => Promise<void>) | undefined;
  onNamesRefused: (reason: NamesRefused) => void;
}

export class ServerLink {
  readonly byIndex: boolean;
  readonly answerLimitMs: number;
  readonly statements: PreparedStatements;
  /** Puts the schema into a text. */
  readonly rename: (text: string) => string;
  readonly #verify: LinkOptions['verify'];
  #isPooled = false;
  readonly #begin: string;
  readonly #knownServers = new Set<string>();

  constructor({ schema, byIndex, answerLimitMs, verify, onNamesRefused }: LinkOptions) {
    this.rename = renamer(schema);
    this.byIndex = byIndex;
    this.answerLimitMs = answerLimitMs;
    this.#verify = verify;
    this.statements = new PreparedStatements((reason) => {
      // Between a client and its own server no name is lost.
      this.#isPooled = true;
      onNamesRefused(reason);
    });
    this.#begin = byIndex ? `${BEGIN}; ${BY_INDEX}` : BEGIN;
  }

  /** Server connections are shared with others, and may change between two transactions. */
  get isPooled(): boolean {
    return this.#isPooled;
  }

  /** The text that begins a transaction. Behind a pooler its last answer names the server. */
  get begin(): string {
    return this.#isPooled ? `${this.#begin}; ${SERVER}` : this.#begin;
  }

  isKnown(server: string): boolean {
    return this.#knownServers.has(server);
  }

  /** Checks the database behind a server that was not met before. */
  async meet(pool: pg.Pool, server: string): Promise<void> {
    const session = await pool.connect();
    let broken: Error | undefined;
    try {
      await this.#verify?.(session);
    } catch (error) {
      broken =
        error instanceof Error
          ? error
          : new Error('a thrown value that is no error', { cause: error });
      throw error;
    } finally {
      session.release(broken);
    }
    if (this.#knownServers.size >= MAX_KNOWN_SERVERS) this.#knownServers.clear();
    this.#knownServers.add(server);
  }

  /**
   * Finds out whether a pooler is in between and whether it knows prepared statements, with one statement.
   * The pid that a pooler gives its client is not the server's. A pooler that tracks prepared statements gives them names of its own on the server.
   */
  async probe(pool: pg.Pool): Promise<void> {
    const name = this.statements.nameOf(PROBE, PROBE_TEXT);
    const session = await pool.connect();
    try {
      const statement = { name: PROBE, text: PROBE_TEXT, values: [name] };
      const { rows } = await session.query<{ pid: number; isVerbatim: boolean }>(statement);
      this.#isPooled = rows[0]?.pid !== (session as unknown as { processID: number }).processID;
      if (this.#isPooled && rows[0]?.isVerbatim) this.statements.giveUp('pooler');
    } catch (error) {
      // Another process has left the probe's name on the server connection.
      if (nameRefusalOf(error) === null) throw error;
      this.statements.giveUp('pooler');
    } finally {
      session.release();
    }
  }
}

const PROBE = 'pooler-probe';
const PROBE_TEXT =
  'SELECT pg_backend_pid() AS pid, EXISTS (SELECT 1 FROM pg_prepared_statements WHERE name = $1) AS "isVerbatim"';
