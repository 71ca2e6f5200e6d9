/** Long work that customers request over HTTP. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

type OperationKind = 'removal' | 'verification';

/** What a verification has counted. */
interface VerificationResult {
  resources: {
    resource: string;
    compared: number;
    missing: number;
    extra: number;
    stale: number;
    unread: number;
  }[];
}

export interface OperationRow {
  id: string;
  kind: OperationKind;
  tenant: string;
  /** The account that it is about. */
  subject: string;
  state: 'running' | 'done' | 'failed';
  progressDone: number;
  result: VerificationResult | null;
  problem: string | null;
  createdAt: Date;
  /** Whether the account still has rows. */
  hasAccount: boolean;
}

/** An operation that this process runs. */
interface ClaimedOperation {
  id: string;
  subject: string;
  input: object;
  /** The right to write it. */
  run: string;
}

export interface Operations {
  create(
    operation: Pick<OperationRow, 'id' | 'kind' | 'tenant' | 'subject'> & { input: object },
  ): Promise<void>;
  find(id: string): Promise<OperationRow | null>;
  /** The operations of an account, newest first. */
  page(o: {
    subject: string;
    kind: OperationKind;
    before: string | null;
    limit: number;
  }): Promise<OperationRow[]>;
  /**
   * Claims the oldest operation that no process runs, for `ttlMs`. One whose processes have ended
   * three times fails.
   */
  claim(kind: OperationKind, ttlMs: number): Promise<ClaimedOperation | null>;
  /** Renews the claim. @returns false when another process has it */
  renew(claimed: ClaimedOperation, o: { progressDone: number; ttlMs: number }): Promise<boolean>;
  /** Ends it, unless another process has it. */
  finish(
    claimed: ClaimedOperation,
    end: { state: 'done'; result: VerificationResult } | { state: 'failed'; problem: string },
  ): Promise<void>;
  /** Gives it back, to be claimed after `afterMs`; the attempt does not count. */
  release(claimed: ClaimedOperation, afterMs: number): Promise<void>;
}

const ATTEMPTS_LIMIT = 3;

const COLUMNS = `o.id, o.kind, o.tenant, o.subject, o.state, o.progress_done::float8 AS "progressDone", o.result, o.problem, o.created_at AS "createdAt",
  EXISTS (SELECT FROM syncline.accounts a WHERE a.id = o.subject) AS "hasAccount"`;

export function operationsIn(pool: pg.Pool): Operations {
  return {
    create: async ({ id, kind, tenant, subject, input }) =>
      void (await pool.query(
        'INSERT INTO syncline.operations (id, kind, tenant, subject, input) VALUES ($1, $2, $3, $4, $5)',
        [id, kind, tenant, subject, JSON.stringify(input)],
      )),
    find: async (id) =>
      (
        await pool.query<OperationRow>(
          `SELECT ${COLUMNS} FROM syncline.operations o WHERE o.id = $1`,
          [id],
        )
      ).rows[0] ?? null,
    page: async ({ subject, kind, before, limit }) =>
      (
        await pool.query<OperationRow>(
          `SELECT ${COLUMNS} FROM syncline.operations o
            WHERE o.subject = $1 AND o.kind = $2 AND ($3::text IS NULL OR o.id < $3) ORDER BY o.id DESC LIMIT $4`,
          [subject, kind, before, limit],
        )
      ).rows,
    claim: (kind, ttlMs) => claim(pool, kind, ttlMs),
    renew: async ({ id, run }, { progressDone, ttlMs }) => {
      const renewed = await pool.query(
        `UPDATE syncline.operations SET progress_done = $3, lease_until = now() + $4 * interval '1 ms' WHERE id = $1 AND run = $2 AND state = 'running'`,
        [id, run, progressDone, ttlMs],
      );
      return renewed.rowCount === 1;
    },
    finish: async ({ id, run }, end) =>
      void (await pool.query(
        `UPDATE syncline.operations SET state = $3, result = $4, problem = $5, lease_until = NULL WHERE id = $1 AND run = $2 AND state = 'running'`,
        [
          id,
          run,
          end.state,
          end.state === 'done' ? JSON.stringify(end.result) : null,
          end.state === 'failed' ? end.problem : null,
        ],
      )),
    release: async ({ id, run }, afterMs) =>
      void (await pool.query(
        `UPDATE syncline.operations SET attempts = attempts - 1, lease_until = now() + $3 * interval '1 ms' WHERE id = $1 AND run = $2 AND state = 'running'`,
        [id, run, afterMs],
      )),
  };
}

async function claim(
  pool: pg.Pool,
  kind: OperationKind,
  ttlMs: number,
): Promise<ClaimedOperation | null> {
  const run = randomUUID();
  await pool.query(
    `UPDATE syncline.operations SET state = 'failed', problem = 'the workers that ran it ended ${ATTEMPTS_LIMIT} times'
      WHERE state = 'running' AND kind = $1 AND attempts >= ${ATTEMPTS_LIMIT} AND lease_until < now()`,
    [kind],
  );
  const { rows } = await pool.query<Omit<ClaimedOperation, 'run'>>(
    `UPDATE syncline.operations SET run = $2, attempts = attempts + 1, lease_until = now() + $3 * interval '1 ms'
      WHERE id = (SELECT id FROM syncline.operations WHERE state = 'running' AND kind = $1 AND (lease_until IS NULL OR lease_until < now())
                   ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
      RETURNING id, subject, input`,
    [kind, run, ttlMs],
  );
  const [claimed] = rows;
  return claimed ? { ...claimed, run } : null;
}
