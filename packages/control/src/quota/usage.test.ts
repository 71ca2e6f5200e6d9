import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { readQuota } from './usage.js';

type Google = NonNullable<Parameters<typeof readQuota>[1]['google']>;

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  await fixture.store.quota.record(fixture.accountId, [
    { method: 'gmail.users.messages.get', calls: 2, units: 40 },
  ]);
  await fixture.database.pool.query(
    "UPDATE syncline.collections SET phase = 'full' WHERE kind = 'gmail'",
  );
});
afterAll(() => fixture.close());

test('the report has what was spent, and the minute of the accounts that spent it', async () => {
  const asked: [string[], string | undefined][] = [];
  const google: Google = {
    projects: ['default', 'b'],
    tellSpentDay: async () => undefined,
    quotaUsage: async (users, project) => {
      asked.push([users, project]);
      return { gmail: {}, calendar: {}, people: {} } as Awaited<ReturnType<Google['quotaUsage']>>;
    },
  };
  const { report, redisProblem } = await readQuota(fixture.rt, { store: fixture.store, google });
  expect(redisProblem).toBeNull();
  expect(asked).toEqual([
    [[fixture.accountId], 'default'],
    [[], 'b'],
  ]);
  expect(report).toMatchObject({
    today: { byMethod: [{ method: 'gmail.users.messages.get', calls: 2, units: 40 }] },
    usage: { default: {}, b: {} },
    fullSyncs: [{ email: 'ada@example.com', collection: 'mailbox', etaSeconds: null }],
    fullSyncsEndInSeconds: null,
  });
});

test('a Redis that does not answer leaves the other parts of the report', async () => {
  const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  const google: Google = {
    projects: ['default'],
    tellSpentDay: () => Promise.reject(away),
    quotaUsage: () => Promise.reject(new Error('not reached')),
  };
  const { report, redisProblem } = await readQuota(fixture.rt, { store: fixture.store, google });
  expect(redisProblem).toContain('ECONNREFUSED');
  expect(report).toMatchObject({ usage: null, today: { byMethod: [{ units: 40 }] } });
});
