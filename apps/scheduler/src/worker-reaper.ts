/**
 * Workers that are gone. A killed process loses its connections at once, while its leases and locks would hold its work for ten seconds more: here both
 * are taken from it, so that others go on with its collections in two seconds or three. A loop of its own, since it must hold up nobody's mailbox.
 * What cannot be seen this way (a stopped process, a machine without power, a Redis that does not tell) waits for lease and lock.
 */
import type { Fleet } from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { DeadHolder, Store } from '@syncline/store';
import { type Attendance, NOBODY, afterRelease, missing } from './missing.js';
import { VISIBILITY_MS } from './reminder.js';

const CHECK_EVERY_MS = 1_000;
/** Short: after an outage the work of workers that died in it waits for the next sync. */
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: 2_000 };
const ROUND_LIMIT_MS = 30_000;

export interface ReaperDeps {
  store: { lease: Pick<Store['lease'], 'releaseDeadWorkers'> };
  fleet: Pick<Fleet, 'holders' | 'heldJobs' | 'strikeOff'>;
}

/** Looks until `rt.signal` is aborted. Transient errors is logged when it begins and waited for. */
export async function runWorkerReaper(rt: Runtime, deps: ReaperDeps): Promise<void> {
  let attendance = NOBODY;
  let isReported = true;
  await runLoop(rt, {
    name: 'dead-workers',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'worker_reaper_failed',
      text: 'it cannot be seen which workers are gone; trying again until it can',
    },
    round: async () => {
      const next = await checkWorkers(rt, deps, attendance);
      if (next === null && isReported)
        rt.log.warn(
          { event: 'connections_unreported' },
          'Redis does not tell who is connected (CLIENT LIST): the work of a killed worker is taken over when its lease and lock lapse, after about ten seconds',
        );
      isReported = next !== null;
      attendance = next ?? NOBODY;
      return CHECK_EVERY_MS;
    },
  });
}

/** One look, after what was seen before; null when Redis does not tell. */
async function checkWorkers(
  rt: Runtime,
  deps: ReaperDeps,
  before: Attendance,
): Promise<Attendance | null> {
  const seen = await deps.fleet.holders();
  if (seen === null) return null;
  const { attendance, dead } = missing(before, seen, rt.clock.nowMs());
  return dead.length === 0
    ? attendance
    : afterRelease(attendance, await releaseDeadWorkers(rt, deps, dead));
}

/** First the leases, then the jobs, or whoever took a job would find its lease still held. */
async function releaseDeadWorkers(
  rt: Runtime,
  { store, fleet }: ReaperDeps,
  dead: readonly DeadHolder[],
): Promise<{ holder: string; alive: boolean }[]> {
  const jobs = (await fleet.heldJobs()).filter((job) =>
    dead.some(({ holder }) => holder === job.holder),
  );
  const results = await store.lease.releaseDeadWorkers(dead, {
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
    // Whoever drained has left nothing, and of several schedulers one does it.
    if (fields.leases + fields.jobs === 0) continue;
    rt.metrics.deadWorkers.inc();
    rt.log.warn(fields, 'a worker is gone; what it had in hand goes to others now');
  }
  const gone = results.filter(({ alive }) => !alive).map(({ holder }) => holder);
  if (gone.length > 0) await fleet.strikeOff(gone);
  return results;
}
