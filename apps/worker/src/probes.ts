import { type Runtime, runLoop } from '@syncline/runtime';
import { probeAccounts, tryProjects, type SyncDeps } from '@syncline/sync';

const TICK_MS = 1_000;
const BACKOFF = { firstMs: 2_000, capMs: 10_000 };
/**
 * Accounts are probed an hour after their refusal at the earliest, so they need no tick of their
 * own.
 */
const TICKS_PER_ACCOUNT_ROUND = 5;

/**
 * Asks Google whether the refusals of projects and accounts have passed, until the process drains.
 * Any number of workers may do this.
 */
export async function runProbes(
  rt: Runtime,
  deps: Pick<SyncDeps, 'store' | 'google'>,
): Promise<void> {
  let hasBegun = false;
  let tick = 0;
  await runLoop(rt, {
    name: 'refusals',
    backoff: BACKOFF,
    failed: {
      event: 'probes_failed',
      text: 'refusals of projects and accounts could not be checked; trying again',
    },
    round: async () => {
      const isAccountRound = tick++ % TICKS_PER_ACCOUNT_ROUND === 0;
      if (!hasBegun) await deps.store.projects.retryNow(deps.google.projects);
      hasBegun = true;
      await tryProjects(rt, deps);
      if (isAccountRound) await probeAccounts(rt, deps);
      return TICK_MS * (0.5 + rt.random.next());
    },
  });
}
