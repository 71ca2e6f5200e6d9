import type { GoogleErrorKind } from '@syncline/google';
import type { HeldWatch } from '@syncline/store';
import { DAY_MS } from './schedule.js';
import { finishOf } from './refusal.js';

const held = (over: Partial<HeldWatch> = {}): HeldWatch => ({
  collectionId: 'c',
  accountId: 'a',
  email: 'ada@example.com',
  project: 'default',
  grant: { number: 0, version: 0, verified: true, identityId: null, shared: false },
  epoch: 1n,
  kind: 'gmail',
  externalId: 'mailbox',
  active: true,
  callable: true,
  state: 'requested',
  target: null,
  address: null,
  watchedAgoMs: null,
  expiresInMs: null,
  silent: false,
  silences: 0,
  failures: 0,
  channels: [],
  shared: false,
  ...over,
});
const rejected = (reason: string): GoogleErrorKind => ({ kind: 'rejected', status: 400, reason });

test.each<[string, GoogleErrorKind, HeldWatch, object]>([
  [
    'the topic lacks the grant',
    { kind: 'forbidden', reason: 'forbidden' },
    held(),
    {
      state: 'refused',
      error: expect.stringContaining('gmail-api-push@system.gserviceaccount.com'),
      failed: true,
    },
  ],
  [
    'the topic does not exist',
    { kind: 'not-found' },
    held(),
    { state: 'refused', error: expect.stringContaining('does not exist') },
  ],
  [
    'the topic is another project’s',
    rejected('invalidArgument'),
    held(),
    { state: 'refused', error: expect.stringContaining('own project') },
  ],
  [
    'another topic rings',
    rejected('pushClientInUse'),
    held(),
    { state: 'refused', error: expect.stringContaining('another topic') },
  ],
  [
    'the scope is missing',
    { kind: 'forbidden', reason: 'insufficientPermissions' },
    held(),
    { state: 'refused', error: expect.stringContaining('insufficientPermissions') },
  ],
  [
    'holidays',
    rejected('pushNotSupportedForRequestedResource'),
    held({ kind: 'calendar-events' }),
    { state: 'unwatchable', nextInMs: 30 * DAY_MS },
  ],
  [
    'the address is not https',
    rejected('push.webhookUrlNotHttps'),
    held({ kind: 'calendar-events' }),
    { state: 'refused', error: expect.stringContaining('PUSH_BASE_URL') },
  ],
  [
    'the address is not ours',
    { kind: 'unauthorized', reason: 'push.webhookUrlUnauthorized' },
    held({ kind: 'calendar-list' }),
    { state: 'refused', error: expect.stringContaining('PUSH_BASE_URL') },
  ],
  [
    'quota',
    { kind: 'rate-limited', scope: 'user', retryAfterMs: 8_000, source: 'governor' },
    held(),
    { state: 'requested', nextInMs: 9_000, error: 'waiting for quota' },
  ],
  [
    'a master key that the worker lacks',
    { kind: 'key-missing', keyId: '5f3c' },
    held(),
    {
      state: 'requested',
      nextInMs: 11_250,
      error: 'a worker lacks the master key with the id 5f3c',
    },
  ],
  [
    'transient error',
    { kind: 'unavailable', retryAfterMs: null },
    held({ failures: 2 }),
    { state: 'requested', nextInMs: 90_000, failed: true },
  ],
  [
    'transient errors that names its end',
    { kind: 'unavailable', retryAfterMs: 120_000 },
    held(),
    { nextInMs: 120_000 },
  ],
])('%s', (_what, error, watch, expected) => {
  expect(finishOf(error, watch, 0.5)).toMatchObject(expected);
});

test('a renewal that failed leaves the watch in force until it expires, and is reported', () => {
  const unavailable: GoogleErrorKind = { kind: 'unavailable', retryAfterMs: null };
  expect(finishOf(unavailable, held({ state: 'on', expiresInMs: DAY_MS }), 0)).toMatchObject({
    state: 'on',
    error: expect.stringContaining('trying again'),
    failed: true,
  });
  expect(
    finishOf(
      { kind: 'forbidden', reason: 'forbidden' },
      held({ state: 'on', expiresInMs: DAY_MS }),
      0,
    ),
  ).toMatchObject({ state: 'on', failed: true });
  expect(finishOf(unavailable, held({ state: 'on', expiresInMs: -1 }), 0)).toMatchObject({
    state: 'requested',
  });
});
