import '@syncline/runtime/at-start';
import { openFleet, type Fleet } from '@syncline/fleet';
import { openGoogle, type Google } from '@syncline/google';
import {
  channelAddressAt,
  type ResolvedConfig,
  type Runtime,
  type Service,
  runHealthProbe,
  redisSettings,
  runProcess,
  waitForServers,
} from '@syncline/runtime';
import { openStore, POOL_SIZES, runHeartbeat, type Store } from '@syncline/store';
import type { SyncDeps } from '@syncline/sync';
import { announceChanges } from './announce-changes.js';
import { splitConcurrency } from './concurrency.js';
import { compareDay, runDayLedger } from './day-ledger.js';
import { handleJob } from './handle.js';
import { runProbes } from './probes.js';
import { openQuietSyncs, runQuietSyncs } from './quiet-syncs.js';
import { runRemovals } from './removals.js';
import { runVerifications } from './verifications.js';
import { openSlots, workerLoad, type Slots } from './worker-load.js';
import { throttleWrites } from './write-throttle.js';

/**
 * Part of the 5.5 s that a process has for draining; closing the connections takes up to 2 s more.
 */
const DRAIN_MS = 3_000;
/**
 * sysexits.h's "Try again": it lets a supervisor tell this exit from an error in the configuration.
 */
const STUCK_EXIT_CODE = 75;

void runProcess('worker', startWorker, { servesMetrics: true });

async function startWorker(rt: Runtime, config: ResolvedConfig): Promise<Service> {
  // One name in the leases, in the jobs and in the connections to Redis: a holder without a
  // connection counts as dead, and its leases are released.
  const holder = `${process.pid}-${rt.random.uuid().slice(0, 8)}`;
  const store = await openThrottledStore(rt, config, holder);
  const redis = redisSettings(config, await store.join('worker'));
  // First, because its error names everything that Redis lacks.
  const fleet = await openFleet(rt, { ...redis, holder });
  const google = await openGoogle(rt, {
    ...config.google,
    ...redis,
    quotas: config.quotas,
    tokens: store.vault,
    holder,
  });
  // Before any job: today's spending of ended processes counts towards the limit.
  await waitForServers(rt, async () => {
    await compareDay({ store, google });
    await store.feed.watch(fleet.counters);
  }, [store.unavailable, fleet.unavailable]);
  const concurrency = splitConcurrency(config.workerConcurrency);
  let giveUp: (exitCode: number) => void = () => undefined;
  const finished = new Promise<number>((resolve) => (giveUp = resolve));
  void fleet.displaced.then(() => giveUp(1));
  const quiet = openQuietSyncs(rt);
  const slots = openSlots(concurrency);
  const host = await fleet.work({
    concurrency,
    handle: slots.counted(
      handleJob(
        rt,
        {
          store: announceChanges(store, fleet.feedHints),
          google,
          policy: { ...config.poll, auditEveryMs: config.auditEveryMs },
          mirror: config.mirror,
          watchTargets: notificationsOf(config),
        },
        quiet,
      ),
    ),
    stuckAfterMs: config.workerStuckAfterMs,
    // Only a new process ends a stuck fetch loop; the supervisor starts it.
    onUnhealthy: () => giveUp(STUCK_EXIT_CODE),
  });
  probeHealth(rt, store, fleet);
  const loops = runLoops(rt, { store, google, mirror: config.mirror, quiet, slots });
  rt.log.info({ event: 'working', concurrency }, 'taking jobs');
  return {
    finished,
    drain: async () => {
      await Promise.all([host.drain(DRAIN_MS), loops]);
      quiet.flush();
      await Promise.all([fleet.close(), google.close(), store.close()]);
    },
  };
}

interface Loops {
  store: Store;
  google: Google;
  mirror: ResolvedConfig['mirror'];
  quiet: ReturnType<typeof openQuietSyncs>;
  slots: Slots;
}

/** What a worker does beside its jobs. */
async function runLoops(
  rt: Runtime,
  { store, google, mirror, quiet, slots }: Loops,
): Promise<void> {
  await Promise.all([
    runRemovals(rt, { store, google }),
    runVerifications(rt, { store, google, mirror }),
    runProbes(rt, { store, google }),
    runDayLedger(rt, { store, google }),
    runQuietSyncs(rt, quiet),
    runHeartbeat(rt, store, { service: 'worker', load: () => workerLoad(rt, slots, google) }),
  ]);
}

async function openThrottledStore(
  rt: Runtime,
  { databaseUrl, masterKey, oldMasterKey, databasePoolSize }: ResolvedConfig,
  holder: string,
): Promise<Store> {
  const poolSize = databasePoolSize ?? POOL_SIZES.worker;
  const store = await openStore(rt, {
    databaseUrl,
    masterKey,
    oldMasterKey,
    poolSize,
    byIndex: true,
    holder,
  });
  return throttleWrites(rt, store, poolSize);
}

/** Returns where Google is asked to send notifications. */
function notificationsOf({ push }: ResolvedConfig): SyncDeps['watchTargets'] {
  return {
    topic: push?.topic ?? null,
    projectTopics: push?.projectTopics ?? {},
    channelAddress: push?.baseUrl ? channelAddressAt(push.baseUrl) : null,
  };
}

function probeHealth(rt: Runtime, store: Store, fleet: Fleet): void {
  void runHealthProbe(rt, {
    name: 'postgres',
    need: 'not-ready',
    check: () => store.probeWrite(),
  });
  void runHealthProbe(rt, { name: 'master-key', need: 'not-ready', check: store.keys.check });
  void runHealthProbe(rt, { name: 'redis', need: 'not-ready', check: () => fleet.probeWrite() });
}
