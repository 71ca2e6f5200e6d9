import { QUEUE_NAMES, type Fleet } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';

const QUEUES_CACHED_MS = 5_000;

export interface MetricsPage {
  contentType: string;
  text(): Promise<string>;
}

/**
 * `/metrics`: this process's registry, and the queues, which are the whole fleet's. Redis is asked for the queues once in
 * 5 s however many scrapers there are; while it is away their gauges are absent instead of old.
 */
export function metricsPage(rt: Runtime, fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'>): MetricsPage {
  const { registry } = rt.metrics;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> = Promise.resolve();
  return {
    contentType: registry.contentType,
    text: async () => {
      const nowMs = rt.clock.nowMs();
      if (nowMs - askedAtMs >= QUEUES_CACHED_MS) {
        askedAtMs = nowMs;
        asking = measureQueues(rt, fleet);
      }
      await asking;
      return await registry.metrics();
    },
  };
}

async function measureQueues(rt: Runtime, fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'>): Promise<void> {
  const { queueJobs, oldestJobAgeSeconds } = rt.metrics;
  try {
    const [counts, agesMs] = await Promise.all([fleet.counts(), fleet.waitingAgesMs()]);
    for (const queue of QUEUE_NAMES) {
      for (const [state, jobs] of Object.entries(counts[queue])) queueJobs.set({ queue, state }, jobs);
      oldestJobAgeSeconds.set({ queue }, agesMs[queue] / 1_000);
    }
  } catch (error) {
    rt.log.warn({ event: 'queues-unmeasured', err: error }, 'the queues could not be counted for /metrics');
    queueJobs.reset();
    oldestJobAgeSeconds.reset();
  }
}
