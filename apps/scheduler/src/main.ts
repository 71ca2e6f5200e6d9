import { openFleet } from '@syncline/fleet';
import { type ResolvedConfig, type Runtime, type Service, runProcess } from '@syncline/runtime';
import { openStore } from '@syncline/store';
import { runTicks } from './tick.js';

/** The loop claims with one session; the second is for its own hiccups. */
const POOL_SIZE = 2;

void runProcess('scheduler', startScheduler, { requires: ['master-key'] });

async function startScheduler(rt: Runtime, { databaseUrl, masterKey, redisUrl }: ResolvedConfig): Promise<Service> {
  const store = await openStore(rt, { databaseUrl, masterKey, poolSize: POOL_SIZE });
  const fleet = await openFleet(rt, { redisUrl });
  const ticking = runTicks(rt, { store, fleet });
  return {
    drain: async () => {
      await ticking;
      await Promise.all([fleet.close(), store.close()]);
    },
  };
}
