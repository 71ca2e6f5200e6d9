/** The heartbeat of a process of the fleet: what it says of itself every 10 s. */
import { productVersion, runLoop, type Runtime } from '@syncline/runtime';
import type { ProcessLoad, Processes } from './processes.js';

const BEAT_EVERY_MS = 10_000;
const BACKOFF = { firstMs: 2_000, capMs: BEAT_EVERY_MS };
const ROUND_LIMIT_MS = 30_000;

/**
 * Beats until `rt.signal` is aborted.
 * @param own.load what only this service knows; a failure leaves it out
 */
export async function runHeartbeat(
  rt: Runtime,
  { processes }: { processes: Pick<Processes, 'beat'> },
  own: { service: string; load?: () => Promise<Partial<ProcessLoad>> },
): Promise<void> {
  const version = productVersion();
  const cpu = cpuShares(rt);
  await runLoop(rt, {
    name: 'heartbeat',
    need: 'degraded',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'heartbeat_failed',
      text: 'this process is missing in the figures of the fleet; trying again',
    },
    round: async () => {
      const load = {
        cpu: cpu(),
        rssBytes: process.memoryUsage.rss(),
        ...(await own.load?.()),
      };
      await processes.beat({ service: own.service, version, load });
      return BEAT_EVERY_MS;
    },
  });
}

/** Returns the share of one core since the last call, or since the beginning. */
function cpuShares({ clock }: Pick<Runtime, 'clock'>): () => number {
  let before = process.cpuUsage();
  let beganMs = clock.nowMs();
  return () => {
    const { user, system } = process.cpuUsage(before);
    const nowMs = clock.nowMs();
    const elapsedMs = Math.max(1, nowMs - beganMs);
    before = process.cpuUsage();
    beganMs = nowMs;
    return (user + system) / 1_000 / elapsedMs;
  };
}
