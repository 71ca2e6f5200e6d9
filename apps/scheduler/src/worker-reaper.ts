/**
 * Releases the work of dead workers. A killed process loses its connections at once, while its
 * leases and locks would hold its work for ten seconds more: here both are released, so that other
 * workers continue with its collections after two to three seconds. It is a loop of its own, since
 * it must not delay any mailbox. Cases that this cannot detect (a stopped process, a machine
 * without power, a Redis that does not list connections) wait for the lease and the lock to expire.
 */
import type { Fleet } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';
import {
  type DeadHolder,
  type HolderState,
  NO_HOLDERS,
  afterRelease,
  findDeadHolders,
} from './dead-holders.js';
import { VISIBILITY_MS } from './lost-queue.js';

const CHECK_EVERY_MS = 1_000;
/** Short: after an outage, the work of workers that ended during it waits for the next check. */
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: 2_000 };
const ROUND_LIMIT_MS = 30_000;

export interface ReaperDeps {
  store: { schedule: Pick<Schedule, 'releaseDeadWorkers'> };
  fleet: Pick<Fleet, 'holders' | 'heldJobs' | 'removeHolders'>;
}

/**
 * Checks until `rt.signal` is aborted. Transient errors are logged when they begin, and retried.
 */
export async function runWorkerReaper(rt: Runtime, deps: ReaperDeps): Promise<void> {
  let holderState = NO_HOLDERS;
  let isReported = true;
  await runLoop(rt, {
    name: 'dead-workers',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'worker_reaper_failed',
      text: 'whether workers are gone cannot be read; trying again',
    },
    round: async () => {
      const next = await checkWorkers(rt, deps, holderState);
      if (next === null && isReported)
        rt.log.warn(
          { event: 'connections_unreported' },
          'Redis does not list its clients (CLIENT LIST): the work of a killed worker is taken over when its lease and lock expire, after about ten seconds',
        );
      isReported = next !== null;
      holderState = next ?? NO_HOLDERS;
      return CHECK_EVERY_MS;
    },
  });
}

/**
 * Makes one check, given the state of the previous one; null when Redis does not list connections.
 */
async function checkWorkers(
  rt: Runtime,
  deps: ReaperDeps,
  before: HolderState,
): Promise<HolderState | null> {
  const seen = await deps.fleet.holders();
  if (seen === null) return null;
  const { holderState, dead } = findDeadHolders(before, seen, rt.clock.nowMs());
  return dead.length === 0
    ? holderState
    : afterRelease(holderState, await releaseDeadWorkers(rt, deps, dead));
}

/**
 * Releases the leases before the jobs: otherwise a worker that takes a job would find its lease
 * still held.
 */
async function releaseDeadWorkers(
  rt: Runtime,
  { store, fleet }: ReaperDeps,
  dead: readonly DeadHolder[],
): Promise<{ holder: string; alive: boolean }[]> {
  const jobs = (await fleet.heldJobs()).filter((job) =>
    dead.some(({ holder }) => holder === job.holder),
  );
  const results = await store.schedule.releaseDeadWorkers(dead, {
    jobs: jobs.map(({ collectionId }) => collectionId),
    withinMs: VISIBILITY_MS,
  });
  for (const { holder, released, alive } of results) {
    if (alive) continue;
    const given = await Promise.all(
      jobs.filter((job) => job.holder === holder).map((job) => job.giveBack()),
    );
    const fields = {
      event: 'worker_died',
      holder,
      leases: released,
      jobs: given.filter(Boolean).length,
    };
    // A drained worker has left nothing, and of several schedulers only one releases its work.
    if (fields.leases + fields.jobs === 0) continue;
    rt.metrics.deadWorkers.inc();
    rt.log.warn(fields, 'a worker is gone; its work was released for others');
  }
  const gone = results.filter(({ alive }) => !alive).map(({ holder }) => holder);
  if (gone.length > 0) await fleet.removeHolders(gone);
  return results;
}
