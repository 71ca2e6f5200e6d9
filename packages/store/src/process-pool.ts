import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { sessionCheck } from './feed.js';
import { openPool } from './pool.js';
import { linkOf } from './session.js';
import { POOL_SIZES } from './sessions.js';

/**
 * Opens the pool of a process. It checks the database behind its sessions, and reports when a
 * pooler refuses prepared statements.
 */
export function openProcessPool(
  rt: Runtime,
  options: { databaseUrl: string; poolSize?: number; byIndex?: boolean },
): pg.Pool {
  const { databaseUrl, poolSize = POOL_SIZES.worker, byIndex = false } = options;
  rt.metrics.preparedStatements.set(1);
  return openPool(databaseUrl, poolSize, {
    byIndex,
    verify: sessionCheck(rt),
    onNamesRefused: (reason) => {
      rt.metrics.preparedStatements.set(0);
      rt.log.warn(
        { event: 'prepared_statements_disabled', reason },
        'the connection pooler before Postgres does not support prepared statements: statements are sent without names and planned each time (docs/how-to/deployment.md)',
      );
    },
  });
}

/** Detects whether there is a pooler, and whether it supports prepared statements. */
export async function probePooler(pool: pg.Pool): Promise<void> {
  await linkOf(pool)?.probe(pool);
}
