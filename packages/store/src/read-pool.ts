/**
 * The pool by which the HTTP API reads for its clients, apart from that of notifications and
 * writes: a slow search delays neither. With a role of its own it is under row security.
 */
import { OperatorError, waitForServers, type Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { resolveTls } from './connection.js';
import { connectionProblem, databaseUnreachable } from './database-errors.js';
import { openPool } from './pool.js';
import { probePooler } from './process-pool.js';
import { currentRowAccess } from './row-access.js';
import { apiRoleProblem } from './row-security.js';
import { schemaOf } from './schema-name.js';

export interface ReadPoolOptions {
  /** Null: the database and role of the process. */
  databaseUrl: string | null;
  poolSize: number;
}

/** A client waits for the answer. */
const STATEMENT_LIMIT_MS = 5_000;
/** After this time the server is unreachable. */
const ANSWER_LIMIT_MS = 2 * STATEMENT_LIMIT_MS;

/**
 * @param main the pool of the process, and its URL
 * @throws OperatorError when the server is unreachable, the role lacks a right or is not
 * restricted, or the database is another one
 */
export function openReadPool(
  rt: Runtime,
  main: { pool: pg.Pool; databaseUrl: string },
  { databaseUrl, poolSize }: ReadPoolOptions,
): Promise<pg.Pool> {
  const url = databaseUrl ?? main.databaseUrl;
  return waitForServers(rt, () => openOnce(main, url, poolSize), [
    (error) => connectionProblem(url, error),
  ]);
}

async function openOnce(
  main: { pool: pg.Pool; databaseUrl: string },
  url: string,
  poolSize: number,
): Promise<pg.Pool> {
  const databaseUrl = await resolveTls(url);
  const { isOwnRole } = await compare(main, databaseUrl);
  const pool = openPool(databaseUrl, poolSize, {
    byIndex: true,
    answerLimitMs: ANSWER_LIMIT_MS,
    reads: {
      statementLimitMs: STATEMENT_LIMIT_MS,
      access: isOwnRole ? currentRowAccess : null,
    },
  });
  try {
    await probePooler(pool);
    return pool;
  } catch (error) {
    await pool.end();
    throw error;
  }
}

interface Facts {
  role: string;
  deployment: string;
}

const FACTS =
  'SELECT current_user AS role, (SELECT deployment::text FROM syncline.feed_state) AS deployment';

/** Compares the two roles and databases. */
async function compare(
  main: { pool: pg.Pool; databaseUrl: string },
  databaseUrl: string,
): Promise<{ isOwnRole: boolean }> {
  const session = openPool(databaseUrl, 1);
  try {
    const { rows: mains } = await main.pool.query<Facts>(FACTS);
    const { rows: roles } = await session
      .query<Pick<Facts, 'role'>>('SELECT current_user AS role')
      .catch((error: unknown) => {
        throw databaseUnreachable(databaseUrl, error);
      });
    if (roles[0]?.role === mains[0]?.role) return { isOwnRole: false };
    const problem = await apiRoleProblem(session, schemaOf(databaseUrl));
    if (problem !== null) throw new OperatorError(problem);
    const { rows: ours } = await session.query<Facts>(FACTS);
    if (ours[0]?.deployment !== mains[0]?.deployment)
      throw new OperatorError(
        'DATABASE_API_URL names another database than DATABASE_URL: it must be the same one, under another role.',
      );
    return { isOwnRole: true };
  } finally {
    await session.end();
  }
}
