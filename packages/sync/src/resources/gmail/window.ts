import type { MailWindow } from '@syncline/store';
import type { MirrorPolicy } from '../../mirror-policy.js';

/*
 * How far back a mailbox is mirrored. Pure. The window is a moment and not an age: a full sync
 * fixes it, nothing leaves it by growing old, and from then on it only moves back. So the mirror is
 * at any time exactly what Google has from that moment on, and what a resync lists, a sweep deletes
 * and verify compares needs no exception for old rows.
 */

const DAY_MS = 86_400_000;
/** The beginning of a mailbox, as a window's moment. */
const BEGINNING_MS = 0;
/** Clocks of a fleet differ by seconds: nobody extends a window for them. */
const SLACK_MS = 60_000;

/** The moment that the configuration asks for. */
export function askedFromMs({ windowDays }: MirrorPolicy, nowMs: number): number {
  return windowDays === null ? BEGINNING_MS : Math.max(BEGINNING_MS, nowMs - windowDays * DAY_MS);
}

/**
 * The oldest that may be stored: a full sync that is on its way further back has stored some of it
 * already.
 */
export function floorMs(window: MailWindow): number {
  return Math.min(window.fromMs, window.goalMs ?? window.fromMs);
}

/**
 * The window of a full sync that begins: as far back as is asked for, but a window never shrinks,
 * or the full sync's sweep would delete what lies outside.
 */
export function windowOfFullSync(
  policy: MirrorPolicy,
  window: MailWindow,
  isFirst: boolean,
  nowMs: number,
): MailWindow {
  const askedMs = askedFromMs(policy, nowMs);
  if (isFirst) return { fromMs: askedMs, goalMs: null };
  const goalMs = Math.min(askedMs, floorMs(window));
  return { fromMs: window.fromMs, goalMs: goalMs < window.fromMs ? goalMs : null };
}

/** The window of a mailbox that is to be extended now; null when it is deep enough. */
export function deeperWindow(
  policy: MirrorPolicy,
  window: MailWindow,
  nowMs: number,
): MailWindow | null {
  const askedMs = askedFromMs(policy, nowMs);
  return askedMs < window.fromMs - SLACK_MS
    ? { fromMs: window.fromMs, goalMs: Math.min(askedMs, floorMs(window)) }
    : null;
}

/** What was to be synced in full is synced in full. */
export function reached(window: MailWindow): MailWindow {
  return { fromMs: floorMs(window), goalMs: null };
}
