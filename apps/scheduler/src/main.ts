import '@syncline/runtime/at-start';
import { openFleet } from '@syncline/fleet';
import {
  type ResolvedConfig,
  type Runtime,
  type Service,
  runHealthProbe,
  redisSettings,
  runProcess,
  waitForServers,
} from '@syncline/runtime';
import { openStore, POOL_SIZES, runHeartbeat } from '@syncline/store';
import { runFeedDistributor } from './feed-distributor.js';
import { runFeedWatch } from './feed-watch.js';
import { runWorkerReaper } from './worker-reaper.js';
import { runRetention } from './retention.js';
import { runRollUp } from './roll-up.js';
import { runTicks } from './tick.js';
import { runWatchTicks } from './watch-ticks.js';

void runProcess('scheduler', startScheduler, { requires: ['master-key'], servesMetrics: true });

async function startScheduler(rt: Runtime, config: ResolvedConfig): Promise<Service> {
  const { databaseUrl, masterKey, oldMasterKey } = config;
  const poolSize = config.databasePoolSize ?? POOL_SIZES.scheduler;
  const store = await openStore(rt, { databaseUrl, masterKey, oldMasterKey, poolSize });
  const redis = redisSettings(config, await store.join('scheduler'));
  const fleet = await openFleet(rt, redis);
  void runHealthProbe(rt, {
    name: 'postgres',
    need: 'not-ready',
    check: () => store.probeWrite(),
  });
  void runHealthProbe(rt, { name: 'master-key', need: 'not-ready', check: store.keys.check });
  void runHealthProbe(rt, { name: 'redis', need: 'not-ready', check: () => fleet.probeWrite() });
  const checkFeed = await waitForServers(rt, () => store.feed.watch(fleet.counters), [
    store.unavailable,
    fleet.unavailable,
  ]);
  const ticking = Promise.all([
    runFeedWatch(rt, checkFeed),
    runFeedDistributor(rt, { store, hints: fleet.feedHints }),
    runTicks(rt, { store, fleet }),
    runWatchTicks(rt, { store, fleet }),
    runWorkerReaper(rt, { store, fleet }),
    runRollUp(rt, { store }),
    runHeartbeat(rt, store, { service: 'scheduler' }),
    runRetention(rt, { store, changesKeptMs: config.changesKeptMs }),
  ]);
  return {
    finished: fleet.displaced.then(() => 1),
    drain: async () => {
      await ticking;
      await Promise.all([fleet.close(), store.close()]);
    },
  };
}
