/** The pool of a process. Its database is checked before any other code uses it. */
import { type Runtime, waitForServers } from '@syncline/runtime';
import type pg from 'pg';
import { resolveTls } from './connection.js';
import { connectionProblem } from './database-errors.js';
import type { KeyRing } from './key-ring.js';
import { checkSchema } from './migrate.js';
import { openProcessPool, probePooler } from './process-pool.js';
import { checkServer } from './sessions.js';
import { checkMasterKey } from './vault.js';

interface Options {
  databaseUrl: string;
  poolSize?: number;
  byIndex?: boolean;
  takesOtherKey?: boolean;
}

export interface CheckedPool {
  pool: pg.Pool;
  /** The URL with the `sslmode` that the server supports. */
  databaseUrl: string;
}

/**
 * Waits up to `rt.serverWaitMs` for an unavailable server, and starts again when a connection ends
 * between two checks.
 * @throws OperatorError when the server is unreachable or not suitable
 */
export function openCheckedPool(
  rt: Runtime,
  options: Options,
  ring: KeyRing,
): Promise<CheckedPool> {
  return waitForServers(rt, () => openOnce(rt, options, ring), [
    (error) => connectionProblem(options.databaseUrl, error),
  ]);
}

async function openOnce(rt: Runtime, options: Options, ring: KeyRing): Promise<CheckedPool> {
  const databaseUrl = await resolveTls(options.databaseUrl);
  const pool = openProcessPool(rt, { ...options, databaseUrl });
  try {
    await checkServer(rt, pool, databaseUrl);
    await probePooler(pool);
    await checkSchema(pool);
    if (!options.takesOtherKey) await checkMasterKey(pool, ring);
    return { pool, databaseUrl };
  } catch (error) {
    await pool.end();
    throw error;
  }
}
