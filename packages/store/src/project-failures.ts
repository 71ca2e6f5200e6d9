import type pg from 'pg';
import { collectionsOf, type Resource } from './mirrors/resources.js';
import { UNPARKED } from './promised.js';
import { inTransaction, type Transaction } from './transaction.js';

/*
 * Google projects whose calls Google refuses. A run with such a refusal parks its own collection
 * and records the failure here, in one transaction. Then one of the waiting accounts retries for
 * all. When Google accepts it, all waiting collections are due at once. A collection that waits for
 * a project therefore always has a row here that ends its wait.
 */

/**
 * The refused part of a project: its OAuth client (`invalid_client` and similar codes), refresh
 * tokens that belong to another client (`unauthorized_client`, which may concern one account only),
 * or one of its APIs, which is not enabled.
 */
type ProjectScope = 'client' | 'other-client' | Resource;

export interface ProjectFailure {
  project: string;
  scope: ProjectScope;
  /** Google's error code. */
  code: string;
}

/**
 * A failure that is due for a retry, with one of the accounts that wait for it; null when no
 * account waits any more.
 */
interface DueTry extends ProjectFailure {
  accountId: string | null;
  failingForMs: number;
}

export interface Projects {
  /**
   * Claims due failures. Each is due again after `visibilityMs` unless its result is recorded
   * before. `projects`: the projects for which this process can call Google.
   */
  claimDue(o: { projects: readonly string[]; visibilityMs: number }): Promise<DueTry[]>;
  /**
   * Called when a process starts that has these projects configured. Failures of these projects are
   * retried now, and collections that waited because no process had the project configured
   * continue.
   */
  retryNow(projects: readonly string[]): Promise<void>;
  /** Records that the failure has not passed. */
  postpone(failure: ProjectFailure, nextInMs: number): Promise<void>;
  /**
   * Records that Google accepts it again.
   * @returns the number of waiting collections that are due now
   */
  recovered(failure: Pick<ProjectFailure, 'project' | 'scope'>): Promise<number>;
  list(): Promise<(ProjectFailure & { since: Date; probeAt: Date })[]>;
}

export function projectsIn(pool: pg.Pool): Projects {
  return {
    claimDue: (o) => claimDue(pool, o),
    retryNow: (projects) => retryNow(pool, projects),
    postpone: async ({ project, scope, code }, nextInMs) =>
      void (await pool.query(
        `UPDATE syncline.project_failures SET code = $3, refused_at = now(), probe_at = now() + $4 * interval '1 ms' WHERE project = $1 AND scope = $2`,
        [project, scope, code, Math.round(nextInMs)],
      )),
    recovered: (failure) => recovered(pool, failure),
    list: async () =>
      (
        await pool.query<ProjectFailure & { since: Date; probeAt: Date }>(
          'SELECT project, scope, code, since, probe_at AS "probeAt" FROM syncline.project_failures ORDER BY project, scope',
        )
      ).rows,
  };
}

/**
 * Must be the first statement of a transaction that parks a collection. Its lock keeps `recovered`
 * from missing collections that are parked concurrently.
 * @returns whether the failure was not known before
 */
export async function noteFailure(
  session: Transaction,
  { project, scope, code }: ProjectFailure,
  tryInMs: number,
): Promise<boolean> {
  const noted = await session.query<{ isNew: boolean }>({
    name: 'project-refused',
    text: `INSERT INTO syncline.project_failures (project, scope, code, probe_at) VALUES ($1, $2, $3, now() + $4 * interval '1 ms')
           ON CONFLICT (project, scope) DO UPDATE SET refused_at = now() RETURNING since = refused_at AS "isNew"`,
    values: [project, scope, code, Math.round(tryInMs)],
  });
  return noted.rows[0]?.isNew ?? false;
}

/** SQL condition on `collections c`: waits for a scope. */
function waitingFor(scope: ProjectScope): string {
  return scope === 'client' || scope === 'other-client'
    ? `c.parked = '${scope}'`
    : `c.parked = 'project' AND ${collectionsOf(scope)}`;
}

async function claimDue(
  pool: pg.Pool,
  { projects, visibilityMs }: { projects: readonly string[]; visibilityMs: number },
): Promise<DueTry[]> {
  const { rows } = await pool.query<Omit<DueTry, 'accountId'>>({
    name: 'projects-due',
    text: `UPDATE syncline.project_failures f SET probe_at = now() + $2 * interval '1 ms'
             FROM (SELECT project, scope FROM syncline.project_failures WHERE probe_at <= now() AND project = ANY($1) FOR UPDATE SKIP LOCKED) AS picked
            WHERE f.project = picked.project AND f.scope = picked.scope
        RETURNING f.project, f.scope, f.code, (extract(epoch FROM now() - f.since) * 1000)::float8 AS "failingForMs"`,
    values: [projects, visibilityMs],
  });
  return Promise.all(
    rows.map(async (row) => ({ ...row, accountId: await waitingAccount(pool, row) })),
  );
}

/**
 * Returns a random waiting account, because a single account may be refused for a reason of its
 * own.
 */
async function waitingAccount(
  pool: pg.Pool,
  { project, scope }: Pick<ProjectFailure, 'project' | 'scope'>,
): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    `WITH start AS MATERIALIZED (SELECT gen_random_uuid() AS id)
     SELECT c.account_id AS id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id CROSS JOIN start
      WHERE ${waitingFor(scope)} AND c.state = 'active' AND a.project = $1 AND a.state = 'active'
      ORDER BY c.account_id < start.id, c.account_id LIMIT 1`,
    [project],
  );
  return rows[0]?.id ?? null;
}

async function retryNow(pool: pg.Pool, projects: readonly string[]): Promise<void> {
  await pool.query(
    'UPDATE syncline.project_failures SET probe_at = least(probe_at, now()) WHERE project = ANY($1)',
    [projects],
  );
  await inTransaction(pool, (session) =>
    session.query(
      `UPDATE syncline.collections SET ${UNPARKED}, next_sync_at = now()
         FROM (SELECT c.id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
                WHERE c.parked = 'unknown-project' AND a.project = ANY($1) AND a.state = 'active' AND c.state = 'active' ORDER BY c.id FOR UPDATE OF c) AS waiting
        WHERE collections.id = waiting.id`,
      [projects],
    ),
  );
}

async function recovered(
  pool: pg.Pool,
  { project, scope }: Pick<ProjectFailure, 'project' | 'scope'>,
): Promise<number> {
  return inTransaction(pool, async (session) => {
    await session.query('DELETE FROM syncline.project_failures WHERE project = $1 AND scope = $2', [
      project,
      scope,
    ]);
    const released = await session.query(
      `UPDATE syncline.collections SET ${UNPARKED}, next_sync_at = now()
         FROM (SELECT c.id FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id
                WHERE ${waitingFor(scope)} AND a.project = $1 AND a.state = 'active' AND c.state = 'active' ORDER BY c.id FOR UPDATE OF c) AS waiting
        WHERE collections.id = waiting.id`,
      [project],
    );
    await session.query(
      `UPDATE syncline.watches w SET due_at = now() FROM syncline.accounts a WHERE a.id = w.account_id AND a.project = $1 AND a.state = 'active' AND w.state = 'refused'`,
      [project],
    );
    return released.rowCount ?? 0;
  });
}
