/**
 * The scheduler: once a second, or four times where there is work, what is due in Postgres is claimed and put into the queues, in turns by tenant. It owns nothing that matters. A claim only
 * moves the collection's due time ahead by the visibility time, so what is lost on the way (this process, Redis, a job) comes due again by itself,
 * and any number of schedulers may run.
 */
import {
  SYNC_QUEUES,
  type Fleet,
  type SyncQueueName,
  isFullQueue,
  resourceNamedBy,
} from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { type ReminderDeps, VISIBILITY_MS, reminder } from './reminder.js';
import { roomIn } from './room.js';
import { type Lead, NO_LEAD, leadAfter } from './tenant-fairness.js';

/** Of one claim: it bounds how long a statement holds its row locks and how much one pipeline brings to Redis. */
const CLAIM_LIMIT = 500;
const TICK_MS = 1_000;
/**
 * After a round that found something due: what a round hands out lies before the workers in one
 * heap. With rounds of a second, ninety looks came at once, and of the notifications came in that
 * tenth of a second each took a tenth longer: they were the slowest tenth of all.
 */
const FED_TICK_MS = 250;
/** When more is due than a queue has room for: what is waited for is a worker, and they are quick. */
const BUSY_TICK_MS = 100;
/** After a round that failed. */
export const CLAIM_BACKOFF = { firstMs: 1_000, capMs: 10_000 };
/** A round takes a fraction of a second; on a half-open connection to Postgres it lasts two minutes. */
export const CLAIM_ROUND_LIMIT_MS = 30_000;

export interface TickDeps {
  store: { collections: Pick<Store['collections'], 'claimDue'> };
  fleet: Pick<Fleet, 'enqueue' | 'counts'>;
}

/**
 * Ticks until `rt.signal` is aborted. Transient errors in Postgres or Redis never ends it: it is
 * logged when it begins and when it is over, and retried with backoff.
 */
export async function runTicks(rt: Runtime, deps: TickDeps & ReminderDeps): Promise<void> {
  const remind = reminder(rt, deps);
  const leads: QueueLeads = new Map();
  await runLoop(rt, {
    name: 'due-work',
    roundLimitMs: CLAIM_ROUND_LIMIT_MS,
    backoff: CLAIM_BACKOFF,
    failed: {
      event: 'scheduler_failed',
      text: 'due work cannot be claimed or enqueued; trying again until it can',
      level: 'error',
    },
    recovered: {
      event: 'scheduler_recovered',
      text: 'due work can be claimed and enqueued again',
    },
    round: async () => {
      const endTimer = rt.metrics.schedulerTickSeconds.startTimer();
      await remind();
      const pauseMs = await tick(rt, deps, leads);
      endTimer();
      return pauseMs;
    },
  });
}

/** What a scheduler remembers from round to round: which tenants are ahead, queue by queue. */
export type QueueLeads = Map<SyncQueueName, Lead>;

/** One round over the queues. Returns how long the next may wait, in ms; 0 when there is both more to claim and room for it. */
export async function tick(rt: Runtime, deps: TickDeps, leads: QueueLeads): Promise<number> {
  // Redis is asked first: while it is away nothing is claimed, and nothing has to become due a second time.
  const counts = await deps.fleet.counts();
  return Math.min(
    ...(await Promise.all(
      SYNC_QUEUES.map((queue) =>
        fill(rt, deps, leads, queue, roomIn(queue, loadOf(counts[queue]))),
      ),
    )),
  );
}

/** Hands due work to one queue, as much as has room. Returns how long it may be left alone, in ms. */
async function fill(
  rt: Runtime,
  { store, fleet }: TickDeps,
  leads: QueueLeads,
  queue: SyncQueueName,
  room: number,
): Promise<number> {
  if (room === 0) return BUSY_TICK_MS;
  const limit = Math.min(CLAIM_LIMIT, room);
  const lead = leads.get(queue) ?? NO_LEAD;
  const due = await store.collections.claimDue({
    limit,
    visibilityMs: VISIBILITY_MS,
    queue: { resource: resourceNamedBy(queue), full: isFullQueue(queue) },
    lead,
  });
  leads.set(queue, leadAfter(lead, due, due.length < limit));
  if (due.length > 0)
    await fleet.enqueue(
      due.map(({ id, accountId, tenant, cause, onboarding, interrupted }) => ({
        collectionId: id,
        accountId,
        tenant,
        cause,
        queue,
        first: onboarding || interrupted,
      })),
    );
  rt.metrics.schedulerClaimed.inc({ queue }, due.length);
  if (due.length < limit) return due.length === 0 ? TICK_MS : FED_TICK_MS;
  return room > CLAIM_LIMIT ? 0 : BUSY_TICK_MS;
}

function loadOf(states: Record<string, number>): { waiting: number; active: number } {
  return {
    waiting: (states['waiting'] ?? 0) + (states['prioritized'] ?? 0),
    active: states['active'] ?? 0,
  };
}
