import { hostname } from 'node:os';
import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { inTransaction, type Queryable, type Transaction } from './transaction.js';

/** A lease that was not renewed for this long is free. */
const TTL_MS = 15_000;
const RENEW_EVERY_MS = 5_000;

/** The holder of a name. */
export interface LeaseHolder {
  host: string;
  pid: number;
  since: Date;
  /** Time until the lease ends if it is not renewed. */
  endsInMs: number;
}

export type Alone<T> = { kind: 'done'; result: T } | { kind: 'held'; by: LeaseHolder };

/** A held lease on a name. */
export interface NamedLease {
  /** Aborted when the lease is lost. */
  signal: AbortSignal;
  /**
   * Locks the lease until the end of the transaction. Must be called in each transaction that
   * writes under the lease.
   * @throws NamedLeaseLost
   */
  fence(transaction: Transaction): Promise<void>;
}

/** The lease on a name expired, or another process has taken it over. */
class NamedLeaseLost extends Error {
  override readonly name = 'NamedLeaseLost';
  constructor(leaseName: string) {
    super(
      `the lease "${leaseName}" could not be renewed in time: it has expired, or another process has taken it over`,
    );
  }
}

/**
 * Does `work` unless a process already holds the same name. The lease is a row that is renewed
 * while `work` runs. The lease of a killed process ends by itself after 15 s.
 * @throws NamedLeaseLost when the lease was lost before `work` ended; the error of `work`
 */
export async function alone<T>(
  rt: Runtime,
  pool: pg.Pool,
  name: string,
  work: (lease: NamedLease) => Promise<T>,
): Promise<Alone<T>> {
  const token = rt.random.uuid();
  const by = await acquire(pool, name, token);
  if (by) return { kind: 'held', by };
  const lost = new AbortController();
  const finish = new AbortController();
  const renewing = keepRenewing(rt, pool, { name, token }, finish.signal).catch((error: unknown) =>
    lost.abort(error),
  );
  const losing = new Promise<never>((_, reject) =>
    lost.signal.addEventListener('abort', () => reject(lost.signal.reason as Error), {
      once: true,
    }),
  );
  const lease: NamedLease = {
    signal: lost.signal,
    fence: (transaction) => fence(transaction, name, token),
  };
  try {
    return { kind: 'done', result: await Promise.race([work(lease), losing]) };
  } finally {
    finish.abort();
    await renewing;
    // A lease that cannot be released ends by itself.
    await pool
      .query('DELETE FROM syncline.named_leases WHERE name = $1 AND token = $2', [name, token])
      .catch((error: unknown) =>
        rt.log.warn(
          { event: 'named_lease_not_released', lease: name, err: error },
          'the lease could not be given back; it lapses by itself',
        ),
      );
  }
}

/** @returns null when this process has acquired the lease, otherwise its holder */
async function acquire(pool: pg.Pool, name: string, token: string): Promise<LeaseHolder | null> {
  return inTransaction(pool, async (transaction) => {
    const taken = await transaction.query(
      `INSERT INTO syncline.named_leases AS l (name, token, host, pid, expires_at) VALUES ($1, $2, $3, $4, now() + $5 * interval '1 ms')
       ON CONFLICT (name) DO UPDATE SET token = excluded.token, host = excluded.host, pid = excluded.pid, acquired_at = now(), heartbeat_at = now(), expires_at = excluded.expires_at
         WHERE l.expires_at <= now()`,
      [name, token, hostname(), process.pid, TTL_MS],
    );
    if (taken.rowCount === 1) return null;
    return holderOf(transaction, name);
  });
}

async function holderOf(transaction: Queryable, name: string): Promise<LeaseHolder> {
  const { rows } = await transaction.query<LeaseHolder>(
    `SELECT host, pid, acquired_at AS since, (extract(epoch FROM expires_at - now()) * 1000)::float8 AS "endsInMs" FROM syncline.named_leases WHERE name = $1`,
    [name],
  );
  // The insert above has locked the row, so it exists.
  const [holder] = rows;
  if (!holder) throw new Error(`the lease "${name}" has no row`);
  return holder;
}

/**
 * Renews the lease until `signal` is aborted.
 * @throws NamedLeaseLost when another process has the lease, or the lease was not renewed in time
 */
async function keepRenewing(
  rt: Runtime,
  pool: pg.Pool,
  { name, token }: { name: string; token: string },
  signal: AbortSignal,
): Promise<void> {
  let renewedMs = rt.clock.nowMs();
  while (!signal.aborted) {
    await rt.clock.sleep(RENEW_EVERY_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const askedMs = rt.clock.nowMs();
    const renewed = await pool
      .query(
        `UPDATE syncline.named_leases SET heartbeat_at = now(), expires_at = now() + $3 * interval '1 ms' WHERE name = $1 AND token = $2`,
        [name, token, TTL_MS],
      )
      .catch(() => null);
    // A failed renewal is tolerated, because Postgres may be unavailable for a while. The lease
    // counts as held until another process may have taken it.
    if (renewed?.rowCount === 1) renewedMs = askedMs;
    else if (renewed || rt.clock.nowMs() - renewedMs >= TTL_MS) throw new NamedLeaseLost(name);
  }
}

async function fence(transaction: Transaction, name: string, token: string): Promise<void> {
  const held = await transaction.query(
    'SELECT 1 FROM syncline.named_leases WHERE name = $1 AND token = $2 AND expires_at > now() FOR SHARE',
    [name, token],
  );
  if (held.rowCount !== 1) throw new NamedLeaseLost(name);
}
