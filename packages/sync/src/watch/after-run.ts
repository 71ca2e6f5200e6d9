import type { Runtime } from '@syncline/runtime';
import type { Lease, Store } from '@syncline/store';
import { nextPollMs, type SyncPolicy } from '../policy.js';
import { COLLECTION_FACTS } from '../resources/facts.js';
import { silenceDelayMs } from './schedule.js';
import { type WatchTargets, targetOf } from './step.js';

/*
 * What a run that caught up shows about notifications, and what notifications imply for the next
 * sync. Polling makes up for missing notifications: Google drops some by design, and a watch may be
 * lost without an error.
 */

export interface CaughtUpRun {
  /** Rows changed. */
  changed: number;
  /**
   * Some of the changes were not in Google's log of changes, so that no notification announces
   * them: a full sync, a repair, a label's new name.
   */
  unlogged: boolean;
  nowMs: number;
  lastChangeAtMs: number | null;
  /** A number in [0, 1). */
  jitter: number;
}

export interface AfterRun {
  nextInMs: number;
  /** A change was found that no notification had announced. */
  silent: boolean;
  /** The collection has no watch, or one on a target other than the configured one. */
  needsWatch: boolean;
  /** A notification caused this run, and the run found changes. */
  announced: boolean;
  /** Rows changed according to Google's log, and whether a notification had announced them. */
  applied: { rows: number; via: 'notification' | 'poll' } | null;
}

/**
 * A notification younger than this counts as announcing every change: its changes, or a further
 * notification, may still be on the way.
 */
const ANNOUNCES_FOR_MS = 10_000;
/**
 * Gmail drops notifications of changes within a second of a notification, including a sync message;
 * one more sync shortly afterwards finds them.
 */
const THROTTLE_MS = 1_000;
const EXTRA_SYNC_AFTER_MS = 1_500;
/**
 * With a working watch, the time to the next sync is a tenth of the time without changes, between
 * the two intervals. A collection that changes often is synced as often as ever, so that a lost
 * notification is made up for within the active interval.
 */
const QUIET_SHARE = 0.1;

/** Pure. */
export function afterRun(
  lease: Pick<Lease, 'kind' | 'project' | 'notification' | 'watch'>,
  run: CaughtUpRun,
  policy: SyncPolicy,
  targets: WatchTargets | undefined,
): AfterRun {
  const { watch, notification } = lease;
  const target = targetOf(lease, targets);
  const found = run.changed > 0 && !run.unlogged;
  const isNotified = notification.behind || isYoungerThan(ANNOUNCES_FOR_MS, notification);
  const silent = found && !isNotified && isInForce(watch);
  const { dropsWithinSecond } = COLLECTION_FACTS[lease.kind].watch;
  const echo = dropsWithinSecond && isYoungerThan(THROTTLE_MS, notification);
  const pollMs = nextCheckMs(watch, silent, run, policy);
  return {
    nextInMs: echo ? Math.min(pollMs, EXTRA_SYNC_AFTER_MS) : pollMs,
    silent,
    needsWatch: target !== null && lacksWatchOn(target, watch),
    announced: found && notification.behind,
    applied: found ? { rows: run.changed, via: isNotified ? 'notification' : 'poll' } : null,
  };
}

function isYoungerThan(ms: number, { agoMs }: Lease['notification']): boolean {
  return agoMs !== null && agoMs < ms;
}

function isInForce(watch: Lease['watch']): boolean {
  return watch?.state === 'on' && !watch.expired;
}

function lacksWatchOn(target: string, watch: Lease['watch']): boolean {
  if (watch === null || watch.state === 'off') return true;
  return watch.target !== null && watch.target !== target && watch.state !== 'requested';
}

function nextCheckMs(
  watch: Lease['watch'],
  silent: boolean,
  { nowMs, lastChangeAtMs, jitter }: CaughtUpRun,
  policy: SyncPolicy,
): number {
  const healthy = isInForce(watch) && watch?.hasNotified && !watch.silent && !silent;
  if (!healthy) return nextPollMs(policy, nowMs, lastChangeAtMs, jitter);
  const quietMs = lastChangeAtMs === null ? Number.POSITIVE_INFINITY : nowMs - lastChangeAtMs;
  const idleMs = Math.max(policy.activeMs, policy.idleMs);
  return Math.min(idleMs, Math.max(policy.activeMs, quietMs * QUIET_SHARE)) * (0.75 + 0.2 * jitter);
}

/**
 * Records the findings of `afterRun`.
 * @param storedAfterMs from the claim to the first commit that changed a row; null without one
 */
export async function noteAfterRun(
  rt: Runtime,
  store: Store,
  lease: Lease,
  after: AfterRun,
  storedAfterMs: number | null,
): Promise<void> {
  if (after.applied)
    rt.metrics.incrementalChanges.inc(
      { kind: lease.kind, via: after.applied.via },
      after.applied.rows,
    );
  if (after.announced && storedAfterMs !== null && lease.notification.agoMs !== null) {
    rt.metrics.pushToStoredSeconds.observe(
      { kind: lease.kind },
      (lease.notification.agoMs + storedAfterMs) / 1_000,
    );
  }
  if (
    after.silent &&
    (await store.watches.silent(
      lease,
      silenceDelayMs(lease.watch?.silences ?? 0, lease.watch?.hasNotified ?? false),
    ))
  ) {
    rt.metrics.silentWatches.inc({ kind: lease.kind });
    rt.log.info(
      { event: 'watch_silent', accountId: lease.accountId, collectionId: lease.collectionId },
      'a poll found a change that no notification had announced',
    );
  }
  if (after.needsWatch) await store.watches.request(lease);
}
