/*
 * Allows one migration at a time in a database. The lock belongs to the migrating transaction, so
 * it works behind a pooler and ends with the transaction. It is the same lock as that of Prisma's
 * CLI, so that the two wait for each other. The lock is polled, so that the wait can be reported.
 */
import { hostname } from 'node:os';
import { OperatorError, type Clock } from '@syncline/runtime';
import pg from 'pg';

export interface MigrationWait {
  /** Maximum wait for another migration, or for a table that another session uses. */
  limitMs: number;
  /** Ends the wait, and cancels the running statement. */
  signal: AbortSignal;
  /** Receives the reason of the wait, at once and then every TELL_EVERY_MS. */
  report: (line: string) => void;
  clock: Clock;
}

export interface MigrationSession {
  session: pg.Client;
  schema: string;
  /** Cancels the running statement of a server session, from another session. */
  cancel(pid: number): Promise<void>;
}

const PRISMA_LOCK = 72_707_369;
const TRY_EVERY_MS = 500;
const TELL_EVERY_MS = 10_000;
/**
 * A change of a table waits for all sessions that use it, and all later sessions wait for the
 * change. Short waits with retries are better than one long wait.
 */
const TABLE_LOCK_TIMEOUT = '3s';
const NAME_LIMIT = 30;

/**
 * Runs `work` in one transaction under the lock, with the schema as its path.
 * @param what completes "… waits for" and "… was kept" in messages
 * @throws OperatorError when the wait takes too long or is interrupted
 */
export async function inMigration<T>(
  to: MigrationSession,
  wait: MigrationWait,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const deadlineMs = wait.clock.nowMs() + wait.limitMs;
  for (let reportedAtMs = -Infinity; ;) {
    if (wait.signal.aborted) throw interrupted(what);
    const tried = await attempt(to, wait, what, work);
    if ('result' in tried) return tried.result;
    const nowMs = wait.clock.nowMs();
    if (nowMs >= deadlineMs)
      throw new OperatorError(
        `${tried.busy}. Waited for ${Math.round(wait.limitMs / 1_000)} s (MIGRATION_LOCK_WAIT_SECONDS); nothing of ${what} was done.${tried.hint}`,
      );
    if (nowMs - reportedAtMs >= TELL_EVERY_MS) {
      wait.report(`${tried.busy}; waiting`);
      reportedAtMs = nowMs;
    }
    await wait.clock.sleep(TRY_EVERY_MS, wait.signal).catch(() => {
      throw interrupted(what);
    });
  }
}

type Tried<T> = { result: T } | { busy: string; hint: string };

async function attempt<T>(
  to: MigrationSession,
  wait: MigrationWait,
  what: string,
  work: () => Promise<T>,
): Promise<Tried<T>> {
  const { session } = to;
  await session.query('BEGIN');
  try {
    const { pid, ours } = await takeLock(to);
    if (!ours) {
      const holder = await holderIn(session);
      await session.query('ROLLBACK');
      return holder;
    }
    const result = await untilAborted(wait.signal, () => to.cancel(pid), work);
    await session.query('COMMIT');
    return { result };
  } catch (error) {
    // The session has ended, and its transaction with it.
    await session.query('ROLLBACK').catch(() => undefined);
    const { code } = error as { code?: unknown };
    if (code === '57014' && wait.signal.aborted) throw interrupted(what);
    if (code === '55P03')
      return { busy: `A table is used by other sessions, and ${what} waits for it`, hint: '' };
    throw error;
  }
}

async function takeLock({
  session,
  schema,
}: MigrationSession): Promise<{ pid: number; ours: boolean }> {
  await session.query(
    `SELECT set_config('search_path', $1, true), set_config('lock_timeout', $2, true), set_config('statement_timeout', '0', true),
            set_config('idle_in_transaction_session_timeout', '0', true), set_config('TimeZone', 'UTC', true), set_config('application_name', $3, true)`,
    [
      pg.escapeIdentifier(schema),
      TABLE_LOCK_TIMEOUT,
      `syncline migrate, ${hostname().slice(0, NAME_LIMIT)} pid ${process.pid}`,
    ],
  );
  const tried = await session.query<{ pid: number; ours: boolean }>(
    'SELECT pg_backend_pid() AS pid, pg_try_advisory_xact_lock($1) AS ours',
    [PRISMA_LOCK],
  );
  return tried.rows[0] ?? { pid: 0, ours: false };
}

/** Describes the holder of the lock, from data that a role without privileges can read. */
async function holderIn(session: pg.Client): Promise<{ busy: string; hint: string }> {
  const found = await session.query<{ pid: number; name: string | null; since: string | null }>(
    `SELECT l.pid, a.application_name AS name, to_char(coalesce(a.xact_start, a.backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since
       FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.classid = 0 AND l.objid = $1 AND l.objsubid = 1 AND l.granted`,
    [PRISMA_LOCK],
  );
  const holder = found.rows[0];
  if (!holder) return { busy: 'Another migration has just run', hint: '' };
  const { pid, name, since } = holder;
  return {
    busy: `Another migration runs: session pid ${pid} of Postgres${name ? ` (${name})` : ''}${since === null ? '' : `, since ${since} UTC`}`,
    hint: ` If its program is gone: SELECT pg_terminate_backend(${pid});`,
  };
}

async function untilAborted<T>(
  signal: AbortSignal,
  cancel: () => Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  let cancelled: Promise<void> | undefined;
  const onAbort = (): void => {
    cancelled = cancel();
    // The result is awaited below, where an error of the work itself takes precedence.
    cancelled.catch(() => undefined);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } finally {
    signal.removeEventListener('abort', onAbort);
    await cancelled?.catch(() => undefined);
  }
}

function interrupted(what: string): OperatorError {
  return new OperatorError(`Interrupted by a signal: nothing of ${what} was kept.`);
}
