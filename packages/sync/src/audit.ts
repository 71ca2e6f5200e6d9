import { callerOf } from './caller.js';
import { GoogleError } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Lease } from '@syncline/store';
import { AuditBudget, type AuditContext } from './audit-slice.js';
import type { Cursor } from './cursor.js';
import { completePolicy } from './mirror-policy.js';
import type { SyncPolicy } from './policy.js';
import { collectionModule } from './resources/index.js';
import type { SyncDeps } from './sync-collection.js';

/*
 * The audit: from time to time, when a collection is caught up and has no other work, its mirror is
 * compared with Google. A difference that Google's own log of changes does not name is drift. Drift
 * is reported, and the next run repairs it like any other change.
 *
 * An audit runs in slices, each with a budget of units and of time, until it has compared
 * everything in its scope: of a mailbox every id and every label by listing and the content of some
 * messages, of a calendar every field of every event, of a calendar list every entry. A mailbox
 * costs 5 units for every 500 ids of every label and 20 for each message that is compared; a
 * calendar costs a request for every 2,500 events, a calendar list one for 250 calendars.
 */

/** Units of one slice: half of what a mailbox gets in a minute, listings and contents together. */
const UNITS_A_SLICE = 3_000;
/** The longest time that a slice holds a worker's slot, give or take a page. */
const SLICE_MS = 10_000;
/** The pause between two slices, which leaves the mailbox's quota to other work. */
const PAUSE_MS = 60_000;
/**
 * The pause before a list without an end is read again; longer than the pause between two slices.
 */
const ENDLESS_PAUSE_MS = 6 * 3_600_000;

/**
 * Whether a slice is due: the next slice of the audit in progress after its pause, or the first of
 * a new audit.
 * @param jitter in [0, 1)
 */
export function isAuditDue(
  policy: SyncPolicy,
  { auditAgeMs, auditPausedMs }: Pick<Lease, 'auditAgeMs' | 'auditPausedMs'>,
  jitter: number,
): boolean {
  const everyMs = policy.auditEveryMs ?? 0;
  if (everyMs <= 0) return false;
  if (auditPausedMs !== null) return auditPausedMs >= (policy.auditPauseMs ?? PAUSE_MS);
  return auditAgeMs !== null && auditAgeMs > everyMs * (0.9 + 0.2 * jitter);
}

/**
 * Runs one slice under the collection's lease, for a collection that is caught up. Quota and
 * transient errors postpone the rest to the next slice.
 * @param lease with the current generation and window of the run
 */
export async function auditCollection(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  cursor: Cursor,
  signal: AbortSignal,
): Promise<void> {
  const account = deps.google.account(lease.accountId, {
    lane: 'onboarding',
    ...callerOf(lease),
    signal,
  });
  const deadlineMs = rt.clock.nowMs() + SLICE_MS;
  const budget = new AuditBudget(
    deps.policy.auditUnits ?? UNITS_A_SLICE,
    () => rt.clock.nowMs() < deadlineMs,
  );
  const context: AuditContext = {
    rt,
    store: deps.store,
    account,
    lease,
    policy: completePolicy(deps.mirror),
    budget,
  };
  try {
    const end = await collectionModule(lease.kind).audit(context, cursor);
    if (end.kind === 'whole') {
      const { checked, contents, drift } = end;
      await deps.store.audit.finish(lease, { checked, contents, drift });
      rt.log.info(
        { event: 'audited', collectionId: lease.collectionId, checked, contents, drift },
        'an audit has compared everything in its scope',
      );
    } else {
      rt.log.info(
        { event: 'audit_unfinished', collectionId: lease.collectionId, why: end.why },
        'an audit continues in a later slice',
      );
    }
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    if (error.detail.kind === 'endless-listing')
      await deps.store.audit.beginLater(lease, ENDLESS_PAUSE_MS);
    rt.log.info(
      { event: 'audit_put_off', collectionId: lease.collectionId, err: error },
      'an audit was postponed: Google did not answer',
    );
  } finally {
    await deps.store.quota.record(lease.accountId, account.takeSpent());
  }
}
