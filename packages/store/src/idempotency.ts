/** POSTs with an idempotency key, and their answers. Redis may lose its data; these must not be lost. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';

interface StoredAnswer {
  status: number;
  location: string | null;
  /** The body as it was sent. */
  answer: string;
}

/** What to do with a request that has an idempotency key. */
type IdempotentBegin =
  /** Run it, and end it with `finish` or `drop`. */
  | { kind: 'new'; run: string }
  | { kind: 'answered'; answer: StoredAnswer }
  /** Another process runs it. */
  | { kind: 'in-progress' }
  /** The key was used for another request. */
  | { kind: 'mismatch' };

interface RequestKey {
  /** The id of the API key. */
  keyId: string;
  key: string;
}

export interface Idempotency {
  begin(request: RequestKey & { requestHash: Buffer }): Promise<IdempotentBegin>;
  finish(request: RequestKey & { run: string }, answer: StoredAnswer): Promise<void>;
  /** Forgets the request, so that it may be repeated. */
  drop(request: RequestKey & { run: string }): Promise<void>;
}

/** A request in progress for longer belongs to a process that has ended. */
const ABANDONED = "interval '60 s'";
/** Answers are kept for so long. */
export const ANSWER_KEPT = "interval '24 hours'";

export function idempotencyIn(pool: pg.Pool): Idempotency {
  return {
    begin: (request) => begin(pool, request),
    finish: async ({ keyId, key, run }, { status, location, answer }) =>
      void (await pool.query(
        'UPDATE syncline.idempotent_requests SET status = $4, location = $5, answer = $6 WHERE key_id = $1 AND key = $2 AND run = $3',
        [keyId, key, run, status, location, answer],
      )),
    drop: async ({ keyId, key, run }) =>
      void (await pool.query(
        'DELETE FROM syncline.idempotent_requests WHERE key_id = $1 AND key = $2 AND run = $3 AND status IS NULL',
        [keyId, key, run],
      )),
  };
}

async function begin(
  pool: pg.Pool,
  { keyId, key, requestHash }: RequestKey & { requestHash: Buffer },
): Promise<IdempotentBegin> {
  const run = randomUUID();
  const taken = await pool.query(
    `INSERT INTO syncline.idempotent_requests AS r (key_id, key, request_hash, run) VALUES ($1, $2, $3, $4)
     ON CONFLICT (key_id, key) DO UPDATE SET request_hash = $3, run = $4, created_at = now(), status = NULL, location = NULL, answer = NULL
       WHERE (r.status IS NULL AND r.created_at < now() - ${ABANDONED}) OR r.created_at < now() - ${ANSWER_KEPT}`,
    [keyId, key, requestHash, run],
  );
  if (taken.rowCount === 1) return { kind: 'new', run };
  const { rows } = await pool.query<{
    request_hash: Buffer;
    status: number | null;
    location: string | null;
    answer: string | null;
  }>(
    'SELECT request_hash, status, location, answer FROM syncline.idempotent_requests WHERE key_id = $1 AND key = $2',
    [keyId, key],
  );
  const [row] = rows;
  // The other run has just dropped it.
  if (row === undefined) return { kind: 'in-progress' };
  if (!row.request_hash.equals(requestHash)) return { kind: 'mismatch' };
  const { status, location, answer } = row;
  return status === null || answer === null
    ? { kind: 'in-progress' }
    : { kind: 'answered', answer: { status, location, answer } };
}
