import { unreachable, type Runtime } from '@syncline/runtime';
import { resourceModule } from './resources/index.js';
import { syncCollection, type SyncDeps } from './sync-collection.js';
import type { VerifyReport } from './verify.js';

/*
 * Repairs drift by requesting it and serving the request in this process: the items of a report are
 * requested like any others, then the collections are run here under their leases, as in a worker.
 * A running fleet may do the same work; the leases prevent conflicts.
 */

/** The account of a report, with the collections of the report's resource. */
export interface RepairedAccount {
  accountId: string;
  collectionIds: readonly string[];
}

/**
 * Why the items could not be read again now; the request stays, and is served when the cause is
 * over. Null when they were read.
 */
export type NotDone = string | null;

/** The total time to wait for quota, transient errors and workers that hold a lease. */
const WAIT_LIMIT_MS = 10 * 60_000;
const SLICE_MS = 60_000;

/**
 * Repairs exactly what a report names. Messages are read again one by one, and those that Google
 * does not have are deleted. Calendars are synced in full, which costs a request for every 2,500
 * events and writes only what differs. Repairs write change events like any other change.
 */
export async function repairDrift(
  rt: Runtime,
  deps: SyncDeps,
  account: RepairedAccount,
  report: VerifyReport,
  waitLimitMs = WAIT_LIMIT_MS,
): Promise<NotDone> {
  const ids = [...report.missing, ...report.extra, ...report.stale];
  if (ids.length === 0) return null;
  await resourceModule(report.resource).refetch(deps.store, account.accountId, ids);
  const deadlineMs = rt.clock.nowMs() + waitLimitMs;
  for (const collectionId of account.collectionIds) {
    const behind = await runUntilCaughtUp(rt, deps, collectionId, deadlineMs);
    if (behind !== null) return behind;
  }
  return null;
}

async function runUntilCaughtUp(
  rt: Runtime,
  deps: SyncDeps,
  collectionId: string,
  deadlineMs: number,
): Promise<NotDone> {
  for (;;) {
    const outcome = await syncCollection(rt, deps, collectionId, {
      sliceMs: SLICE_MS,
      signal: rt.signal,
    });
    rt.signal.throwIfAborted();
    switch (outcome.kind) {
      case 'caught-up':
        return null;
      case 'more':
        break;
      case 'snoozed':
      case 'held':
      case 'busy': {
        const waitMs = Math.max(0, outcome.until.getTime() - rt.clock.nowMs());
        const why = outcome.kind === 'busy' ? 'a worker has the lease' : outcome.reason;
        if (rt.clock.nowMs() + waitMs > deadlineMs) return why;
        await rt.clock.sleep(waitMs, rt.signal);
        break;
      }
      case 'reauth-required':
      case 'parked':
        return outcome.reason;
      case 'gone':
        return 'its account or the collection is not active';
      default:
        return unreachable(outcome);
    }
  }
}
