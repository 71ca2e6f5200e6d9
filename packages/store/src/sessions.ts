/**
 * The number of Postgres sessions of a fleet, and the check whether the server suits them and this
 * program.
 */
import type { Runtime } from '@syncline/runtime';
import pg from 'pg';
import { connectionOf, resolveTls } from './connection.js';
import { databaseUnreachable } from './database-errors.js';
import { schemaOf } from './schema-name.js';
import { factsOf, refuseUnfit, tooFewSessions } from './server-check.js';

/**
 * Sessions of a process' pool, unless DATABASE_POOL_SIZE is set. A scheduler fills its queues
 * concurrently, the API writes once per notification, and a command runs one statement at a time.
 */
export const POOL_SIZES = { worker: 10, scheduler: 4, api: 4, cli: 4 } as const;
/** Sessions outside of the pool: the probe of `/readyz` has its own. */
const PROBE_SESSIONS = 1;

/**
 * Checks the server before anything else uses it. Too few sessions cause only a warning, because
 * other sessions may end.
 * @throws OperatorError when the server is unreachable, or this program cannot work there
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
 * Compares the number of sessions of a whole fleet, which are opened over time, with the number
 * that the server has left.
 * @param poolSize pool size of each process; null for the default of its service
 * @returns a sentence for the operator; null when there are enough
 * @throws OperatorError when the server is unreachable
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
    await session.end().catch(() => undefined); // The session may never have started.
  }
}
