/**
 * The scheduler's tick. Once a second, or four times a second while there is work, it claims what
 * is due in Postgres and enqueues it, with fair shares for tenants. It holds no state of
 * importance: a claim only moves the collection's due date ahead by the visibility time, so
 * anything lost on the way (this process, Redis, a job) is due again by itself, and any number of
 * schedulers may run.
 */
import {
  SYNC_QUEUES,
  type Fleet,
  type SyncQueueName,
  isFullQueue,
  resourceNamedBy,
} from '@syncline/fleet';
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Schedule } from '@syncline/store';
import { type LostQueueDeps, VISIBILITY_MS, lostQueueCheck } from './lost-queue.js';
import { roomIn } from './room.js';
import { type Lead, NO_LEAD, leadAfter } from './tenant-fairness.js';

/**
 * The maximum size of one claim: bounds how long a statement holds its row locks, and the size of a
 * pipeline to Redis.
 */
const CLAIM_LIMIT = 500;
const TICK_MS = 1_000;
/**
 * The pause after a round that found due work. A round enqueues its jobs together. With rounds of a
 * second ninety syncs came at once, and notifications that arrived within the same tenth of a
 * second took a tenth of a second longer: the slowest tenth of all.
 */
const FED_TICK_MS = 250;
/** The pause when more is due than a queue has room for: workers take jobs quickly. */
const BUSY_TICK_MS = 100;
/** The delays after a failed round. */
export const CLAIM_BACKOFF = { firstMs: 1_000, capMs: 10_000 };
/**
 * A round takes a fraction of a second; on a half-open connection to Postgres it would take two
 * minutes.
 */
export const CLAIM_ROUND_LIMIT_MS = 30_000;

export interface TickDeps {
  store: { schedule: Pick<Schedule, 'claimDue'> };
  fleet: Pick<Fleet, 'enqueue' | 'counts'>;
}

/**
 * Ticks until `rt.signal` is aborted. Transient errors of Postgres or Redis do not end the loop:
 * they are logged when they begin and when they end, and retried with backoff.
 */
export async function runTicks(rt: Runtime, deps: TickDeps & LostQueueDeps): Promise<void> {
  const checkQueueData = lostQueueCheck(rt, deps);
  const leads: QueueLeads = new Map();
  await runLoop(rt, {
    name: 'due-work',
    roundLimitMs: CLAIM_ROUND_LIMIT_MS,
    backoff: CLAIM_BACKOFF,
    failed: {
      event: 'scheduler_failed',
      text: 'due work cannot be claimed or enqueued; trying again',
      level: 'error',
    },
    recovered: {
      event: 'scheduler_recovered',
      text: 'due work can be claimed and enqueued again',
    },
    round: async () => {
      const endTimer = rt.metrics.schedulerTickSeconds.startTimer();
      await checkQueueData();
      const pauseMs = await tick(rt, deps, leads);
      endTimer();
      return pauseMs;
    },
  });
}

/** The leads of the tenants, by queue, which a scheduler keeps from round to round. */
export type QueueLeads = Map<SyncQueueName, Lead>;

/**
 * Runs one round over the queues. Returns the maximum pause before the next, in ms; 0 when there is
 * both more to claim and room for it.
 */
export async function tick(rt: Runtime, deps: TickDeps, leads: QueueLeads): Promise<number> {
  // Redis is queried first: while it is unavailable nothing is claimed, so that nothing has to
  // become due a second time.
  const counts = await deps.fleet.counts();
  return Math.min(
    ...(await Promise.all(
      SYNC_QUEUES.map((queue) =>
        fill(rt, deps, leads, queue, roomIn(queue, loadOf(counts[queue]))),
      ),
    )),
  );
}

/**
 * Enqueues due work in one queue, as far as there is room. Returns the maximum pause for this
 * queue, in ms.
 */
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
  const due = await store.schedule.claimDue({
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
