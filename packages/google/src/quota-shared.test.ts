import { openBench } from '../test-support/bench-google.js';
import { LIMITS, gmail, quotaWorlds } from '../test-support/quota-world.js';
import { type TestRedis, startTestRedis } from '../test-support/redis-server.js';
import type { Charge, Quota, Receipt } from './quota.js';

/* Several accounts that are one Google user share one window and one cap on calls in flight. */

let redis: TestRedis;
const { world, end } = quotaWorlds(() => redis);
beforeAll(async () => {
  redis = await startTestRedis();
});
afterEach(end);
afterAll(() => redis.stop());

const LIMIT = LIMITS.gmailUnitsPerUserMinute;
const KEPT = { retired: false, shared: true };
const shared = (over: Partial<Charge> = {}): Charge => ({ ...gmail(over), shared: true });

/** The user is known to be shared, and the calls that were sent before have finished. */
async function chargedAsShared(quota: Quota, time: { nowMs: number }): Promise<void> {
  await quota.finishCall(await granted(quota, shared()));
  time.nowMs += 3_001;
  await quota.beat();
}

async function granted(quota: Quota, charge: Charge): Promise<Receipt> {
  const charged = await quota.charge(charge);
  if (!('receipt' in charged)) throw new Error(`refused for ${charged.waitMs} ms`);
  return charged.receipt;
}

test('joined quota users share one window in every process, in either order', async () => {
  const { join, time } = world();
  const [one, two] = [join(), join()];
  await granted(one, gmail({ user: 'account', items: 100 }));
  time.nowMs += 1_000;
  await granted(two, gmail({ user: 'identity', items: 150 }));
  await one.join('account', 'identity', { retired: false, shared: false });
  const used = (await two.usage(['identity', 'account'])).gmail.users;
  expect(used).toMatchObject({ identity: { used: 250 * 20 }, account: { used: 0 } });
  expect(await two.charge(gmail({ user: 'identity', items: 100 }))).toMatchObject({
    granted: (LIMIT - 250 * 20) / 20,
  });
  // The oldest usage leaves the window first.
  time.nowMs += 60_500;
  expect((await one.usage(['identity'])).gmail.users['identity']?.used).toBe(200 * 20);
});

test('joining twice counts nothing twice, and a merged identity gets no further charges', async () => {
  const { join } = world();
  const quota = join();
  await granted(quota, gmail({ user: 'old', items: 10 }));
  for (let n = 0; n < 2; n++) await quota.join('old', 'new', { retired: true, shared: false });
  expect((await quota.usage(['new'])).gmail.users['new']?.used).toBe(200);
  expect(await quota.charge(gmail({ user: 'old' }))).toMatchObject({
    granted: 0,
    scope: 'closed',
  });
});

test('after a join, usage is reported to an empty Redis under the joined user', async () => {
  const { join, prefix } = world();
  const quota = join();
  await granted(quota, gmail({ user: 'account', items: 10 }));
  await quota.join('account', 'identity', KEPT);
  const keys = await redis.client.keys(`*${prefix}*`);
  await redis.client.del(...keys);
  await quota.beat();
  expect((await quota.usage(['identity'])).gmail.users['identity']?.used).toBe(200);
});

test('accounts of one user share a limit of twenty calls in flight over all processes and APIs', async () => {
  const { join, time } = world();
  const [one, two] = [join(), join()];
  await chargedAsShared(one, time);
  await two.beat();
  const receipts = [
    await granted(one, shared({ items: 20 })),
    await granted(two, shared({ items: 20 })),
    await granted(one, shared({ api: 'calendar', costPerItem: 1, items: 6 })),
    await granted(two, shared({ items: 20 })),
  ];
  expect(receipts.map(({ units }) => units)).toEqual([120, 120, 6, 40]);
  expect(await one.charge(shared())).toMatchObject({ granted: 0, scope: 'user', waitMs: 200 });
  await two.finishCall(receipts[0] as Receipt);
  expect(await one.charge(shared({ items: 20 }))).toMatchObject({ granted: 6 });
});

test('a call in flight that is never reported as finished expires after a minute', async () => {
  const { join, time } = world();
  const quota = join();
  await chargedAsShared(quota, time);
  for (let n = 0; n < 4; n++) await quota.charge(shared({ items: 20 }));
  expect(await quota.charge(shared())).toMatchObject({ granted: 0 });
  time.nowMs += 60_001;
  await quota.beat();
  expect(await quota.charge(shared({ items: 20 }))).toMatchObject({ granted: 6 });
});

test('an account whose user has just become shared stays under the limit, including its earlier calls', async () => {
  const { join, time } = world();
  const [one, two] = [join(), join()];
  await granted(one, gmail({ user: 'identity', items: 20 }));
  await two.join('account', 'identity', KEPT);
  expect(await two.charge(shared({ user: 'identity', items: 20 }))).toMatchObject({ granted: 4 });
  time.nowMs += 3_001;
  await two.beat();
  const late = await one.charge(gmail({ user: 'identity', items: 20 }));
  expect(late).toMatchObject({ granted: 6, receipt: { flight: expect.any(String) } });
});

test('usage that was charged to an account moves to its identity when it is bound', async () => {
  const stub = await openBench();
  stub.stub.answer = () => ({
    body: { emailAddress: 'a@x.y', messagesTotal: 1, threadsTotal: 1, historyId: '1' },
  });
  const google = await stub.open();
  const account = google.account('a1');
  await account.gmail.profile();
  await account.chargeTo('identity', { merged: ['other'], shared: true });
  await account.gmail.profile();
  const { users } = (await google.quotaUsage(['a1', 'identity'])).gmail;
  expect(users).toMatchObject({ a1: { used: 0 }, identity: { used: 2 } });
  const late = google.account('a1', { lane: 'live', quotaUser: 'other' });
  await expect(late.gmail.profile()).rejects.toThrow('held back by our own quota (closed)');
  await stub.stop();
});

test('the first call of a shared user leaves room for untracked calls, and later calls are tracked', async () => {
  const { join } = world();
  const [one, two] = [join(), join()];
  await granted(one, gmail({ items: 20 }));
  expect(await two.charge(shared({ items: 20 }))).toMatchObject({ granted: 4 });
  expect(await one.charge(gmail({ items: 20 }))).toMatchObject({ granted: 0, waitMs: 200 });
});

test('calls of a user with one account are not tracked', async () => {
  const { join } = world();
  expect(await join().charge(gmail({ items: 20 }))).toMatchObject({
    granted: 20,
    receipt: { flight: null },
  });
});
