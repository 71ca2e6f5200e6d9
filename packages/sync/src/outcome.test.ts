import { errorOutcomeOf, type Place } from './outcome.js';
import { nextPollMs, pollsADay } from './policy.js';

const INCREMENTAL: Place = { kind: 'gmail', phase: 'incremental', paged: false };

test.each([
  [
    { kind: 'rate-limited', scope: 'user', retryAfterMs: 30_000, source: 'google' },
    { kind: 'snoozed', delayMs: 30_125, counts: false },
  ],
  [
    { kind: 'rate-limited', scope: 'user', retryAfterMs: 0, source: 'governor' },
    { kind: 'snoozed', delayMs: 375, reason: "waiting for this account's quota" },
  ],
  [
    { kind: 'rate-limited', scope: 'closed', retryAfterMs: 10_000, source: 'governor' },
    {
      kind: 'snoozed',
      delayMs: 10_125,
      counts: false,
      reason: expect.stringMatching(/^Google has recently refused a call of this account/),
    },
  ],
  [
    { kind: 'unavailable', retryAfterMs: null },
    { kind: 'snoozed', delayMs: 8_500, counts: true },
  ],
  [
    { kind: 'key-missing', keyId: 'format-3', newerFormat: 3 },
    {
      kind: 'snoozed',
      counts: false,
      reason: expect.stringMatching(/^a worker is too old: .* in format 3; start the workers/),
    },
  ],
  [
    { kind: 'key-missing', keyId: '5f3c' },
    {
      kind: 'snoozed',
      delayMs: 11_250,
      counts: false,
      reason: expect.stringMatching(/^a worker lacks the master key with the id 5f3c/),
    },
  ],
  [
    { kind: 'unauthorized', reason: 'invalid_grant' },
    { kind: 'reauth-required', reason: expect.stringMatching(/^invalid_grant: .*revoked/) },
  ],
  [
    { kind: 'unauthorized', reason: 'invalid_grant invalid_rapt' },
    { kind: 'reauth-required', reason: expect.stringContaining('sign in again') },
  ],
  [
    { kind: 'forbidden', reason: 'domainPolicy' },
    { kind: 'parked', cause: 'policy' },
  ],
  [{ kind: 'sync-position-expired' }, { kind: 'full-sync-again' }],
  [{ kind: 'not-found' }, { kind: 'parked', cause: 'not-found' }],
  [{ kind: 'rejected', status: 400, reason: 'invalid' }, { kind: 'failed' }],
] as const)('%j after three failures', (error, outcome) => {
  expect(errorOutcomeOf(error, INCREMENTAL, 3, 0.5)).toMatchObject(outcome);
});

test('transient errors are waited for ever longer, up to a bound', () => {
  const delays = [0, 1, 2, 5, 6, 50].map(
    (failures) =>
      (
        errorOutcomeOf({ kind: 'unavailable', retryAfterMs: null }, INCREMENTAL, failures, 0) as {
          delayMs: number;
        }
      ).delayMs,
  );
  expect(delays).toEqual([1_000, 2_000, 4_000, 32_000, 64_000, 64_000]);
});

test('what has just changed is polled at the active interval, and ever more rarely the longer it is quiet, spread by ten percent', () => {
  const policy = { activeMs: 60_000, idleMs: 900_000 };
  const nowMs = 100_000_000;
  const pollAfter = (quietMs: number, jitter = 0.5): number =>
    nextPollMs(policy, nowMs, nowMs - quietMs, jitter);
  expect(
    [0, 30 * 60_000, 60 * 60_000, 24 * 3_600_000].map((quietMs) => pollAfter(quietMs)),
  ).toEqual([60_000, 60_000, 120_000, 900_000]);
  expect([
    pollAfter(0, 0),
    nextPollMs(policy, nowMs, null, 0.5),
    nextPollMs({ activeMs: 60_000, idleMs: 1_000 }, nowMs, null, 0.5),
  ]).toEqual([54_000, 900_000, 60_000]);
});

test.each([
  [8, 60_000, 900_000],
  [0, 60_000, 900_000],
  [24, 60_000, 900_000],
  [20, 60_000, 900_000],
  [23.9, 60_000, 900_000],
  [1, 60_000, 60_000],
])(
  'the polls of a day with %d active hours are as many as the policy makes',
  (hours, activeMs, idleMs) => {
    const policy = { activeMs, idleMs };
    const dayMs = 24 * 3_600_000;
    let polls = 0;
    for (let nowMs = 0; nowMs < dayMs; polls += 1)
      nowMs += nextPollMs(
        policy,
        nowMs,
        hours === 0 ? null : Math.min(nowMs, hours * 3_600_000),
        0.5,
      );
    expect(Math.abs(pollsADay(policy, hours) / polls - 1)).toBeLessThan(0.02);
  },
);
