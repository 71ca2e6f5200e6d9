/**
 * The scheduler: once a second, what is due in Postgres is claimed and put into the queues. It remembers nothing and owns
 * nothing. A claim only moves the collection's due time ahead by the visibility time, so what is lost on the way (this
 * process, Redis, a job) comes due again by itself, and any number of schedulers may run.
 */
import type { Fleet, QueueName } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { admit, allFull } from './admit.js';

const CLAIM_LIMIT = 500;
/** How long a claimed collection has to be picked up before it is enqueued again, which deduplication makes harmless. */
const VISIBILITY_MS = 30_000;
const TICK_MS = 1_000;
const RETRY_CAP_MS = 10_000;

export interface TickDeps {
  store: { collections: Pick<Store['collections'], 'claimDue'> };
  fleet: Pick<Fleet, 'enqueue' | 'counts'>;
}

/**
 * Ticks until `rt.signal` is aborted. Bad weather in Postgres or Redis never ends it: it is logged when it begins and when
 * it is over, and retried with backoff.
 */
export async function runTicks(rt: Runtime, deps: TickDeps): Promise<void> {
  let failures = 0;
  while (!rt.signal.aborted) {
    try {
      const more = await tick(deps);
      if (failures > 0) rt.log.info({ event: 'scheduler-recovered', failures }, 'due work can be claimed and enqueued again');
      failures = 0;
      if (!more) await pause(rt, TICK_MS);
    } catch (error) {
      if (failures === 0) rt.log.error({ event: 'scheduler-failed', err: error }, 'due work cannot be claimed or enqueued; trying again until it can');
      failures += 1;
      await pause(rt, retryMs(failures, rt.random.next()));
    }
  }
}

/** One round. Returns whether more is due than fitted into it and the queues can take it: then the next tick need not wait. */
export async function tick({ store, fleet }: TickDeps): Promise<boolean> {
  // Redis is asked first: while it is away nothing is claimed, and nothing has to become due a second time.
  const waiting = waitingJobs(await fleet.counts());
  if (allFull(waiting)) return false;
  const due = await store.collections.claimDue({ limit: CLAIM_LIMIT, visibilityMs: VISIBILITY_MS });
  const admitted = admit(due, waiting);
  if (admitted.length > 0) await fleet.enqueue(admitted);
  return due.length === CLAIM_LIMIT && admitted.length > 0;
}

/** Until the next try after `failures` (≥ 1) in a row: half a second doubled up to 10 s, the upper half by `chance` in [0, 1). */
export function retryMs(failures: number, chance: number): number {
  const ceiling = Math.min(RETRY_CAP_MS, 500 * 2 ** Math.min(failures, 10));
  return ceiling / 2 + (chance * ceiling) / 2;
}

function waitingJobs(counts: Record<QueueName, Record<string, number>>): Record<QueueName, number> {
  const entries = Object.entries(counts).map(([name, states]) => [name, (states['waiting'] ?? 0) + (states['prioritized'] ?? 0)]);
  return Object.fromEntries(entries) as Record<QueueName, number>;
}

/** Sleeps, or returns early when draining begins: the loop looks at the signal itself. */
async function pause(rt: Runtime, ms: number): Promise<void> {
  await rt.clock.sleep(ms, rt.signal).catch((reason: unknown) => {
    if (!rt.signal.aborted) throw reason;
  });
}
