/**
 * The connection settings that a pool's sessions share, and the handling of their statements.
 *
 * Sessions have no state of their own: between two transactions a pooler (PgBouncer in transaction
 * mode) gives the server connection to another client. Settings of a transaction are sent with its
 * BEGIN, as SET LOCAL, in the same network write.
 */
import type pg from 'pg';
import type { RowAccess } from './row-access.js';
import { renamer } from './schema-name.js';
import { nameRefusalOf, PreparedStatements, type NamesRefused } from './prepared-statements.js';

/**
 * A stopped or disconnected process must not hold row locks for longer than its lease, so the
 * server ends its transaction.
 */
const IDLE_IN_TRANSACTION_LIMIT_MS = 8_000;
export const STATEMENT_LIMIT_MS = 60_000;

/**
 * The beginning of every transaction. It is never prepared: if a named BEGIN were refused, the
 * statements sent after it would run outside of a transaction.
 */
export const BEGIN = [
  'BEGIN',
  `SET LOCAL statement_timeout = ${STATEMENT_LIMIT_MS}`,
  `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_LIMIT_MS}`,
].join('; ');

/** A client waits for what is read in a snapshot. */
const SNAPSHOT_STATEMENT_LIMIT_MS = 5_000;

/**
 * The beginning of a transaction whose statements read one state of the database. The level must be
 * set here: a pooled server is named by the first query, which fixes the snapshot.
 */
export const BEGIN_SNAPSHOT = [
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  `SET LOCAL statement_timeout = ${SNAPSHOT_STATEMENT_LIMIT_MS}`,
  `SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_LIMIT_MS}`,
].join('; ');

/** Finds rows by index, and keeps one plan per statement. See openPool. */
const BY_INDEX = 'SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan';

/**
 * Identifies the server, its start, the database and its tables; a restored database differs. It is
 * sent with the BEGIN when a pooler may change the server.
 */
const SERVER = `SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), (SELECT oid FROM pg_database WHERE datname = current_database()), to_regclass('syncline.feed_state')::oid) AS server`;

/** Number of checked servers that are remembered. A pooler uses one at a time. */
const MAX_KNOWN_SERVERS = 16;

export interface LinkOptions {
  /** The schema of Syncline's tables. */
  schema: string;
  byIndex: boolean;
  /** Maximum time that a session may take to answer. */
  answerLimitMs: number;
  /** Checks the database behind a server that was not checked before. */
  verify: ((session: pg.PoolClient) => Promise<void>) | undefined;
  onNamesRefused: (reason: NamesRefused) => void;
  reads: ReadLimits | undefined;
}

/** Limits of a pool that only reads for clients. Each of its statements is in a transaction. */
export interface ReadLimits {
  statementLimitMs: number;
  /** The rows that the present transaction may read; null: without row security. */
  access: (() => RowAccess) | null;
}

export class ServerLink {
  readonly byIndex: boolean;
  readonly answerLimitMs: number;
  readonly reads: ReadLimits | undefined;
  readonly statements: PreparedStatements;
  /** Replaces the schema in a text. */
  readonly rename: (text: string) => string;
  readonly #verify: LinkOptions['verify'];
  #isPooled = false;
  readonly #settings: string;
  readonly #knownServers = new Set<string>();

  constructor({ schema, byIndex, answerLimitMs, verify, onNamesRefused, reads }: LinkOptions) {
    this.rename = renamer(schema);
    this.byIndex = byIndex;
    this.answerLimitMs = answerLimitMs;
    this.reads = reads;
    this.#verify = verify;
    this.statements = new PreparedStatements((reason) => {
      // Without a pooler no name is lost.
      this.#isPooled = true;
      onNamesRefused(reason);
    });
    this.#settings = [
      ...(byIndex ? [BY_INDEX] : []),
      ...(reads ? [`SET LOCAL statement_timeout = ${reads.statementLimitMs}`] : []),
    ]
      .map((setting) => `; ${setting}`)
      .join('');
  }

  /** Whether server connections are shared with others, and may change between two transactions. */
  get isPooled(): boolean {
    return this.#isPooled;
  }

  /**
   * Returns the text that begins a transaction. Behind a pooler its last answer identifies the
   * server.
   * @param begin `BEGIN` or `BEGIN_SNAPSHOT`
   */
  begin(begin: string): string {
    const text = begin + this.#settings;
    return this.#isPooled ? `${text}; ${SERVER}` : text;
  }

  isKnown(server: string): boolean {
    return this.#knownServers.has(server);
  }

  /** Checks the database behind a server that was not checked before. */
  async checkServer(pool: pg.Pool, server: string): Promise<void> {
    const session = await pool.connect();
    let broken: Error | undefined;
    try {
      await this.#verify?.(session);
    } catch (error) {
      broken =
        error instanceof Error
          ? error
          : new Error('the thrown value is not an Error', { cause: error });
      throw error;
    } finally {
      session.release(broken);
    }
    if (this.#knownServers.size >= MAX_KNOWN_SERVERS) this.#knownServers.clear();
    this.#knownServers.add(server);
  }

  /**
   * Detects with one statement whether there is a pooler, and whether it supports prepared
   * statements. A pooler gives its client another pid than that of the server. A pooler that tracks
   * prepared statements uses different names on the server.
   */
  async probe(pool: pg.Pool): Promise<void> {
    const name = this.statements.nameOf(PROBE, PROBE_TEXT);
    const session = await pool.connect();
    try {
      const statement = { name: PROBE, text: PROBE_TEXT, values: [name] };
      const { rows } = await session.query<{ pid: number; isVerbatim: boolean }>(statement);
      this.#isPooled = rows[0]?.pid !== (session as unknown as { processID: number }).processID;
      if (this.#isPooled && rows[0]?.isVerbatim) this.statements.disable('pooler');
    } catch (error) {
      // Another process has left the probe's name on the server connection.
      if (nameRefusalOf(error) === null) throw error;
      this.statements.disable('pooler');
    } finally {
      session.release();
    }
  }
}

const PROBE = 'pooler-probe';
const PROBE_TEXT =
  'SELECT pg_backend_pid() AS pid, EXISTS (SELECT 1 FROM pg_prepared_statements WHERE name = $1) AS "isVerbatim"';
