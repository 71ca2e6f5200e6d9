import { QUEUE_NAMES, type Fleet } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';

const CACHED_MS = 5_000;
/** Watches are counted once in this time: the count reads all of them. */
const WATCHES_CACHED_MS = 60_000;
/** And it takes no more of Postgres' time than this, however many there are. */
const WATCHES_SHARE = 0.01;

export interface MetricsPage {
  contentType: string;
  text(): Promise<string>;
}

/** What is asked for the gauges that concern the whole fleet. */
export interface Measured {
  fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'>;
  accounts: { countByState(): Promise<Record<string, number>> };
  collections: { countHeld(): Promise<ReadonlyMap<string, number>> };
  watches: { count(): Promise<Record<string, Record<string, number>>> };
}

/**
 * `/metrics`: this process's registry, and the queues and accounts, which are the whole fleet's. Redis and Postgres are asked
 * once in 5 s however many scrapers there are, and once in a minute for the watches, whose figures no scrape waits for; while one is
 * away its gauges are absent instead of old.
 */
export function metricsPage(rt: Runtime, measured: Measured): MetricsPage {
  const { fleet, accounts, collections, watches } = measured;
  const { registry } = rt.metrics;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<unknown> = Promise.resolve();
  const countWatches = watchCounter(rt, watches);
  return {
    contentType: registry.contentType,
    text: async () => {
      const nowMs = rt.clock.nowMs();
      if (nowMs - askedAtMs >= CACHED_MS) {
        askedAtMs = nowMs;
        asking = Promise.all([
          measureQueues(rt, fleet),
          measureAccounts(rt, accounts),
          measureHeld(rt, collections),
        ]);
      }
      countWatches();
      await asking;
      return await registry.metrics();
    },
  };
}

async function measureQueues(
  rt: Runtime,
  fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'>,
): Promise<void> {
  const { queueJobs, oldestJobAgeSeconds } = rt.metrics;
  try {
    const [counts, agesMs] = await Promise.all([fleet.counts(), fleet.waitingAgesMs()]);
    for (const queue of QUEUE_NAMES) {
      for (const [state, jobs] of Object.entries(counts[queue]))
        queueJobs.set({ queue, state }, jobs);
      oldestJobAgeSeconds.set({ queue }, agesMs[queue] / 1_000);
    }
  } catch (error) {
    rt.log.warn(
      { event: 'queues-unmeasured', err: error },
      'the queues could not be counted for /metrics',
    );
    queueJobs.reset();
    oldestJobAgeSeconds.reset();
  }
}

async function measureAccounts(rt: Runtime, accounts: Measured['accounts']): Promise<void> {
  try {
    for (const [state, count] of Object.entries(await accounts.countByState()))
      rt.metrics.accounts.set({ state }, count);
  } catch (error) {
    rt.log.warn(
      { event: 'accounts-unmeasured', err: error },
      'the accounts could not be counted for /metrics',
    );
    rt.metrics.accounts.reset();
  }
}

const KINDS = ['gmail', 'calendar-list', 'calendar-events'] as const;

async function measureHeld(rt: Runtime, collections: Measured['collections']): Promise<void> {
  try {
    const held = await collections.countHeld();
    for (const kind of KINDS) rt.metrics.heldSweeps.set({ kind }, held.get(kind) ?? 0);
  } catch (error) {
    rt.log.warn(
      { event: 'held_sweeps_unmeasured', err: error },
      'the held sweeps could not be counted for /metrics',
    );
    rt.metrics.heldSweeps.reset();
  }
}

/** Begins a count unless one is under way or the last is young enough. */
function watchCounter(rt: Runtime, watches: Measured['watches']): () => void {
  let dueAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const beganMs = rt.clock.nowMs();
    if (beganMs < dueAtMs) return;
    dueAtMs = Number.POSITIVE_INFINITY;
    void measureWatches(rt, watches).finally(() => {
      const tookMs = rt.clock.nowMs() - beganMs;
      dueAtMs = beganMs + Math.max(WATCHES_CACHED_MS, tookMs / WATCHES_SHARE);
    });
  };
}

async function measureWatches(rt: Runtime, watches: Measured['watches']): Promise<void> {
  try {
    for (const [kind, states] of Object.entries(await watches.count())) {
      for (const [state, count] of Object.entries(states))
        rt.metrics.watches.set({ kind, state }, count);
    }
  } catch (error) {
    rt.log.warn(
      { event: 'watches-unmeasured', err: error },
      'the watches could not be counted for /metrics',
    );
    rt.metrics.watches.reset();
  }
}
