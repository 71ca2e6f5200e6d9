/**
 * How many sessions with Postgres a fleet opens, and whether the server is fit for them and for us.
 */
import type { Runtime } from '@syncline/runtime';
import pg from 'pg';
import { connectionOf, resolveTls } from './connection.js';
import { databaseUnreachable } from './database-errors.js';
import { schemaOf } from './schema-name.js';
import { factsOf, refuseUnfit, tooFewSessions } from './server-check.js';

/**
 * Sessions of a process' pool, unless DATABASE_POOL_SIZE says otherwise. A scheduler fills its
 * queues side by side, the API writes once for each notification, a command does one thing at a
 * time.
 */
export const POOL_SIZES = { worker: 10, scheduler: 4, api: 4, cli: 4 } as const;
/** Beside the pool: the probe of `/readyz` has a session of its own. */
const PROBE_SESSIONS = 1;

/**
 * Asks the server what it is, before anything else is asked of it. Too few sessions are a warning,
 * since others may go.
 * @throws OperatorError when the server cannot be reached, or this program cannot work there
 */
export async function checkServer(rt: Runtime, pool: pg.Pool, databaseUrl: string): Promise<void> {
  const schema = schemaOf(databaseUrl);
  const facts = await factsOf(pool, schema).catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
  refuseUnfit(facts, schema, 'start');
  const few = tooFewSessions(facts, pool.options.max + PROBE_SESSIONS);
  if (few !== null) rt.log.warn({ event: 'too_few_sessions' }, few);
}

/**
 * Compares the sessions of a whole fleet, which opens them by and by, with what the server has
 * left.
 * @param poolSize of each process; null for what its kind needs
 * @returns a sentence for the operator; null when there are enough
 * @throws OperatorError when the server cannot be reached
 */
export async function fleetSessionsProblem(
  databaseUrl: string,
  workers: number,
  poolSize: number | null,
): Promise<string | null> {
  const url = await resolveTls(databaseUrl);
  const { scheduler, api, worker } = POOL_SIZES;
  const pools = [scheduler, api, ...Array.from({ length: workers }, () => worker)];
  const required = pools.reduce((sum, size) => sum + (poolSize ?? size) + PROBE_SESSIONS, 0);
  const session = new pg.Client(connectionOf(url));
  session.on('error', () => undefined);
  try {
    await session.connect();
    return tooFewSessions(await factsOf(session, schemaOf(url)), required);
  } catch (error) {
    throw databaseUnreachable(url, error);
  } finally {
    await session.end().catch(() => undefined); // It may never have begun.
  }
}
