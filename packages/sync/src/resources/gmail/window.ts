import type { Lease } from '@syncline/store';
import type { MirrorPolicy } from '../../mirror-policy.js';

/*
 * How far back a mailbox is mirrored. Pure. The start of the window is a fixed time and not an age:
 * a full sync sets it, no message leaves the window by growing old, and from then on it only moves
 * back. So the mirror always equals what Google has from that time on, and resyncs, sweeps and
 * verification need no exception for old rows.
 */

const DAY_MS = 86_400_000;
/** The beginning of a mailbox, as the start of a window. */
const BEGINNING_MS = 0;
/** Clocks of a fleet differ by seconds; a smaller difference than this does not extend a window. */
const SLACK_MS = 60_000;

/** Returns the start of the window that the configuration requires. */
export function askedFromMs({ windowDays }: MirrorPolicy, nowMs: number): number {
  return windowDays === null ? BEGINNING_MS : Math.max(BEGINNING_MS, nowMs - windowDays * DAY_MS);
}

/**
 * Returns the start of what may be stored: a full sync that extends the window has stored some of
 * the older mail already.
 */
export function floorMs(window: Lease['window']): number {
  return Math.min(window.fromMs, window.goalMs ?? window.fromMs);
}

/**
 * Returns the window of a full sync that begins: as configured, but a window never shrinks, since
 * the full sync's sweep would delete the messages outside of it.
 */
export function windowOfFullSync(
  policy: MirrorPolicy,
  window: Lease['window'],
  isFirst: boolean,
  nowMs: number,
): Lease['window'] {
  const askedMs = askedFromMs(policy, nowMs);
  if (isFirst) return { fromMs: askedMs, goalMs: null };
  const goalMs = Math.min(askedMs, floorMs(window));
  return { fromMs: window.fromMs, goalMs: goalMs < window.fromMs ? goalMs : null };
}

/**
 * Returns the window of a mailbox that is to be extended now; null when it reaches back far enough.
 */
export function extendedWindow(
  policy: MirrorPolicy,
  window: Lease['window'],
  nowMs: number,
): Lease['window'] | null {
  const askedMs = askedFromMs(policy, nowMs);
  return askedMs < window.fromMs - SLACK_MS
    ? { fromMs: window.fromMs, goalMs: Math.min(askedMs, floorMs(window)) }
    : null;
}

/** Returns the window after its goal is reached. */
export function reached(window: Lease['window']): Lease['window'] {
  return { fromMs: floorMs(window), goalMs: null };
}
