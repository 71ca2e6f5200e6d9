/**
 * The day's sum is kept in Redis. After Redis lost its data, each process reports its own usage
 * again; the usage of ended processes is in the ledger in Postgres and is reported here from there.
 * Neither counts twice: the larger of the two counts, plus what was charged after.
 */
import { DAY_LIMITED } from './apis/facts.js';
import { type Ledger, keyOfDay, run, today } from './quota-process.js';
import { SCRIPTS } from './quota-scripts.js';

/**
 * Whether the present day is to be compared with the ledger now: soon after Redis lost its data,
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
 * @param day `2026-11-28`, by Pacific time.
 * @param units Gmail's of that day and this project.
 * @throws Error of the Redis client
 */
export async function tellLedger(ledger: Ledger, day: string, units: number): Promise<void> {
  await run(ledger, SCRIPTS.ledgerRead, [keyOfDay(ledger, DAY_LIMITED, day)], [units]);
}
