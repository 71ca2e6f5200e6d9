/**
 * Reports the day's usage in the ledger of Postgres to the quota counters: Redis may have lost it,
 * and the processes that spent it may have ended.
 */
import type { Google } from '@syncline/google';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/**
 * Nothing is charged for two seconds after Redis lost its data (`HOLD_MS` in packages/google): the
 * ledger is reported within them.
 */
const CHECK_EVERY_MS = 1_000;
/** For the same reason a failure is not followed by a longer pause. */
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: CHECK_EVERY_MS };
const ROUND_LIMIT_MS = 30_000;

export interface DayLedgerDeps {
  store: { quota: Pick<Store['quota'], 'day'> };
  google: Pick<Google, 'projectsToCompare' | 'tellSpentDay'>;
}

/** One look. @throws Error of Postgres or Redis, when either is away */
export async function compareDay({ store, google }: DayLedgerDeps): Promise<void> {
  if ((await google.projectsToCompare()).length === 0) return;
  const { day, units } = await store.quota.day();
  await google.tellSpentDay(day, units);
}

/** Looks until `rt.signal` is aborted. What fails is logged, and done again. */
export async function runDayLedger(rt: Runtime, deps: DayLedgerDeps): Promise<void> {
  await runLoop(rt, {
    name: 'day-ledger',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'day_ledger_failed',
      text: 'what was spent today cannot be reported to the quota; trying again until it can',
    },
    round: async () => {
      await compareDay(deps);
      return CHECK_EVERY_MS;
    },
  });
}
