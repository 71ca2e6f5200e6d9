/**
 * Rolls up the figures of the fleet, every 5 s or more rarely where that would cost Postgres more
 * than half a percent of its time. Of several schedulers the one that has the lease does it; the
 * others find that it was just done.
 */
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/** The pause while another scheduler rolls up. */
const HELD_MS = 5_000;
const BACKOFF = { firstMs: 1_000, capMs: 30_000 };
const ROUND_LIMIT_MS = 120_000;

export interface RollUpDeps {
  store: Pick<Store, 'alone' | 'figures'>;
}

/** Rolls up until `rt.signal` is aborted. */
export async function runRollUp(rt: Runtime, { store }: RollUpDeps): Promise<void> {
  await runLoop(rt, {
    name: 'roll-up',
    need: 'degraded',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'roll_up_failed',
      text: 'the figures of the fleet are not up to date; trying again',
    },
    round: async () => {
      const round = await store.alone('roll-up', (lease) => store.figures.rollUp(lease));
      return round.kind === 'held' ? HELD_MS : round.result.nextInMs;
    },
  });
}
