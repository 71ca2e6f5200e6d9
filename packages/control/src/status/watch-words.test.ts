import { watchWords, type WatchView } from './watch-words.js';

const NOW_MS = 1_800_000_000_000;
const at = (ms: number): Date => new Date(NOW_MS + ms);
const viewOf = (over: Partial<WatchView> = {}): WatchView => ({
  state: 'on',
  silent: false,
  expiresAt: at(6 * 86_400_000),
  dueAt: at(5 * 86_400_000),
  lastNotifiedAt: at(-12_000),
  error: null,
  ...over,
});

test.each<[string, WatchView, string]>([
  ['on', viewOf(), 'on, last notified 12 s ago, renewed in 5 d'],
  [
    'on and never notified',
    viewOf({ lastNotifiedAt: null }),
    'on, last notified never, renewed in 5 d',
  ],
  [
    'a renewal that fails',
    viewOf({ dueAt: at(60_000), error: 'Google did not answer properly; trying again' }),
    'on, last notified 12 s ago, renewed in 1 min; Google did not answer properly; trying again',
  ],
  [
    'silent',
    viewOf({ silent: true, dueAt: at(8_000) }),
    'silent: a poll found a change without a notification; replaced in 8 s, last notified 12 s ago',
  ],
  [
    'expired',
    viewOf({ expiresAt: at(-60_000), dueAt: at(30_000) }),
    'ended 1 min ago, last notified 12 s ago; tried again in 30 s',
  ],
  ['off', viewOf({ state: 'off' }), 'off, last notified 12 s ago'],
  [
    'refused',
    viewOf({ state: 'refused', error: 'no grant', dueAt: at(30_000) }),
    'refused; no grant; tried again in 30 s',
  ],
  ['requested', viewOf({ state: 'requested', dueAt: at(2_000) }), 'asked for in 2 s'],
])('%s', (_state, watch, words) => {
  expect(watchWords({ kind: 'gmail', watch }, NOW_MS)).toBe(words);
});

test('a calendar that Google does not notify of is shown as polled, and a collection without a watch is left out', () => {
  const unwatchable = viewOf({ state: 'unwatchable' });
  expect(watchWords({ kind: 'calendar-events', watch: unwatchable }, NOW_MS)).toBe(
    'none; the calendar is polled',
  );
  expect(watchWords({ kind: 'gmail', watch: null }, NOW_MS)).toBeNull();
});
