import { QUEUE_NAMES, type Fleet } from '@syncline/fleet';
import { type Runtime, metricsText, openLoopReport } from '@syncline/runtime';

const CACHED_MS = 5_000;
/** Watches are counted once in this time: the count reads all of their rows. */
const WATCHES_CACHED_MS = 60_000;
/** The maximum share of Postgres' time that the count takes, however many watches there are. */
const WATCHES_SHARE = 0.01;
const RETRY_CAP_MS = 60_000;
/**
 * Without a scrape for this time the loop no longer counts as failing, since its current state is
 * unknown.
 */
const STALE_AFTER_MS = 60_000;

export interface MetricsPage {
  contentType: string;
  text(): Promise<string>;
}

/** The sources of the gauges of the whole fleet. */
export interface Measured {
  fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'>;
  accounts: {
    countByState(): Promise<Record<string, number>>;
    countHeldSweeps(): Promise<Record<string, number>>;
  };
  distribution: { undistributedMs(): Promise<number> };
  watches: { count(): Promise<Record<string, Record<string, number>>> };
}

/**
 * `/metrics`: this process's registry, and the queues and accounts of the whole fleet. The text is computed at most
 * once in 5 s, however many scrapers there are, with queries to Redis and Postgres. Watches are counted once a minute, and no scrape waits for their
 * count. While Redis or Postgres is away, its gauges are absent instead of stale, and it is queried with backoff.
 */
export function metricsPage(rt: Runtime, measured: Measured): MetricsPage {
  const { registry } = rt.metrics;
  const [queues, accounts, held, distribution, watches] = [
    queueGauges(rt, measured.fleet),
    accountGauges(rt, measured.accounts),
    heldGauges(rt, measured.accounts),
    distributionGauges(rt, measured.distribution),
    watchGauges(rt, measured.watches),
  ].map((gauges) => refresher(rt, gauges)) as [Refresh, Refresh, Refresh, Refresh, Refresh];
  return {
    contentType: registry.contentType,
    text: metricsText(rt, CACHED_MS, async () => {
      void watches();
      await Promise.all([queues(), accounts(), held(), distribution()]);
    }),
  };
}

/** The gauges that one measurement sets. */
interface Gauges {
  /** The loop's name. */
  name: string;
  everyMs: number;
  /** The maximum share of the server's time. */
  share?: number;
  failed: { event: string; text: string };
  measure(): Promise<void>;
  reset(): void;
}

type Refresh = () => Promise<void>;

/**
 * Starts a measurement unless one is in progress or the last is recent enough. Resolves when the
 * current values may be printed.
 */
function refresher(rt: Runtime, gauges: Gauges): Refresh {
  const { name, everyMs, share = 1, failed } = gauges;
  const report = openLoopReport(rt, {
    name,
    backoff: { firstMs: everyMs, capMs: RETRY_CAP_MS },
    need: 'degraded',
    failed,
    staleAfterMs: STALE_AFTER_MS,
  });
  let isAsking = false;
  let [beganAtMs, dueAtMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let asking: Promise<void> = Promise.resolve();
  const measure = async (beganMs: number): Promise<void> => {
    let pauseMs = 0;
    try {
      await gauges.measure();
      report.succeeded();
    } catch (error) {
      gauges.reset();
      pauseMs = report.failed(error);
    }
    const tookMs = rt.clock.nowMs() - beganMs;
    dueAtMs = beganMs + Math.max(everyMs, pauseMs, tookMs / share);
    isAsking = false;
  };
  return () => {
    const nowMs = rt.clock.nowMs();
    // A measurement is also due when the clock was set back.
    const isYoung = nowMs >= beganAtMs && nowMs < dueAtMs;
    if (isAsking || isYoung) return asking;
    [isAsking, beganAtMs] = [true, nowMs];
    return (asking = measure(nowMs));
  };
}

function queueGauges(rt: Runtime, fleet: Measured['fleet']): Gauges {
  const { queueJobs, oldestJobAgeSeconds } = rt.metrics;
  return {
    name: 'metrics-queues',
    everyMs: CACHED_MS,
    failed: { event: 'queues_unmeasured', text: 'the queues could not be counted for /metrics' },
    measure: async () => {
      const [counts, agesMs] = await Promise.all([fleet.counts(), fleet.waitingAgesMs()]);
      for (const queue of QUEUE_NAMES) {
        for (const [state, jobs] of Object.entries(counts[queue]))
          queueJobs.set({ queue, state }, jobs);
        oldestJobAgeSeconds.set({ queue }, agesMs[queue] / 1_000);
      }
    },
    reset: () => {
      queueJobs.reset();
      oldestJobAgeSeconds.reset();
    },
  };
}

function accountGauges(rt: Runtime, accounts: Measured['accounts']): Gauges {
  return {
    name: 'metrics-accounts',
    everyMs: CACHED_MS,
    failed: {
      event: 'accounts_unmeasured',
      text: 'the accounts could not be counted for /metrics',
    },
    measure: async () => {
      for (const [state, count] of Object.entries(await accounts.countByState()))
        rt.metrics.accounts.set({ state }, count);
    },
    reset: () => rt.metrics.accounts.reset(),
  };
}

function heldGauges(rt: Runtime, accounts: Measured['accounts']): Gauges {
  return {
    name: 'metrics-held-sweeps',
    everyMs: CACHED_MS,
    failed: {
      event: 'held_sweeps_unmeasured',
      text: 'the held sweeps could not be counted for /metrics',
    },
    measure: async () => {
      for (const [kind, count] of Object.entries(await accounts.countHeldSweeps()))
        rt.metrics.heldSweeps.set({ kind }, count);
    },
    reset: () => rt.metrics.heldSweeps.reset(),
  };
}

function distributionGauges(rt: Runtime, distribution: Measured['distribution']): Gauges {
  const { feedUndistributed } = rt.metrics;
  return {
    name: 'metrics-feed',
    everyMs: CACHED_MS,
    failed: { event: 'feed_unmeasured', text: 'the feed could not be measured for /metrics' },
    measure: async () => feedUndistributed.set((await distribution.undistributedMs()) / 1_000),
    reset: () => feedUndistributed.remove(),
  };
}

function watchGauges(rt: Runtime, watches: Measured['watches']): Gauges {
  return {
    name: 'metrics-watches',
    everyMs: WATCHES_CACHED_MS,
    share: WATCHES_SHARE,
    failed: { event: 'watches_unmeasured', text: 'the watches could not be counted for /metrics' },
    measure: async () => {
      for (const [kind, states] of Object.entries(await watches.count())) {
        for (const [state, count] of Object.entries(states))
          rt.metrics.watches.set({ kind, state }, count);
      }
    },
    reset: () => rt.metrics.watches.reset(),
  };
}
