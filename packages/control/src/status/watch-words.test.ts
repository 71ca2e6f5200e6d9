import type { DoorbellView } from '@syncline/store';
import { watchWords } from './watch-words.js';

const NOW_MS = 1_800_000_000_000;
const at = (ms: number): Date => new Date(NOW_MS + ms);
const bell = (over: Partial<DoorbellView> = {}): DoorbellView => ({
  state: 'on',
  silent: false,
  expiresAt: at(6 * 86_400_000),
  dueAt: at(5 * 86_400_000),
  lastRungAt: at(-12_000),
  error: null,
  ...over,
});

test.each<[string, DoorbellView, string]>([
  ['on', bell(), 'on, last rung 12 s ago, renewed in 5 d'],
  ['on and never heard', bell({ lastRungAt: null }), 'on, last rung never, renewed in 5 d'],
  [
    'a renewal that fails',
    bell({ dueAt: at(60_000), error: 'Google did not answer properly; trying again' }),
    'on, last rung 12 s ago, renewed in 1 min; Google did not answer properly; trying again',
  ],
  [
    'silent',
    bell({ silent: true, dueAt: at(8_000) }),
    'silent: a look found what it had not announced; made anew in 8 s, last rung 12 s ago',
  ],
  [
    'ended',
    bell({ expiresAt: at(-60_000), dueAt: at(30_000) }),
    'ended 1 min ago, last rung 12 s ago; tried again in 30 s',
  ],
  ['off', bell({ state: 'off' }), 'off, last rung 12 s ago'],
  [
    'refused',
    bell({ state: 'refused', error: 'no grant', dueAt: at(30_000) }),
    'refused; no grant; tried again in 30 s',
  ],
  ['wanted', bell({ state: 'wanted', dueAt: at(2_000) }), 'asked for in 2 s'],
])('%s', (_state, doorbell, words) => {
  expect(watchWords({ kind: 'gmail', doorbell }, NOW_MS)).toBe(words);
});

test('a calendar that Google has no doorbell for is told as polled, and what nobody watches is left out', () => {
  const unwatchable = bell({ state: 'unwatchable' });
  expect(watchWords({ kind: 'calendar-events', doorbell: unwatchable }, NOW_MS)).toBe(
    'none; the calendar is polled',
  );
  expect(watchWords({ kind: 'gmail', doorbell: null }, NOW_MS)).toBeNull();
});
