/**
 * Redis holds the day's usage. After Redis lost its data, each process reports its own usage again;
 * the usage of ended processes is taken from the ledger in Postgres. Nothing is counted twice: the
 * larger of the two counts, plus what was charged afterwards.
 */
import { DAY_LIMITED } from './apis/facts.js';
import { type Ledger, keyOfDay, run, today } from './quota-process.js';
import { SCRIPTS } from './quota-scripts.js';

/**
 * Whether the current day is due to be compared with the ledger: soon after Redis lost its data,
 * then at growing intervals.
 * @throws Error of the Redis client
 */
export async function isLedgerDue(ledger: Ledger): Promise<boolean> {
  const reply = await run(
    ledger,
    SCRIPTS.ledgerDue,
    [keyOfDay(ledger, DAY_LIMITED, today(ledger).day)],
    [],
  );
  return Number(reply[2]) === 1;
}

/**
 * Reports the ledger's usage of a day to Redis.
 * @param day such as `2026-11-28`, in Pacific time
 * @param units Gmail units of that day and this project
 * @throws Error of the Redis client
 */
export async function reportLedgerUsage(ledger: Ledger, day: string, units: number): Promise<void> {
  await run(ledger, SCRIPTS.ledgerRead, [keyOfDay(ledger, DAY_LIMITED, day)], [units]);
}
