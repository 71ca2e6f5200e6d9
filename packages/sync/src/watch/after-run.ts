import type { Runtime } from '@syncline/runtime';
import type { Lease, LeaseWatch, Store } from '@syncline/store';
import { nextPollMs, type SyncPolicy } from '../policy.js';
import { COLLECTION_FACTS } from '../resources/facts.js';
import { silenceDelayMs } from './schedule.js';
import { type WatchTargets, targetOf } from './step.js';

/*
 * What a run that caught up says about the notification, and the notification about the next sync.
 * Polling is the net under the notifications: Google drops some by design, and a watch may be lost
 * without a word.
 */

export interface CaughtUpRun {
  /** Rows changed. */
  changed: number;
  /**
   * Some of it was not in Google's log of changes, and nothing announces that: a full sync, a
   * repair, a label's new name.
   */
  unlogged: boolean;
  nowMs: number;
  lastChangeAtMs: number | null;
  /** A number in [0, 1). */
  jitter: number;
}

export interface AfterRun {
  nextInMs: number;
  /** A change came that no notification had announced. */
  silent: boolean;
  /** Nobody watches it, or not where the configuration says. */
  want: boolean;
  /** A notification brought this run, and it found what was announced. */
  announced: boolean;
  /** Rows that it changed by Google's log, and whether a notification had announced them. */
  applied: { rows: number; via: 'notification' | 'poll' } | null;
}

/** A notification this young announces everything: it, or its like, may be on the way still. */
const ANNOUNCES_FOR_MS = 10_000;
/**
 * Gmail drops what happens within a second of a notification, be it a sync message: that is looked
 * for once, a little later.
 */
const THROTTLE_MS = 1_000;
const ECHO_IN_MS = 1_500;
/**
 * Under a watch that is heard, the time to the next sync grows with the quiet: a tenth of it,
 * between the two intervals. What changes often is looked at as often as ever, so that a
 * notification that was lost is made good within the active interval.
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
    nextInMs: echo ? Math.min(pollMs, ECHO_IN_MS) : pollMs,
    silent,
    want: target !== null && lacksWatchOn(target, watch),
    announced: found && notification.behind,
    applied: found ? { rows: run.changed, via: isNotified ? 'notification' : 'poll' } : null,
  };
}

function isYoungerThan(ms: number, { agoMs }: Lease['notification']): boolean {
  return agoMs !== null && agoMs < ms;
}

function isInForce(watch: LeaseWatch | null): boolean {
  return watch?.state === 'on' && !watch.expired;
}

function lacksWatchOn(target: string, watch: LeaseWatch | null): boolean {
  if (watch === null || watch.state === 'off') return true;
  return watch.target !== null && watch.target !== target && watch.state !== 'requested';
}

function nextCheckMs(
  watch: LeaseWatch | null,
  silent: boolean,
  { nowMs, lastChangeAtMs, jitter }: CaughtUpRun,
  policy: SyncPolicy,
): number {
  const healthy = isInForce(watch) && watch?.heard && !watch.silent && !silent;
  if (!healthy) return nextPollMs(policy, nowMs, lastChangeAtMs, jitter);
  const quietMs = lastChangeAtMs === null ? Number.POSITIVE_INFINITY : nowMs - lastChangeAtMs;
  const idleMs = Math.max(policy.activeMs, policy.idleMs);
  return Math.min(idleMs, Math.max(policy.activeMs, quietMs * QUIET_SHARE)) * (0.75 + 0.2 * jitter);
}

/** Writes down what `afterRun` has found. @param storedAfterMs from the claim to the first commit that changed a row; null without one */
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
      silenceDelayMs(lease.watch?.silences ?? 0, lease.watch?.heard ?? false),
    ))
  ) {
    rt.metrics.silentWatches.inc({ kind: lease.kind });
    rt.log.info(
      { event: 'watch_silent', accountId: lease.accountId, collectionId: lease.collectionId },
      'a poll found a change that no notification had announced',
    );
  }
  if (after.want) await store.watches.want(lease);
}
