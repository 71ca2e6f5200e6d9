import { createRuntime } from '@syncline/runtime';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { freePort } from '../../../test/support/redis-server.js';
import {
  type LoadRun,
  LIMITS,
  START_MS,
  gmail,
  peaks,
  quotaWorlds,
  runSaturatingLoad,
  usedShare,
} from '../test-support/quota-world.js';
import { type TestRedis, startTestRedis } from '../test-support/redis-server.js';
import { openQuota } from './quota.js';
import { HOLD_MS, KEEP_MS, SCRIPTS, SLOT_MS } from './quota-scripts.js';
import { runScript } from './redis.js';

const rt = createRuntime({ service: 'test', logLevel: 'silent' });
const { world, end } = quotaWorlds(() => redis);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterEach(end);
afterAll(() => redis.stop());

test('a charge grants as many whole items as fit, then returns when the request fits', async () => {
  const { time, join } = world();
  const quota = join();
  expect(await quota.charge(gmail({ items: 290 }))).toMatchObject({ granted: 290 });
  time.nowMs += 1_000;
  expect(await quota.charge(gmail({ items: 20 }))).toMatchObject({ granted: 10 });
  const denied = await quota.charge(gmail({ items: 20 }));
  expect(denied).toEqual({
    granted: 0,
    scope: 'user',
    waitMs: START_MS - (START_MS % SLOT_MS) + KEEP_MS - time.nowMs,
    redisTrouble: null,
  });
  time.nowMs += 'waitMs' in denied ? denied.waitMs - 1 : 0;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 0, waitMs: 1 });
  time.nowMs += 1;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 20 });
});

test('the quota window equals a simple model for any order of charges', async () => {
  const step = fc.record({
    user: fc.constantFrom('ada', 'bob', 'eve'),
    waitMs: fc.nat({ max: 9_000 }),
    cost: fc.integer({ min: 1, max: 40 }),
    items: fc.integer({ min: 1, max: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { time, join } = world({
        gmailUnitsPerUserMinute: 900,
        gmailUnitsPerProjectMinute: 1_500,
      });
      const quota = join();
      const entries: { slot: number; user: string; units: number }[] = [];
      for (const { user, waitMs, cost, items } of steps) {
        time.nowMs += waitMs;
        const counted = entries.filter(({ slot }) => slot + KEEP_MS > time.nowMs);
        const sum = (whose: typeof entries): number =>
          whose.reduce((total, { units }) => total + units, 0);
        const room = Math.min(
          900 - sum(counted.filter((entry) => entry.user === user)),
          1_500 - sum(counted),
        );
        const charged = await quota.charge(gmail({ user, costPerItem: cost, items }));
        expect(charged.granted).toBe(Math.min(items, Math.floor(room / cost)));
        if (charged.granted > 0)
          entries.push({
            slot: Math.floor(time.nowMs / SLOT_MS) * SLOT_MS,
            user,
            units: charged.granted * cost,
          });
      }
    }),
    { numRuns: 60 },
  );
});

function expectLawful(load: LoadRun): void {
  const { project, user } = peaks(load);
  expect([
    project <= LIMITS.gmailUnitsPerProjectMinute,
    user <= LIMITS.gmailUnitsPerUserMinute,
  ]).toEqual([true, true]);
}

/** Starts that many processes of one world that charge as fast as they may. */
function runFleetLoad(
  { time, join }: ReturnType<typeof world>,
  clients: number,
  ...rest: Parameters<typeof runSaturatingLoad> extends [unknown, unknown, ...infer R] ? R : never
): Promise<LoadRun> {
  return runSaturatingLoad(time, Array.from({ length: clients }, join), ...rest);
}

test('four saturating clients use the whole project limit and never exceed it', async () => {
  const load = await runFleetLoad(world(), 4, 10, ['ada', 'bob', 'eve', 'joe']);
  expectLawful(load);
  expect(usedShare(load, LIMITS.gmailUnitsPerProjectMinute)).toBeGreaterThan(0.97);
});

test('four saturating clients of one mailbox use its whole limit and never exceed it', async () => {
  const load = await runFleetLoad(world(), 4, 10, ['ada']);
  expectLawful(load);
  expect(usedShare(load, LIMITS.gmailUnitsPerUserMinute)).toBeGreaterThan(0.97);
});

test('FLUSHALL during saturated load causes no violation', async () => {
  const here = world();
  const forget = (atMs: number) => ({ atMs, happen: () => redis.forget(here.prefix) });
  const load = await runFleetLoad(
    here,
    4,
    8,
    ['ada', 'bob', 'eve', 'joe'],
    [forget(70_500), forget(130_010), forget(200_000), forget(201_500)],
    1_500,
  );
  expectLawful(load);
  expect(usedShare(load, LIMITS.gmailUnitsPerProjectMinute)).toBeGreaterThan(0.9);
});

test('a new Redis delays no charge; one that lost its data delays charges until all could report', async () => {
  const { time, prefix, join } = world();
  const [one, two] = [join(), join()];
  expect(await one.charge(gmail({ items: 100 }))).toMatchObject({ granted: 100 });
  expect(await two.charge(gmail({ items: 150 }))).toMatchObject({ granted: 150 });
  await redis.forget(prefix);
  expect(await one.charge(gmail())).toEqual({
    granted: 0,
    scope: 'project',
    waitMs: HOLD_MS,
    redisTrouble: null,
  });
  await two.beat();
  time.nowMs += HOLD_MS;
  expect(await one.charge(gmail({ items: 300 }))).toMatchObject({ granted: 50 });
});

test('the usage of a process that stopped without a report is waited out', async () => {
  const { time, prefix, join } = world();
  const [one, dead] = [join(), join()];
  await one.charge(gmail({ items: 1 }));
  await dead.charge(gmail({ items: 250 }));
  await one.beat();
  await redis.forget(prefix);
  await one.beat();
  time.nowMs += HOLD_MS;
  const denied = await one.charge(gmail());
  expect(denied).toMatchObject({ granted: 0, waitMs: KEEP_MS - HOLD_MS });
  time.nowMs += KEEP_MS - HOLD_MS + 1;
  expect(await one.charge(gmail())).toMatchObject({ granted: 20 });
});

test('a report does not count twice what a restarted Redis has kept', async () => {
  const { time, prefix, join } = world();
  const quota = join();
  await quota.charge(gmail({ items: 100 }));
  time.nowMs += 1_000;
  // A changed run id simulates a restart of Redis with its data.
  const [log, state, project, projectState, day] = [
    'gmail:user:ada:log',
    'gmail:user:ada:state',
    'gmail:project:log',
    'gmail:project:state',
    'gmail:day:x',
  ].map((key) => `${prefix}:{quota:default}:${key}`);
  const keys = ['birth', 'witnesses', 'missing']
    .map((key) => `${prefix}:{quota:default}:${key}`)
    .concat([log, state, project, projectState, day].map(String));
  await runScript(redis.client, SCRIPTS.charge, keys, [
    time.nowMs,
    'another-run',
    '',
    'epoch-2',
    'p2',
    1,
    1,
    6_000,
    12_000,
    1,
    0,
  ]);
  await quota.beat();
  const { gmail: seen } = await quota.usage(['ada']);
  expect(seen.users.ada?.used).toBe(2_001);
});

test('a closed window stays closed for the fleet and that user until the time that Google named', async () => {
  const { time, prefix, join } = world();
  const [one, two] = [join(), join()];
  await one.close('gmail', 'ada', 30_000);
  expect(await two.charge(gmail())).toMatchObject({ granted: 0, waitMs: 30_000, scope: 'closed' });
  expect(await two.charge(gmail({ user: 'bob' }))).toMatchObject({ granted: 20 });
  await redis.forget(prefix);
  await one.beat();
  await two.beat();
  time.nowMs += HOLD_MS;
  expect(await two.charge(gmail())).toMatchObject({ granted: 0, waitMs: 30_000 - HOLD_MS });
  time.nowMs += 30_000;
  expect(await two.charge(gmail())).toMatchObject({ granted: 20 });
});

test('a slow call counts from its response', async () => {
  const { time, join } = world();
  const quota = join();
  const charged = await quota.charge(gmail({ items: 300 }));
  time.nowMs += 20_000;
  if ('receipt' in charged) await quota.move(charged.receipt);
  time.nowMs = START_MS + KEEP_MS;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 0, waitMs: 20_000 });
});

test('the bulk lane leaves the top of the project window free only while there are live calls', async () => {
  const { time, join } = world({ gmailUnitsPerUserMinute: 12_000 });
  const quota = join();
  expect(await quota.charge(gmail({ lane: 'bulk', items: 550 }))).toMatchObject({
    granted: 550,
  });
  expect(await quota.charge(gmail({ lane: 'live', items: 1 }))).toMatchObject({ granted: 1 });
  time.nowMs += 5_250; // The burst has left the interval of the rule that spreads the load.
  expect(await quota.charge(gmail({ lane: 'bulk' }))).toMatchObject({
    granted: 0,
    scope: 'project',
  });
  expect(await quota.charge(gmail({ lane: 'onboarding' }))).toMatchObject({ granted: 19 });
  expect(await quota.charge(gmail({ lane: 'live' }))).toMatchObject({ granted: 20 });
  time.nowMs += 2 * KEEP_MS;
  expect(await quota.charge(gmail({ lane: 'bulk', items: 1_000 }))).toMatchObject({
    granted: 600,
  });
});

test.each([
  ['bulk', 55],
  ['onboarding', 62],
] as const)(
  '%s work uses the window evenly beside live calls: every five seconds get its share and a surplus at most',
  async (lane, most) => {
    const { time, join } = world({ gmailUnitsPerUserMinute: 12_000 });
    const quota = join();
    await quota.charge(gmail({ lane: 'live', items: 1 }));
    const grants: { atMs: number; granted: number }[] = [];
    for (const endMs = time.nowMs + 50_000; time.nowMs < endMs;) {
      const charged = await quota.charge(gmail({ lane, items: 20 }));
      grants.push({ atMs: time.nowMs, granted: charged.granted });
      time.nowMs += 'waitMs' in charged ? charged.waitMs : 10;
    }
    const within = (fromMs: number): number =>
      grants
        .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 4_750)
        .reduce((sum, { granted }) => sum + granted, 0);
    // 12,000 units a minute are 600 of these calls, or 50 in five seconds.
    expect(Math.max(...grants.map(({ atMs }) => within(atMs)))).toBeLessThanOrEqual(most);
    expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBeGreaterThanOrEqual(480);
    expect(grants.filter(({ granted }) => granted === 0).length).toBeLessThan(30);
    expect(await quota.charge(gmail({ lane: 'live', items: 10 }))).toMatchObject({ granted: 10 });
  },
);

test('new callers get the time at which there is room, without a queue', async () => {
  const { join } = world({ gmailUnitsPerUserMinute: 12_000 });
  const quota = join();
  await quota.charge(gmail({ lane: 'live', items: 1 }));
  const onboarding = (user: string): ReturnType<typeof quota.charge> =>
    quota.charge(gmail({ user, lane: 'onboarding', items: 20 }));
  while ((await onboarding('ada')).granted > 0);
  expect(await onboarding('bob')).toEqual(await onboarding('eve'));
});

test('a bulk call that is delayed for evenness gets a time of its own and is granted then', async () => {
  const { time, join } = world({ gmailUnitsPerUserMinute: 12_000 });
  const quota = join();
  const bulk = (): ReturnType<typeof quota.charge> =>
    quota.charge(gmail({ lane: 'bulk', items: 20 }));
  await quota.charge(gmail({ lane: 'live', items: 1 }));
  while ((await bulk()).granted > 0);
  const waits: number[] = [];
  for (let sent = 0; sent < 6; sent++) {
    const charged = await bulk();
    waits.push('waitMs' in charged ? charged.waitMs : 0);
  }
  expect(waits.slice(1).map((ms, i) => ms - (waits[i] ?? 0))).toEqual(
    Array.from({ length: 5 }, () => 1_818),
  ); // 20 of the 55 calls that are allowed in five seconds
  const beganMs = time.nowMs;
  for (const waitMs of waits) {
    time.nowMs = beganMs + waitMs;
    expect((await bulk()).granted).toBeGreaterThanOrEqual(15);
  }
});

test('a hundred bulk callers beside live work use their share of the window with few refused charges', async () => {
  const { time, join } = world({
    gmailUnitsPerUserMinute: 600,
    gmailUnitsPerProjectMinute: 24_000,
  });
  const quota = join();
  const beganMs = time.nowMs;
  const due = Array.from({ length: 100 }, (_, i) => ({ user: `u${i}`, atMs: beganMs + i * 10 }));
  let [granted, asked] = [0, 0];
  for (
    let next = due[0];
    next && next.atMs < beganMs + 240_000;
    next = due.toSorted((a, b) => a.atMs - b.atMs)[0]
  ) {
    time.nowMs = Math.max(time.nowMs, next.atMs);
    await quota.charge(gmail({ user: 'live', lane: 'live', items: 1, costPerItem: 1 }));
    const charged = await quota.charge(gmail({ user: next.user, lane: 'bulk', items: 20 }));
    asked += 1;
    if (time.nowMs >= beganMs + 60_000) granted += charged.granted;
    next.atMs = time.nowMs + ('waitMs' in charged ? charged.waitMs : 50);
  }
  expect(granted).toBeGreaterThan(0.87 * 3 * 1_200); // bulk calls may use 90 %
  expect(asked).toBeLessThan(1_700);
});

test("over the day's budget only the bulk lane is delayed, until shortly after midnight in California", async () => {
  const { time, join } = world({ gmailUnitsPerProjectDay: 400 });
  const quota = join();
  time.nowMs = Date.parse('2026-11-21T07:40:00Z');
  expect(await quota.charge(gmail({ lane: 'bulk' }))).toMatchObject({ granted: 19 });
  const denied = await quota.charge(gmail({ lane: 'bulk' }));
  expect(denied).toMatchObject({ granted: 0, scope: 'day' });
  expect('waitMs' in denied && Math.floor(denied.waitMs / 60_000)).toBe(20);
  expect(await quota.charge(gmail())).toMatchObject({ granted: 20 });
  expect((await quota.usage([])).gmail.day).toEqual({
    day: '2026-11-20',
    used: 780,
    limit: 400,
    bulkBound: 399,
    onboardingBound: 399,
    endsInMs: 20 * 60_000,
  });
});

test('usage returns the content of the window without charging', async () => {
  const { join } = world();
  const quota = join();
  await quota.charge(gmail({ items: 3 }));
  await quota.charge(gmail({ user: 'bob', api: 'calendar', costPerItem: 1, items: 2 }));
  const usage = await quota.usage(['ada', 'bob']);
  expect(usage.gmail.project).toEqual({
    used: 60,
    limit: 12_000,
    closedForMs: 0,
    pacePercent: 100,
  });
  expect(usage.gmail.users).toEqual({
    ada: { used: 60, limit: 6_000, closedForMs: 0, pacePercent: 100 },
    bob: { used: 0, limit: 6_000, closedForMs: 0, pacePercent: 100 },
  });
  expect(usage.calendar.users.bob).toEqual({
    used: 2,
    limit: 600,
    closedForMs: 0,
    pacePercent: 100,
  });
});

test('a process that was never connected to Redis grants nothing', async () => {
  const away = new Redis(`redis://127.0.0.1:${await freePort()}`, {
    enableOfflineQueue: false,
    retryStrategy: () => 100,
  });
  away.on('error', () => undefined);
  const quota = openQuota(rt, away, { prefix: 'p', project: 'default', limits: LIMITS });
  expect(await quota.charge(gmail())).toMatchObject({
    granted: 0,
    waitMs: 1_000,
    redisTrouble: expect.any(Error),
  });
  await quota.stop();
  away.disconnect();
});

describe('the pace', () => {
  test("a refusal reduces the user's window to three quarters after it reopens, and it grows by ten points a minute", async () => {
    const { time, join } = world();
    const quota = join();
    await quota.close('gmail', 'ada', 30_000);
    await quota.close('gmail', 'ada', 30_000);
    expect((await quota.usage(['ada'])).gmail.users.ada).toMatchObject({
      closedForMs: 30_000,
      pacePercent: 75,
    });
    time.nowMs += 30_000;
    expect(await quota.charge(gmail({ items: 300 }))).toMatchObject({ granted: 225 });
    expect(await quota.charge(gmail({ user: 'bob', items: 300 }))).toMatchObject({ granted: 300 });
    time.nowMs += 150_000;
    expect(await quota.charge(gmail({ items: 300 }))).toMatchObject({ granted: 300 });
  });

  test('repeated refusals reduce the window to a quarter at least, and to the price of one call', async () => {
    const { time, join } = world({ gmailUnitsPerUserMinute: 60 });
    const quota = join();
    for (let i = 0; i < 8; i += 1) {
      await quota.close('gmail', 'ada', 1_000);
      time.nowMs += 1_000;
    }
    expect((await quota.usage(['ada'])).gmail.users.ada?.pacePercent).toBe(25);
    expect(await quota.charge(gmail())).toMatchObject({ granted: 1 });
    expect(await quota.charge(gmail())).toMatchObject({ granted: 0, scope: 'user' });
  });

  test('with half of the assumed limit, refusals become rare and most of what Google allows is used', async () => {
    const { time, join } = world();
    const quota = join();
    const real = LIMITS.gmailUnitsPerUserMinute / 2;
    let taken: { atMs: number; units: number }[] = [];
    const count = { refusals: 0, units: 0 };
    for (const endMs = START_MS + 30 * 60_000; time.nowMs < endMs;) {
      const charged = await quota.charge(gmail());
      if ('waitMs' in charged) {
        time.nowMs += charged.waitMs;
        continue;
      }
      taken = taken.filter(({ atMs }) => atMs > time.nowMs - 60_000);
      const units = charged.granted * 20;
      if (taken.reduce((sum, one) => sum + one.units, 0) + units > real) {
        count.refusals += 1;
        await quota.close('gmail', 'ada', 15_000);
      } else {
        taken.push({ atMs: time.nowMs, units });
        count.units += units;
      }
      time.nowMs += 200;
    }
    expect(count.refusals).toBeLessThanOrEqual(30);
    expect(count.units / (real * 30)).toBeGreaterThan(0.75);
  });

  test('a refused grant and a spent day close the window without slowing it', async () => {
    const { time, join } = world();
    const quota = join();
    await quota.close('gmail', 'ada', 10_000, false);
    time.nowMs += 10_000;
    expect(await quota.charge(gmail({ items: 300 }))).toMatchObject({ granted: 300 });
  });
});

test('a call that costs more than the whole limit is never granted', async () => {
  const quota = world({ gmailUnitsPerUserMinute: 60 }).join();
  expect(await quota.charge(gmail({ costPerItem: 100, items: 1 }))).toMatchObject({
    granted: 0,
    scope: 'user',
  });
});

test('over its day bound the onboarding lane stops after the bulk lane, and live work never', async () => {
  const { time, join } = world({ gmailUnitsPerProjectDay: 1_000 });
  const quota = join();
  time.nowMs = Date.parse('2026-11-21T08:00:00Z');
  expect(await quota.charge(gmail({ lane: 'bulk', items: 100 }))).toMatchObject({
    granted: 45,
  });
  expect(await quota.charge(gmail({ lane: 'onboarding', items: 100 }))).toMatchObject({
    granted: 2,
  });
  expect(await quota.charge(gmail({ lane: 'onboarding' }))).toMatchObject({
    granted: 0,
    scope: 'day',
  });
  expect(await quota.charge(gmail({ items: 100 }))).toMatchObject({ granted: 100 });
});
