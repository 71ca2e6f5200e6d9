import type { Runtime } from '@syncline/runtime';
import { probeAccounts, tryProjects, type SyncDeps } from '@syncline/sync';

const TICK_MS = 1_000;
/** Accounts are asked about an hour after their refusal at the earliest: they need no tick of their own. */
const TICKS_PER_ACCOUNT_ROUND = 5;

/** Until the process drains: asks Google whether the refusals of projects and accounts have passed. Any number of workers may. */
export async function runProbes(
  rt: Runtime,
  deps: Pick<SyncDeps, 'store' | 'google'>,
): Promise<void> {
  let hasBegun = false;
  let failures = 0;
  for (let tick = 0; !rt.signal.aborted; tick++) {
    try {
      if (!hasBegun) await deps.store.projects.begun(deps.google.projects);
      hasBegun = true;
      await tryProjects(rt, deps);
      if (tick % TICKS_PER_ACCOUNT_ROUND === 0) await probeAccounts(rt, deps);
      failures = 0;
    } catch (error) {
      if (failures === 0 && !rt.signal.aborted)
        rt.log.warn(
          { event: 'probes_failed', err: error },
          'refusals of projects and accounts could not be looked into; trying again',
        );
      failures += 1;
    }
    const pauseMs = TICK_MS * (0.5 + rt.random.next()) * Math.min(10, failures + 1);
    await rt.clock.sleep(pauseMs, rt.signal).catch((reason: unknown) => {
      if (!rt.signal.aborted) throw reason;
    });
  }
}
