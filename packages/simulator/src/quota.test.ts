import { Ledger } from './ledger.js';
import type { ApiMethod } from './methods.js';
import { createPrng } from './prng.js';
import { Quota } from './quota.js';
import { SlidingWindow } from './sliding-window.js';

const GET: ApiMethod = { api: 'gmail', name: 'messages.get' };
const PROFILE: ApiMethod = { api: 'gmail', name: 'getProfile' };
const EVENTS: ApiMethod = { api: 'calendar', name: 'events.list' };

function quotaOf(options: Partial<ConstructorParameters<typeof Quota>[0]> = {}): {
  quota: Quota;
  ledger: Ledger;
} {
  const ledger = new Ledger(0);
  return {
    ledger,
    quota: new Quota(
      {
        enforce: true,
        tier: 'new',
        scale: 1,
        maxConcurrentPartsPerUser: 25,
        fullSyncsPerUserMinute: 10,
        ...options,
      },
      ledger,
      createPrng(1),
    ),
  };
}

const refusals = (
  quota: Quota,
  method: ApiMethod,
  calls: number,
  nowMs: number,
  email = 'a',
): number =>
  Array.from({ length: calls }, () => quota.charge(method, email, nowMs)).filter(
    (reply) => reply !== null,
  ).length;

test('the window is the last sixty seconds, to the millisecond', () => {
  const window = new SlidingWindow();
  window.charge(0, 5);
  window.charge(30_000, 7);
  expect([window.sum(59_999), window.sum(60_000), window.sum(89_999), window.sum(90_000)]).toEqual([
    12, 7, 7, 0,
  ]);
});

test('quota is free again when enough old units leave the window', () => {
  const window = new SlidingWindow();
  window.charge(0, 60);
  window.charge(10_000, 40);
  expect([
    window.roomInMs(20_000, 60, 100),
    window.roomInMs(20_000, 61, 100),
    window.roomInMs(20_000, 101, 100),
  ]).toEqual([40_000, 50_000, 60_000]);
});

test.each([
  ['new', 300],
  ['legacy', 3_000],
] as const)('a user of the %s tier reads %i messages a minute', (tier, messages) => {
  const { quota } = quotaOf({ tier });
  expect(refusals(quota, GET, messages, 0)).toBe(0);
  expect(refusals(quota, GET, 1, 59_999)).toBe(1);
});

test('the scale multiplies the limits', () => {
  const { quota } = quotaOf({ scale: 0.1 });
  expect(refusals(quota, GET, 31, 0)).toBe(1);
});

test('the project is limited over all users', () => {
  const { quota, ledger } = quotaOf({ scale: 1 });
  for (let user = 0; user < 200; user++) expect(refusals(quota, GET, 300, 0, `u${user}`)).toBe(0);
  expect(refusals(quota, PROFILE, 1, 0, 'one more')).toBe(1);
  expect(ledger.snapshot().violations.recent[0]?.kind).toBe('project-quota');
});

test('each OAuth client is a project with its own limit', () => {
  const { quota, ledger } = quotaOf({ scale: 0.001 });
  const charge = (email: string, client: string): boolean =>
    quota.charge(PROFILE, email, 0, client) === null;
  const refused = (client: string): number =>
    Array.from({ length: 300 }, (_, n) =>
      Array.from({ length: 5 }, () => charge(`${client}${n}`, client)),
    )
      .flat()
      .filter((taken) => !taken).length;
  expect([refused('one'), refused('two')]).toEqual([300, 300]);
  expect(ledger.snapshot().project).toMatchObject({
    gmailUnits: 2_400,
    gmailPeakUnitsPerMinute: 1_200,
  });
});

test('Calendar counts requests, 600 per user, apart from Gmail', () => {
  const { quota } = quotaOf();
  refusals(quota, GET, 300, 0);
  expect(refusals(quota, EVENTS, 601, 0)).toBe(1);
});

test('refusals have the recorded bodies, are not charged, and are violations', () => {
  const { quota, ledger } = quotaOf();
  const callers = Array.from({ length: 20 }, (_, n) => `u${n}`);
  for (const email of callers) refusals(quota, GET, 300, 0, email);
  const bodies = callers.map(
    (email) => JSON.parse(quota.charge(GET, email, 1_000)?.body.toString() ?? '{}').error,
  );
  const messages = bodies.map((error) => error.message as string);
  expect(
    messages.some((message) =>
      message.startsWith(
        "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'gmail.googleapis.com'",
      ),
    ),
  ).toBe(true);
  expect(
    messages.some((message) =>
      /^User-rate limit exceeded\. {2}Retry after \d{4}-\d\d-\d\dT[\d:.]+Z$/.test(message),
    ),
  ).toBe(true);
  const { users, violations, methods } = ledger.snapshot();
  expect([
    users['u7']?.units,
    users['u7']?.gmailPeakUnitsPerMinute,
    violations.total,
    methods['messages.get']?.refused,
  ]).toEqual([6_000, 6_000, 20, 20]);
});

test('calls before the named time are refused and extend it', () => {
  const { quota } = quotaOf();
  refusals(quota, GET, 300, 0);
  const retryAt = (nowMs: number): number => {
    for (;;) {
      const message = JSON.parse(quota.charge(GET, 'a', nowMs)?.body.toString() ?? '{}').error
        .message as string;
      const named = /Retry after (\S+)$/.exec(message)?.[1];
      if (named !== undefined) return Date.parse(named);
    }
  };
  const first = retryAt(1_000);
  expect(first).toBe(60_000);
  expect(retryAt(59_000)).toBe(61_000);
  expect(refusals(quota, PROFILE, 1, 60_500)).toBe(1);
  expect(refusals(quota, PROFILE, 1, 62_000)).toBe(0);
});

test('parts in flight are limited per user, and refused ones count until they end', () => {
  const { quota, ledger } = quotaOf({ maxConcurrentPartsPerUser: 2 });
  expect([
    quota.enter(GET, 'a', 0),
    quota.enter(GET, 'a', 0),
    quota.enter(GET, 'a', 0)?.status,
    quota.enter(GET, 'b', 0),
  ]).toEqual([null, null, 429, null]);
  for (let n = 0; n < 3; n++) quota.leave('a');
  expect(quota.enter(GET, 'a', 0)).toBeNull();
  expect(ledger.snapshot().users['a']).toMatchObject({ peakConcurrentParts: 3, violations: 1 });
});

test('without enforcement all calls are answered, and the peak is counted', () => {
  const { quota, ledger } = quotaOf({ enforce: false });
  expect(refusals(quota, GET, 1_000, 0)).toBe(0);
  expect(ledger.snapshot().users['a']?.gmailPeakUnitsPerMinute).toBe(20_000);
});
