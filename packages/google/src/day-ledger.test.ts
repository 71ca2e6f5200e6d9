import { START_MS, gmail, quotaWorlds } from '../test-support/quota-world.js';
import { type TestRedis, startTestRedis } from '../test-support/redis-server.js';
import type { Quota } from './quota.js';
import { HOLD_MS } from './quota-scripts.js';

const DAY = '2027-01-15';
const MINUTE_MS = 60_000;

const { world, end } = quotaWorlds(() => redis);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterEach(end);
afterAll(() => redis.stop());

const usedOf = async (quota: Quota): Promise<number> => (await quota.usage([])).gmail.day.used;

test('the ledger restores the usage of stopped processes to an empty Redis, and lower lanes are deferred again', async () => {
  const { time, prefix, join } = world({ gmailUnitsPerProjectDay: 4_000 });
  const finished = join();
  await finished.charge(gmail({ items: 180 }));
  await finished.stop();
  await redis.forget(prefix);
  const quota = join();
  expect(await usedOf(quota)).toBe(0);
  await quota.reportLedgerUsage(DAY, 3_600);
  expect(await usedOf(quota)).toBe(3_600);
  time.nowMs += MINUTE_MS;
  expect(await quota.charge(gmail({ lane: 'bulk' }))).toMatchObject({
    granted: 0,
    scope: 'day',
  });
  expect(await quota.charge(gmail({ items: 5 }))).toMatchObject({ granted: 5 });
  expect(await usedOf(quota)).toBe(3_700);
});

test('usage that both a process and the ledger report counts once, in either order', async () => {
  for (const order of ['ledger first', 'process first']) {
    const { time, prefix, join } = world();
    const [one, two] = [join(), join()];
    await one.charge(gmail({ items: 50 }));
    await two.charge(gmail({ items: 100 }));
    await redis.forget(prefix);
    // The runs have recorded 2,800 of 3,000 units, and 500 were spent by a process that has ended.
    if (order === 'ledger first') await one.reportLedgerUsage(DAY, 3_300);
    await one.beat();
    await two.beat();
    if (order === 'process first') await one.reportLedgerUsage(DAY, 3_300);
    expect({ order, used: await usedOf(one) }).toEqual({ order, used: 3_300 });
    // The rest is recorded a moment later, and another call is charged.
    time.nowMs += HOLD_MS;
    await one.charge(gmail({ items: 1 }));
    await two.reportLedgerUsage(DAY, 3_500);
    expect(await usedOf(two)).toBe(3_500);
    await two.reportLedgerUsage(DAY, 3_520);
    expect(await usedOf(two)).toBe(3_520);
  }
});

test('a ledger with less usage than Redis does not lower the usage', async () => {
  const { join } = world();
  const quota = join();
  await quota.charge(gmail({ items: 100 }));
  await quota.reportLedgerUsage(DAY, 1_500);
  expect(await usedOf(quota)).toBe(2_000);
  await quota.reportLedgerUsage(DAY, 9_000);
  await quota.reportLedgerUsage(DAY, 100);
  expect(await usedOf(quota)).toBe(9_000);
  await quota.charge(gmail({ items: 1 }));
  expect(await usedOf(quota)).toBe(9_020);
});

test('the ledger is compared at once after Redis lost its data, then at growing intervals', async () => {
  const { time, prefix, join } = world();
  const quota = join();
  const pausesMs = async (count: number): Promise<number[]> => {
    const pauses: number[] = [];
    for (let lastMs = time.nowMs; pauses.length < count; time.nowMs += 10_000) {
      if (!(await quota.isLedgerDue())) continue;
      pauses.push(time.nowMs - lastMs);
      lastMs = time.nowMs;
      await quota.reportLedgerUsage(DAY, 0);
    }
    return pauses;
  };
  expect(await pausesMs(5)).toEqual([0, 30_000, 30_000, 60_000, 120_000]);
  await redis.forget(prefix);
  expect(await pausesMs(2)).toEqual([0, 30_000]);
  expect(time.nowMs).toBeLessThan(START_MS + 10 * MINUTE_MS);
});

test('usage of an earlier day that is reported late counts for that day', async () => {
  const { time, join } = world();
  const quota = join();
  await quota.reportLedgerUsage('2027-01-14', 5_000);
  expect(await usedOf(quota)).toBe(0);
  time.nowMs += 24 * 60 * MINUTE_MS;
  await quota.reportLedgerUsage(DAY, 7_000);
  expect(await usedOf(quota)).toBe(0);
});
