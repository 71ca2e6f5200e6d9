import type { Lease } from '@syncline/store';
import { nextPollMs } from '../policy.js';
import { afterRun, type CaughtUpRun } from './after-run.js';

const POLICY = { activeMs: 60_000, idleMs: 900_000 };
const TARGETS = { topic: 'projects/p/topics/t', channelAddress: null };
const MINUTE_MS = 60_000;
const NOW_MS = 1_800_000_000_000;

type Watch = NonNullable<Lease['watch']>;

const watch = (over: Partial<Watch> = {}): Watch => ({
  state: 'on',
  target: TARGETS.topic,
  hasNotified: true,
  silent: false,
  silences: 0,
  expired: false,
  ...over,
});
const lease = (
  over: Partial<Pick<Lease, 'kind' | 'project' | 'notification' | 'watch'>> = {},
): Pick<Lease, 'kind' | 'project' | 'notification' | 'watch'> => ({
  kind: 'gmail',
  project: 'default',
  notification: { agoMs: 20 * MINUTE_MS, behind: false },
  watch: watch(),
  ...over,
});
const run = (over: Partial<CaughtUpRun> = {}): CaughtUpRun => ({
  changed: 0,
  unlogged: false,
  nowMs: NOW_MS,
  lastChangeAtMs: NOW_MS - 3 * MINUTE_MS,
  jitter: 0.5,
  ...over,
});
const notified = { agoMs: 200, behind: true };
const after = (l = lease(), r = run()) => afterRun(l, r, POLICY, TARGETS);

test('a change that no notification announced makes the watch silent; one that was announced does not', () => {
  expect(after(lease(), run({ changed: 1 })).silent).toBe(true);
  expect(after(lease({ notification: notified }), run({ changed: 1 }))).toMatchObject({
    silent: false,
    announced: true,
  });
  expect(
    after(lease({ notification: { agoMs: null, behind: false } }), run({ changed: 1 })).silent,
  ).toBe(true);
});

test('rows are counted by what brought them, and what Google’s log did not name is not', () => {
  expect(after(lease(), run({ changed: 3 })).applied).toEqual({ rows: 3, via: 'poll' });
  expect(after(lease({ notification: notified }), run({ changed: 3 })).applied).toEqual({
    rows: 3,
    via: 'notification',
  });
  expect([
    after(lease({ notification: notified }), run({ changed: 3, unlogged: true })).applied,
    after().applied,
  ]).toEqual([null, null]);
});

test.each<[string, ReturnType<typeof lease>, CaughtUpRun]>([
  ['nothing was found', lease(), run()],
  ['Google’s log did not name all of it', lease(), run({ changed: 5, unlogged: true })],
  [
    'a notification has just been served, and its like may be on the way',
    lease({ notification: { agoMs: 9_000, behind: false } }),
    run({ changed: 1 }),
  ],
  ['no watch exists', lease({ watch: null }), run({ changed: 1 })],
  [
    'the watch has ended, which is known',
    lease({ watch: watch({ expired: true }) }),
    run({ changed: 1 }),
  ],
  [
    'Google has no notification for it',
    lease({ watch: watch({ state: 'unwatchable' }) }),
    run({ changed: 1 }),
  ],
])('no silence: %s', (_what, l, r) => {
  expect(after(l, r).silent).toBe(false);
});

test('polls stretch with the time without changes under a watch that notifies, between the two intervals', () => {
  const at = (quietMs: number | null): number =>
    after(lease(), run({ lastChangeAtMs: quietMs === null ? null : NOW_MS - quietMs, jitter: 1 }))
      .nextInMs;
  // A collection that changes is synced as often as ever, and never later than the interval: that
  // makes up for a lost notification.
  expect([at(0), at(5 * MINUTE_MS), at(10 * MINUTE_MS)]).toEqual([57_000, 57_000, 57_000]);
  expect(at(60 * MINUTE_MS)).toBe(6 * MINUTE_MS * 0.95);
  expect([at(600 * MINUTE_MS), at(null)]).toEqual([855_000, 855_000]);
});

test.each([
  ['there is no watch', null],
  ['no notification since it was made', watch({ hasNotified: false })],
  ['it is silent', watch({ silent: true })],
  ['it has ended', watch({ expired: true })],
])('polls keep their pace when %s', (_what, none) => {
  const lastChangeAtMs = NOW_MS - 50 * MINUTE_MS;
  const pollMs = nextPollMs(POLICY, NOW_MS, lastChangeAtMs, 0.5);
  expect(after(lease({ watch: none }), run({ lastChangeAtMs })).nextInMs).toBe(pollMs);
  expect(after(lease(), run({ lastChangeAtMs })).nextInMs).toBeGreaterThan(2 * pollMs);
});

test('what Gmail drops within a second of a notification is polled for once, a little later', () => {
  expect(after(lease({ notification: notified }), run({ changed: 2 })).nextInMs).toBe(1_500);
  expect(
    after(lease({ notification: { agoMs: 1_700, behind: false } }), run({ changed: 1 })).nextInMs,
  ).toBeGreaterThan(50_000);
  // A sync message announces no change, and nevertheless suppresses notifications for the next
  // second.
  expect(after(lease({ notification: notified }), run()).nextInMs).toBe(1_500);
  expect(
    after(lease({ notification: notified, kind: 'calendar-events' }), run({ changed: 2 })).nextInMs,
  ).toBeGreaterThan(50_000);
});

test('a collection without a watch, or with a watch on another target, requests a watch', () => {
  expect(after(lease({ watch: null })).needsWatch).toBe(true);
  expect(after(lease({ watch: watch({ state: 'off' }) })).needsWatch).toBe(true);
  expect(after(lease({ watch: watch({ target: 'projects/p/topics/old' }) })).needsWatch).toBe(true);
  expect(
    [
      watch(),
      watch({ state: 'refused' }),
      watch({ state: 'requested', target: null }),
      watch({ state: 'unwatchable', target: null }),
    ].map((one) => after(lease({ watch: one })).needsWatch),
  ).toEqual([false, false, false, false]);
  expect(after(lease({ watch: null, kind: 'calendar-events' })).needsWatch).toBe(false);
});
