import { startRedis } from '../../../test/support/redis-server.js';
import {
  type Process,
  type QuotaWorld,
  type LoadRun,
  type LoadEvent,
  LIMITS,
  gmail,
  peaks,
  quotaWorlds,
  runSaturatingLoad,
  unitsBetween,
  usedShare,
} from '../test-support/quota-world.js';
import { type TestRedis, startTestRedis } from '../test-support/redis-server.js';
import { QUIET_MS } from './quota-away.js';
import { KEEP_MS } from './quota-scripts.js';

/**
 * Redis is away: each process has a connection of its own, which the test cuts. The clock is the
 * test world's.
 */
const { world, end } = quotaWorlds(() => redis);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterEach(end);
afterAll(() => redis.stop());

const LIMIT = LIMITS.gmailUnitsPerProjectMinute;
const USERS = ['ada', 'bob', 'eve', 'joe'];

async function fleetOf({ joinApart }: QuotaWorld, count: number): Promise<Process[]> {
  const fleet: Process[] = [];
  for (let i = 0; i < count; i += 1) fleet.push(await joinApart());
  return fleet;
}

test('after the quiet time a process may spend only what has left its own window', async () => {
  const here = world();
  const [one] = (await fleetOf(here, 1)) as [Process];
  expect(await one.quota.charge(gmail({ items: 100 }))).toMatchObject({ granted: 100 });
  here.time.nowMs += 1_000;
  await one.quota.beat();
  await one.lose();
  here.time.nowMs += QUIET_MS;
  expect(await one.quota.charge(gmail())).toMatchObject({
    granted: 0,
    waitMs: 1_000,
    redisTrouble: expect.any(Error),
  });
  here.time.nowMs += KEEP_MS;
  expect(await one.quota.charge(gmail({ user: 'bob' }))).toMatchObject({ granted: 0 });
  expect(await one.quota.charge(gmail({ items: 150 }))).toMatchObject({ granted: 100 });
  expect(await one.quota.charge(gmail())).toMatchObject({ granted: 0 });
});

test('usage during the outage is reported before the next charge, whether Redis kept its data or not', async () => {
  for (const forgets of [false, true]) {
    const here = world();
    const [one, two] = (await fleetOf(here, 2)) as [Process, Process];
    await one.quota.charge(gmail({ items: 200 }));
    here.time.nowMs += 1_000;
    await Promise.all([one.quota.beat(), two.quota.beat()]);
    await Promise.all([one.lose(), two.lose()]);
    here.time.nowMs += KEEP_MS + QUIET_MS;
    expect(await one.quota.charge(gmail({ items: 200 }))).toMatchObject({ granted: 200 });
    if (forgets) await redis.forget(here.prefix);
    await Promise.all([one.back(), two.back()]);
    await one.quota.beat();
    await two.quota.beat();
    here.time.nowMs += 2_500;
    expect((await two.quota.usage(['ada'])).gmail.users.ada?.used).toBe(4_000);
    expect(await two.quota.charge(gmail({ items: 300 }))).toMatchObject({ granted: 100 });
  }
});

test('the share of a lost process is not granted to others for a minute', async () => {
  const here = world({ gmailUnitsPerUserMinute: LIMIT });
  const [lost, there] = (await fleetOf(here, 2)) as [Process, Process];
  await lost.quota.charge(gmail({ items: 300 }));
  here.time.nowMs += 1_000;
  await Promise.all([lost.quota.beat(), there.quota.beat()]);
  await lost.lose();
  const beatFor = async (ms: number): Promise<void> => {
    for (const untilMs = here.time.nowMs + ms; here.time.nowMs < untilMs; here.time.nowMs += 1_000)
      await there.quota.beat();
  };
  await beatFor(58_000);
  here.time.nowMs += 2_100;
  // The charge of the lost process has left the window, and it spends the same again.
  expect(await lost.quota.charge(gmail({ items: 300 }))).toMatchObject({ granted: 300 });
  expect(await there.quota.charge(gmail({ user: 'bob', items: 600 }))).toMatchObject({
    granted: 300,
  });
  await beatFor(62_000);
  expect(await there.quota.charge(gmail({ user: 'bob', items: 600 }))).toMatchObject({
    granted: 600,
  });
});

test('no share is kept free for a process that has left', async () => {
  const here = world({ gmailUnitsPerUserMinute: LIMIT });
  const [gone, there] = (await fleetOf(here, 2)) as [Process, Process];
  await gone.quota.charge(gmail({ items: 300 }));
  here.time.nowMs += 1_000;
  await gone.quota.beat();
  await gone.quota.stop();
  here.time.nowMs += 4_000;
  expect(await there.quota.charge(gmail({ user: 'bob', items: 600 }))).toMatchObject({
    granted: 300,
  });
});

const LOST_AT_MS = 95_000;
const BACK_AT_MS = 275_000;

function expectLawfulAndBusy(load: LoadRun): void {
  expect(peaks(load).project).toBeLessThanOrEqual(LIMIT);
  expect(peaks(load).user).toBeLessThanOrEqual(LIMITS.gmailUnitsPerUserMinute);
  expect(unitsBetween(load, LOST_AT_MS + QUIET_MS, BACK_AT_MS)).toBeGreaterThan(LIMIT * 2);
  expect(usedShare(load, LIMIT)).toBeGreaterThan(0.9);
}

const comingBack = (fleet: Process[]): LoadEvent[] =>
  fleet.map((process, i) => ({ atMs: BACK_AT_MS + i * 300, happen: process.back }));

test('four saturating processes without connections for three minutes exceed no window and continue', async () => {
  const here = world();
  const fleet = await fleetOf(here, 4);
  const lose = async (): Promise<void> =>
    void (await Promise.all(fleet.map((process) => process.lose())));
  expectLawfulAndBusy(
    await runSaturatingLoad(
      here.time,
      fleet.map(({ quota }) => quota),
      6.5,
      USERS,
      [{ atMs: LOST_AT_MS, happen: lose }, ...comingBack(fleet)],
      1_000,
    ),
  );
});

test('with Redis killed and started empty three minutes later, no window is exceeded and work continues', async () => {
  let server = await startRedis();
  const own = quotaWorlds(() => ({ ...redis, url: server.url }));
  try {
    const here = own.world();
    const fleet = await fleetOf(here, 4);
    const restart = async (): Promise<void> => void (server = await startRedis([], server.port));
    const events = [
      { atMs: LOST_AT_MS, happen: () => server.stop() },
      { atMs: BACK_AT_MS - 1, happen: restart },
      ...comingBack(fleet),
    ];
    expectLawfulAndBusy(
      await runSaturatingLoad(
        here.time,
        fleet.map(({ quota }) => quota),
        6.5,
        USERS,
        events,
        1_000,
      ),
    );
  } finally {
    await own.end();
    await server.stop();
  }
});

test("when one of four processes loses Redis, the project's window is not exceeded", async () => {
  const here = world();
  const fleet = await fleetOf(here, 4);
  const [alone] = fleet as [Process];
  const events = [
    { atMs: 95_000, happen: () => alone.lose() },
    { atMs: 150_000, happen: () => alone.back() },
  ];
  const load = await runSaturatingLoad(
    here.time,
    fleet.map(({ quota }) => quota),
    5,
    USERS,
    events,
    1_000,
  );
  expect(peaks(load).project).toBeLessThanOrEqual(LIMIT);
  expect(unitsBetween(load, 95_000 + QUIET_MS, 150_000)).toBeGreaterThan(LIMIT / 2);
});

test('a refusal by Google during an outage of Redis applies to the process at once and to the fleet afterwards', async () => {
  const here = world();
  const [one, two] = (await fleetOf(here, 2)) as [Process, Process];
  await one.quota.charge(gmail({ items: 100 }));
  here.time.nowMs += 1_000;
  await one.quota.beat();
  await one.lose();
  here.time.nowMs += KEEP_MS + QUIET_MS;
  await one.quota.close('gmail', 'ada', 90_000);
  expect(await one.quota.charge(gmail())).toMatchObject({ granted: 0 });
  await one.back();
  await one.quota.beat();
  expect(await two.quota.charge(gmail())).toMatchObject({
    granted: 0,
    scope: 'closed',
    waitMs: 90_000,
  });
});
