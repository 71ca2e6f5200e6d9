import type { Runtime } from '@syncline/runtime';
import type { Lease, LeaseWatch, Store } from '@syncline/store';
import { nextPollMs, type SyncPolicy } from '../policy.js';
import { COLLECTION_FACTS } from '../resources/facts.js';
import { lookAfterSilenceMs } from './schedule.js';
import { type DoorbellTargets, targetOf } from './step.js';

/*
 * What a run that ended level says about the doorbell, and the doorbell about the next look. Polling is the net under the doorbells: Google
 * drops some by design, and a watch may be lost without a word.
 */

export interface LevelRun {
  /** Rows changed. */
  changed: number;
  /** Some of it was not in Google's log of changes, and nothing rings for that: a walk, a repair, a label's new name. */
  unlogged: boolean;
  nowMs: number;
  lastChangeAtMs: number | null;
  /** A number in [0, 1). */
  jitter: number;
}

export interface AfterRun {
  nextInMs: number;
  /** A change came that no doorbell had announced. */
  silent: boolean;
  /** Nobody watches it, or not where the configuration says. */
  want: boolean;
  /** A doorbell brought this run, and it found what was rung for. */
  announced: boolean;
  /** Rows that it changed by Google's log, and whether something had rung for them. */
  followed: { rows: number; via: 'doorbell' | 'poll' } | null;
}

/** A doorbell this young announces everything: it, or its like, may be on the way still. */
const ANNOUNCES_FOR_MS = 10_000;
/** Gmail drops what happens within a second of a notification, be it a greeting: that is looked for once, a little later. */
const THROTTLE_MS = 1_000;
const ECHO_IN_MS = 1_500;
/** Under a watch that is heard, the time to the next look grows with the quiet: a tenth of it, between the two intervals. What changes often is
 *  looked at as often as ever, so that a doorbell that was lost is made good within the active interval. */
const QUIET_SHARE = 0.1;

/** Pure. */
export function afterRun(
  lease: Pick<Lease, 'kind' | 'project' | 'doorbell' | 'watch'>,
  run: LevelRun,
  policy: SyncPolicy,
  targets: DoorbellTargets | undefined,
): AfterRun {
  const { watch, doorbell } = lease;
  const target = targetOf(lease, targets);
  const found = run.changed > 0 && !run.unlogged;
  const isRung = doorbell.unserved || isYoungerThan(ANNOUNCES_FOR_MS, doorbell);
  const silent = found && !isRung && isInForce(watch);
  const { dropsWithinSecond } = COLLECTION_FACTS[lease.kind].watch;
  const echo = dropsWithinSecond && isYoungerThan(THROTTLE_MS, doorbell);
  const pollMs = nextLookMs(watch, silent, run, policy);
  return {
    nextInMs: echo ? Math.min(pollMs, ECHO_IN_MS) : pollMs,
    silent,
    want: target !== null && lacksWatchOn(target, watch),
    announced: found && doorbell.unserved,
    followed: found ? { rows: run.changed, via: isRung ? 'doorbell' : 'poll' } : null,
  };
}

function isYoungerThan(ms: number, { agoMs }: Lease['doorbell']): boolean {
  return agoMs !== null && agoMs < ms;
}

function isInForce(watch: LeaseWatch | null): boolean {
  return watch?.state === 'on' && !watch.expired;
}

function lacksWatchOn(target: string, watch: LeaseWatch | null): boolean {
  if (watch === null || watch.state === 'off') return true;
  return watch.target !== null && watch.target !== target && watch.state !== 'wanted';
}

function nextLookMs(
  watch: LeaseWatch | null,
  silent: boolean,
  { nowMs, lastChangeAtMs, jitter }: LevelRun,
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
  if (after.followed)
    rt.metrics.followedChanges.inc(
      { kind: lease.kind, via: after.followed.via },
      after.followed.rows,
    );
  if (after.announced && storedAfterMs !== null && lease.doorbell.agoMs !== null) {
    rt.metrics.pushToStoredSeconds.observe(
      { kind: lease.kind },
      (lease.doorbell.agoMs + storedAfterMs) / 1_000,
    );
  }
  if (
    after.silent &&
    (await store.watches.silent(
      lease,
      lookAfterSilenceMs(lease.watch?.silences ?? 0, lease.watch?.heard ?? false),
    ))
  ) {
    rt.metrics.silentWatches.inc({ kind: lease.kind });
    rt.log.info(
      { event: 'watch_silent', accountId: lease.accountId, collectionId: lease.collectionId },
      'a look found a change that no doorbell had announced',
    );
  }
  if (after.want) await store.watches.want(lease);
}
