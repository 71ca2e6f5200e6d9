import type { Runtime } from '@syncline/runtime';
import { LeaseLost, type Lease, type Leases } from '@syncline/store';

/**
 * Renews the lease while the work runs. When the lease is lost, or the process drains, the run's
 * signal is aborted.
 *
 * The signals are linked by hand and aborted with a reason of ours: `AbortSignal.any` and the
 * default error of `abort()`, with its stack, took 4 % of the CPU time of a sync that finds no
 * changes.
 */
export async function withRenewal<T>(
  rt: Runtime,
  leases: Leases,
  lease: Lease,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const stop = new AbortController();
  const drain = (): void => stop.abort(signal.reason);
  if (signal.aborted) drain();
  signal.addEventListener('abort', drain, { once: true });
  const renewing = renewUntil(rt, leases, lease, over.signal, (error) => stop.abort(error));
  try {
    return await work(stop.signal);
  } finally {
    signal.removeEventListener('abort', drain);
    over.abort(RUN_IS_OVER);
    await renewing;
  }
}

const RUN_IS_OVER = new Error('the run is over');

async function renewUntil(
  rt: Runtime,
  leases: Leases,
  lease: Lease,
  over: AbortSignal,
  lose: (error: LeaseLost) => void,
): Promise<void> {
  while (!over.aborted) {
    try {
      await rt.clock.sleep(leases.ttlMs / 3, over);
      await leases.renew(lease);
    } catch (error) {
      if (over.aborted) return;
      if (error instanceof LeaseLost) return lose(error);
      // Postgres did not answer: the next renewal tries again, and meanwhile the epoch protects the
      // rows.
      rt.log.warn(
        { event: 'lease_renewal_failed', collectionId: lease.collectionId, err: error },
        'the lease could not be renewed',
      );
    }
  }
}
