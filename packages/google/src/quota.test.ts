import { createRuntime, systemClock } from '@syncline/runtime';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { freePort } from '../../../test/support/redis-server.js';
import { type TestRedis, startTestRedis } from '../test-support/redis-server.js';
import { type Charge, type Quota, type QuotaOptions, openQuota } from './quota.js';
import { CHARGE, HOLD_MS, KEEP_MS, SLOT_MS } from './quota-script.js';
import { runScript } from './redis.js';

const START_MS = 1_800_000_000_000;
const LIMITS = {
  gmailUnitsPerUserMinute: 6_000,
  gmailUnitsPerProjectMinute: 12_000,
  gmailUnitsPerProjectDay: 80_000_000,
  calendarRequestsPerUserMinute: 600,
  calendarRequestsPerProjectMinute: 10_000,
  gmailTier: 'new' as const,
};
const rt = createRuntime({ service: 'test', logLevel: 'silent' });

let redis: TestRedis;
const open: Quota[] = [];
beforeAll(async () => {
  redis = await startTestRedis();
});
afterEach(async () => void (await Promise.all(open.splice(0).map((quota) => quota.stop()))));
afterAll(() => redis.stop());

/** A world with a clock of its own, in which any number of processes share one ledger. */
function world(limits: Partial<typeof LIMITS> = {}) {
  const time = { nowMs: START_MS };
  const prefix = redis.prefix();
  const options: QuotaOptions = { prefix, limits: { ...LIMITS, ...limits }, nowMs: () => time.nowMs };
  const join = (): Quota => {
    const quota = openQuota({ ...rt, clock: { ...systemClock, nowMs: () => time.nowMs } }, redis.client, options);
    open.push(quota);
    return quota;
  };
  return { time, prefix, join };
}

const gmail = (over: Partial<Charge> = {}): Charge => ({ user: 'ada', api: 'gmail', costPerItem: 20, items: 20, lane: 'live', ...over });

interface Arrival {
  atMs: number;
  user: string;
  units: number;
}

/** The most that any 60 s window of `arrivals` holds. */
function busiestMinute(arrivals: Arrival[]): number {
  const sorted = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  let busiest = 0;
  let sum = 0;
  let tail = 0;
  for (const head of sorted) {
    sum += head.units;
    while ((sorted[tail]?.atMs ?? Infinity) <= head.atMs - 60_000) sum -= sorted[tail++]?.units ?? 0;
    busiest = Math.max(busiest, sum);
  }
  return busiest;
}

test('a charge grants as many whole items as fit, and then names the moment when the request fits', async () => {
  const { time, join } = world();
  const quota = join();
  expect(await quota.charge(gmail({ items: 290 }))).toMatchObject({ granted: 290 });
  time.nowMs += 1_000;
  expect(await quota.charge(gmail({ items: 20 }))).toMatchObject({ granted: 10 });
  const denied = await quota.charge(gmail({ items: 20 }));
  expect(denied).toEqual({ granted: 0, scope: 'user', waitMs: START_MS - (START_MS % SLOT_MS) + KEEP_MS - time.nowMs, redisTrouble: null });
  time.nowMs += 'waitMs' in denied ? denied.waitMs - 1 : 0;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 0, waitMs: 1 });
  time.nowMs += 1;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 20 });
});

test('the ledger does what a plain model of the window does, whatever the order of charges', async () => {
  const step = fc.record({ user: fc.constantFrom('ada', 'bob', 'eve'), waitMs: fc.nat({ max: 9_000 }), cost: fc.integer({ min: 1, max: 40 }), items: fc.integer({ min: 1, max: 30 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { time, join } = world({ gmailUnitsPerUserMinute: 900, gmailUnitsPerProjectMinute: 1_500 });
      const quota = join();
      const entries: { slot: number; user: string; units: number }[] = [];
      for (const { user, waitMs, cost, items } of steps) {
        time.nowMs += waitMs;
        const counted = entries.filter(({ slot }) => slot + KEEP_MS > time.nowMs);
        const sum = (whose: typeof entries): number => whose.reduce((total, { units }) => total + units, 0);
        const room = Math.min(900 - sum(counted.filter((entry) => entry.user === user)), 1_500 - sum(counted));
        const verdict = await quota.charge(gmail({ user, costPerItem: cost, items }));
        expect(verdict.granted).toBe(Math.min(items, Math.floor(room / cost)));
        if (verdict.granted > 0) entries.push({ slot: Math.floor(time.nowMs / SLOT_MS) * SLOT_MS, user, units: verdict.granted * cost });
      }
    }),
    { numRuns: 60 },
  );
});

interface Siege {
  arrivals: Arrival[];
  endedMs: number;
}

/**
 * Clients that charge as fast as they may, in one virtual time line, and ask again at the latest after `patienceMs`;
 * `events` happen at their moment.
 */
async function saturate({ time, join }: ReturnType<typeof world>, clients: number, minutes: number, users: string[], events: { atMs: number; happen: () => Promise<void> }[] = [], patienceMs = KEEP_MS): Promise<Siege> {
  const arrivals: Arrival[] = [];
  let seed = 7;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const agenda = events.map((event) => ({ ...event, atMs: START_MS + event.atMs }));
  for (let i = 0; i < clients; i += 1) {
    const quota = join();
    const user = users[i % users.length] ?? '';
    const work = async (): Promise<void> => {
      const verdict = await quota.charge(gmail({ user, lane: 'backfill' }));
      if ('waitMs' in verdict) return void agenda.push({ atMs: time.nowMs + Math.min(verdict.waitMs, patienceMs), happen: work });
      arrivals.push({ atMs: time.nowMs + random() * 500, user, units: verdict.granted * 20 });
      agenda.push({ atMs: time.nowMs + 200 + random() * 300, happen: work });
    };
    const beat = async (): Promise<void> => {
      await quota.beat();
      agenda.push({ atMs: time.nowMs + 1_000, happen: beat });
    };
    agenda.push({ atMs: START_MS + i * 37, happen: work }, { atMs: START_MS + i * 91, happen: beat });
  }
  while (time.nowMs < START_MS + minutes * 60_000) {
    agenda.sort((a, b) => b.atMs - a.atMs);
    const next = agenda.pop();
    if (!next) break;
    time.nowMs = Math.max(time.nowMs, Math.ceil(next.atMs));
    await next.happen();
  }
  return { arrivals, endedMs: time.nowMs };
}

function expectLawful({ arrivals }: Siege, projectLimit: number): void {
  expect(busiestMinute(arrivals)).toBeLessThanOrEqual(projectLimit);
  for (const user of new Set(arrivals.map((arrival) => arrival.user))) {
    expect(busiestMinute(arrivals.filter((arrival) => arrival.user === user))).toBeLessThanOrEqual(LIMITS.gmailUnitsPerUserMinute);
  }
}

/** The share of the limit that was used after the first, always full, minute. */
function used({ arrivals, endedMs }: Siege, limit: number): number {
  const fromMs = START_MS + KEEP_MS;
  const units = arrivals.filter(({ atMs }) => atMs >= fromMs && atMs < endedMs).reduce((sum, arrival) => sum + arrival.units, 0);
  return units / ((limit * (endedMs - fromMs)) / 60_000);
}

test('four saturating clients use the whole project limit and never more in any minute', async () => {
  const siege = await saturate(world(), 4, 10, ['ada', 'bob', 'eve', 'joe']);
  expectLawful(siege, LIMITS.gmailUnitsPerProjectMinute);
  expect(used(siege, LIMITS.gmailUnitsPerProjectMinute)).toBeGreaterThan(0.97);
});

test('four saturating clients of one mailbox use its whole limit and never more in any minute', async () => {
  const siege = await saturate(world(), 4, 10, ['ada']);
  expectLawful(siege, LIMITS.gmailUnitsPerProjectMinute);
  expect(used(siege, LIMITS.gmailUnitsPerUserMinute)).toBeGreaterThan(0.97);
});

test('a Redis that forgets everything in the middle of a saturated run causes no violation', async () => {
  const here = world();
  const forget = (atMs: number) => ({ atMs, happen: () => redis.forget(here.prefix) });
  const siege = await saturate(here, 4, 8, ['ada', 'bob', 'eve', 'joe'], [forget(70_500), forget(130_010), forget(200_000), forget(201_500)], 1_500);
  expectLawful(siege, LIMITS.gmailUnitsPerProjectMinute);
  expect(used(siege, LIMITS.gmailUnitsPerProjectMinute)).toBeGreaterThan(0.9);
});

test('a new Redis delays nobody, one that forgot holds everybody until all could report', async () => {
  const { time, prefix, join } = world();
  const [one, two] = [join(), join()];
  expect(await one.charge(gmail({ items: 100 }))).toMatchObject({ granted: 100 });
  expect(await two.charge(gmail({ items: 150 }))).toMatchObject({ granted: 150 });
  await redis.forget(prefix);
  expect(await one.charge(gmail())).toEqual({ granted: 0, scope: 'project', waitMs: HOLD_MS, redisTrouble: null });
  await two.beat();
  time.nowMs += HOLD_MS;
  expect(await one.charge(gmail({ items: 300 }))).toMatchObject({ granted: 50 });
});

test('what a process spent that died before it could report is waited out', async () => {
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

test('a report does not count twice what a restarted Redis still has', async () => {
  const { time, prefix, join } = world();
  const quota = join();
  await quota.charge(gmail({ items: 100 }));
  time.nowMs += 1_000;
  // Another run id is what a restart with its data looks like.
  const [log, state, project, projectState, day] = ['gmail:user:ada:log', 'gmail:user:ada:state', 'gmail:project:log', 'gmail:project:state', 'gmail:day:x'].map((key) => `{${prefix}:quota}:${key}`);
  const keys = ['birth', 'witnesses', 'missing'].map((key) => `{${prefix}:quota}:${key}`).concat([log, state, project, projectState, day].map(String));
  await runScript(redis.client, CHARGE, keys, [time.nowMs, 'another-run', '', 'epoch-2', 'p2', 1, 1, 6_000, 12_000, 1, 0]);
  await quota.beat();
  const { gmail: seen } = await quota.usage(['ada']);
  expect(seen.users.ada?.used).toBe(2_001);
});

test("a closed window stays closed for the whole fleet, for that user only, until Google's time is over", async () => {
  const { time, prefix, join } = world();
  const [one, two] = [join(), join()];
  await one.close('gmail', 'ada', 30_000);
  expect(await two.charge(gmail())).toMatchObject({ granted: 0, waitMs: 30_000, scope: 'user' });
  expect(await two.charge(gmail({ user: 'bob' }))).toMatchObject({ granted: 20 });
  await redis.forget(prefix);
  await one.beat();
  await two.beat();
  time.nowMs += HOLD_MS;
  expect(await two.charge(gmail())).toMatchObject({ granted: 0, waitMs: 30_000 - HOLD_MS });
  time.nowMs += 30_000;
  expect(await two.charge(gmail())).toMatchObject({ granted: 20 });
});

test('a slow call counts from its answer on', async () => {
  const { time, join } = world();
  const quota = join();
  const verdict = await quota.charge(gmail({ items: 300 }));
  time.nowMs += 20_000;
  if ('receipt' in verdict) await quota.move(verdict.receipt);
  time.nowMs = START_MS + KEEP_MS;
  expect(await quota.charge(gmail())).toMatchObject({ granted: 0, waitMs: 20_000 });
});

test('backfills leave the top of the project window free while live calls are about, and only then', async () => {
  const { time, join } = world({ gmailUnitsPerUserMinute: 12_000 });
  const quota = join();
  expect(await quota.charge(gmail({ lane: 'backfill', items: 550 }))).toMatchObject({ granted: 550 });
  expect(await quota.charge(gmail({ lane: 'live', items: 1 }))).toMatchObject({ granted: 1 });
  expect(await quota.charge(gmail({ lane: 'backfill' }))).toMatchObject({ granted: 0, scope: 'project' });
  expect(await quota.charge(gmail({ lane: 'catch-up' }))).toMatchObject({ granted: 19 });
  expect(await quota.charge(gmail({ lane: 'live' }))).toMatchObject({ granted: 20 });
  time.nowMs += 2 * KEEP_MS;
  expect(await quota.charge(gmail({ lane: 'backfill', items: 1_000 }))).toMatchObject({ granted: 600 });
});

test('over the day budget only backfills are put off, until midnight in California', async () => {
  const { time, join } = world({ gmailUnitsPerProjectDay: 400 });
  const quota = join();
  time.nowMs = Date.parse('2026-11-21T07:40:00Z');
  expect(await quota.charge(gmail({ lane: 'backfill' }))).toMatchObject({ granted: 20 });
  expect(await quota.charge(gmail({ lane: 'backfill' }))).toMatchObject({ granted: 0, scope: 'day', waitMs: 20 * 60_000 });
  expect(await quota.charge(gmail())).toMatchObject({ granted: 20 });
  expect((await quota.usage([])).gmail.day).toEqual({ day: '2026-11-20', used: 800, limit: 400 });
});

test('usage tells what stands in the window without charging', async () => {
  const { join } = world();
  const quota = join();
  await quota.charge(gmail({ items: 3 }));
  await quota.charge(gmail({ user: 'bob', api: 'calendar', costPerItem: 1, items: 2 }));
  const usage = await quota.usage(['ada', 'bob']);
  expect(usage.gmail.project).toEqual({ used: 60, limit: 12_000, closedForMs: 0 });
  expect(usage.gmail.users).toEqual({ ada: { used: 60, limit: 6_000, closedForMs: 0 }, bob: { used: 0, limit: 6_000, closedForMs: 0 } });
  expect(usage.calendar.users.bob).toEqual({ used: 2, limit: 600, closedForMs: 0 });
});

test('without Redis nothing is granted', async () => {
  const away = new Redis(`redis://127.0.0.1:${await freePort()}`, { enableOfflineQueue: false, retryStrategy: () => 100 });
  away.on('error', () => undefined);
  const quota = openQuota(rt, away, { prefix: 'p', limits: LIMITS });
  open.push(quota);
  expect(await quota.charge(gmail())).toMatchObject({ granted: 0, waitMs: 1_000, redisTrouble: expect.any(Error) });
  away.disconnect();
});
