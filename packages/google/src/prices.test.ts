import { createRuntime } from '@syncline/runtime';
import { openBatchSizes } from './batch-size.js';
import { apiOf, unitsOf } from './costs.js';
import { openGoogle } from './index.js';
import { originsFor, wantsGzip } from './origins.js';
import { pacificDay } from './pacific-day.js';

test('a message costs four times as much in the new tier; a page of ids costs the same in both', () => {
  expect([
    unitsOf('gmail.users.messages.get', 'new'),
    unitsOf('gmail.users.messages.get', 'legacy'),
  ]).toEqual([20, 5]);
  expect([
    unitsOf('gmail.users.messages.list', 'new'),
    unitsOf('gmail.users.messages.list', 'legacy'),
  ]).toEqual([5, 5]);
  expect([
    unitsOf('gmail.users.threads.get', 'new'),
    unitsOf('gmail.users.history.list', 'new'),
  ]).toEqual([40, 2]);
});

test('Calendar counts requests', () => {
  expect([
    unitsOf('calendar.events.list', 'new'),
    apiOf('calendar.events.list'),
    apiOf('gmail.users.getProfile'),
  ]).toEqual([1, 'calendar', 'gmail']);
});

test('quotas below the price of a single call are refused at start, in one message', async () => {
  const quotas = {
    gmailUnitsPerUserMinute: 19,
    gmailUnitsPerProjectMinute: 10,
    gmailUnitsPerProjectDay: 1,
    calendarRequestsPerUserMinute: 1,
    calendarRequestsPerProjectMinute: 2,
    peopleRequestsPerUserMinute: 1,
    peopleRequestsPerProjectMinute: 2,
    gmailTier: 'new' as const,
  };
  const tokens = {
    grant: async () => ({ kind: 'none' as const }),
    seal: (_: string, plain: string) => plain,
    open: (_: string, sealed: string) => sealed,
  };
  const opening = openGoogle(createRuntime({ service: 'test', logLevel: 'silent' }), {
    apiUrl: null,
    clientId: '',
    clientSecret: '',
    redisUrl: 'redis://127.0.0.1:1',
    redisPrefix: 'p',
    deployment: null,
    quotas,
    tokens,
  });
  await expect(opening).rejects.toThrow(
    /GMAIL_UNITS_PER_USER_MINUTE must be at least 40.*\nGMAIL_UNITS_PER_PROJECT_MINUTE must be at least 45/,
  );
});

test('one origin replaces every host, and no gzip is requested from loopback', () => {
  expect(originsFor('http://127.0.0.1:4000/ignored/')).toEqual(
    Object.fromEntries(
      ['accounts', 'gmail', 'calendar', 'people', 'oauth', 'pubsub', 'certificates'].map((host) => [
        host,
        'http://127.0.0.1:4000',
      ]),
    ),
  );
  expect(originsFor(null).gmail).toBe('https://gmail.googleapis.com');
  expect(
    [
      'http://127.0.0.1:1',
      'http://localhost:1',
      'https://gmail.googleapis.com',
      'http://simulator:4000',
    ].map(wantsGzip),
  ).toEqual([false, false, true, true]);
});

test("Google's day begins at midnight in California", () => {
  expect(pacificDay(Date.parse('2026-11-22T07:59:59Z'))).toEqual({
    day: '2026-11-21',
    endsInMs: 1_000,
  });
  expect(pacificDay(Date.parse('2026-07-01T07:00:00Z'))).toEqual({
    day: '2026-07-01',
    endsInMs: 86_400_000,
  });
});

test('after refused parts the batch size is halved and grows slowly; a refused probe delays the next', () => {
  const sizes = openBatchSizes();
  const accept = (times: number): void => {
    for (let i = 0; i < times; i += 1) sizes.accepted('ada', sizes.of('ada'));
  };
  expect(sizes.of('ada')).toBe(20);
  sizes.refused('ada');
  expect(sizes.of('ada')).toBe(10);
  accept(24);
  sizes.accepted('ada', 3);
  expect(sizes.of('ada')).toBe(10);
  accept(1);
  expect(sizes.of('ada')).toBe(11);
  sizes.refused('ada');
  expect(sizes.of('ada')).toBe(10);
  accept(49);
  expect(sizes.of('ada')).toBe(10);
  accept(1);
  expect(sizes.of('ada')).toBe(11);
  sizes.refused('ada');
  for (let i = 0; i < 4; i += 1) sizes.refused('ada');
  expect(sizes.of('ada')).toBe(5);
  expect(sizes.of('bob')).toBe(20);
});

test('a mailbox that answers whole batches again is no longer tracked', () => {
  const sizes = openBatchSizes();
  sizes.refused('ada');
  for (let i = 0; i < 25 * 11 + 1; i += 1) sizes.accepted('ada', sizes.of('ada'));
  expect(sizes.of('ada')).toBe(20);
  sizes.refused('ada');
  expect(sizes.of('ada')).toBe(10);
});
