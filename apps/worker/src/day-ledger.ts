/**
 * Reports the day's usage from the ledger in Postgres to the quota counters in Redis: Redis may
 * have lost its data, and the processes that spent it may have ended.
 */
import type { Google } from '@syncline/google';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/**
 * For two seconds after Redis has lost its data nothing is charged (`HOLD_MS` in packages/google):
 * the ledger is reported within that time.
 */
const CHECK_EVERY_MS = 1_000;
/** For the same reason the pause does not grow after a failure. */
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: CHECK_EVERY_MS };
const ROUND_LIMIT_MS = 30_000;

export interface DayLedgerDeps {
  store: { quota: Pick<Store['quota'], 'day'> };
  google: Pick<Google, 'projectsToCompare' | 'tellSpentDay'>;
}

/**
 * Runs one check.
 * @throws Error of Postgres or Redis, when either is unavailable
 */
export async function compareDay({ store, google }: DayLedgerDeps): Promise<void> {
  if ((await google.projectsToCompare()).length === 0) return;
  const { day, units } = await store.quota.day();
  await google.tellSpentDay(day, units);
}

/** Checks until `rt.signal` is aborted. Failures are logged and retried. */
export async function runDayLedger(rt: Runtime, deps: DayLedgerDeps): Promise<void> {
  await runLoop(rt, {
    name: 'day-ledger',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    failed: {
      event: 'day_ledger_failed',
      text: 'the usage of the day cannot be reported to the quota; trying again',
    },
    round: async () => {
      await compareDay(deps);
      return CHECK_EVERY_MS;
    },
  });
}
