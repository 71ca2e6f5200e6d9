import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { HeldWatch } from './watches.js';

let fixture: StoreFixture;
let collectionId: string;
let held: HeldWatch;
beforeAll(async () => (fixture = await storeFixture()));
afterAll(() => fixture.close());
beforeEach(async () => {
  await fixture.database.pool.query(
    "DELETE FROM syncline.watches; DELETE FROM syncline.channels; UPDATE syncline.collections SET lease_until = NULL, open_runs = 0, notified_at = NULL, requested_at = NULL, parked = NULL, failures = 0, phase = 'incremental', next_sync_at = now() + interval '1 h'; UPDATE syncline.accounts SET state = 'active', verified_grant = grant_number",
  );
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  collectionId = lease.collectionId;
  await fixture.store.watches.request(lease);
  held = (await fixture.store.watches.hold(collectionId, 60_000))!;
});

const row = async (columns: string, table = 'watches', key = 'collection_id') =>
  (
    await fixture.database.pool.query<Record<string, unknown>>(
      `SELECT ${columns} FROM syncline.${table} WHERE ${key} = $1`,
      [collectionId],
    )
  ).rows[0]!;
const watched = (over = {}) => ({
  state: 'on' as const,
  nextInMs: 5 * 86_400_000,
  error: null,
  watched: {
    target: 'projects/p/topics/t',
    expiresAt: new Date(Date.now() + 7 * 86_400_000),
    forSilence: false,
  },
  ...over,
});
const free = () => fixture.database.pool.query('UPDATE syncline.watches SET held_until = NULL');

test('a watch that is due is given out once, however many schedulers ask', async () => {
  const claims = await Promise.all(
    Array.from({ length: 5 }, () =>
      fixture.store.schedule.claimDueWatches({ limit: 10, visibilityMs: 60_000 }),
    ),
  );
  expect(claims.flat()).toEqual([
    { collectionId, accountId: expect.any(String), tenant: expect.any(String), kind: 'gmail' },
  ]);
  await fixture.store.watches.finish(held, watched());
  expect(await fixture.store.schedule.claimDueWatches({ limit: 10, visibilityMs: 60_000 })).toEqual(
    [],
  );
});

test('one worker holds a watch at a time, and a replaced holder writes nothing', async () => {
  expect(await fixture.store.watches.hold(collectionId, 60_000)).toBeNull();
  await free();
  const second = await fixture.store.watches.hold(collectionId, 60_000);
  expect(second).toMatchObject({
    epoch: held.epoch + 1n,
    active: true,
    callable: true,
    channels: [],
  });
  expect([
    await fixture.store.watches.finish(held, watched()),
    await fixture.store.watches.noteAddress(held, 'x@x.example'),
    await fixture.store.watches.addChannel(held, 'c', new Date()),
  ]).toEqual([false, false, false]);
  expect(await row('state, address')).toEqual({ state: 'requested', address: null });
  expect(await fixture.store.watches.finish(second!, watched())).toBe(true);
});

test('failures count up and are forgotten with the next success; renewals for silence count until one for age', async () => {
  await fixture.store.watches.finish(held, {
    state: 'requested',
    nextInMs: 0,
    error: 'transient error',
    failed: true,
  });
  await free();
  held = (await fixture.store.watches.hold(collectionId, 60_000))!;
  expect(held).toMatchObject({ failures: 1 });
  await fixture.store.watches.finish(
    held,
    watched({ watched: { ...watched().watched, forSilence: true } }),
  );
  expect(await row('failures, silences, error')).toEqual({ failures: 0, silences: 1, error: null });
  await free();
  await fixture.store.watches.finish(
    (await fixture.store.watches.hold(collectionId, 60_000))!,
    watched(),
  );
  expect(await row('silences')).toEqual({ silences: 0 });
});

test('counts watches by kind and state, and active ones as on, expired or silent', async () => {
  const counted = async () => (await fixture.store.watches.count()).gmail;
  const figure = async (set: string): Promise<string[]> => {
    await fixture.database.pool.query(
      `UPDATE syncline.watches SET ${set} WHERE collection_id = $1`,
      [collectionId],
    );
    return Object.entries(await counted()).flatMap(([name, count]) => (count === 1 ? [name] : []));
  };
  expect(await figure("state = 'requested'")).toEqual(['requested']);
  expect(
    await figure(
      "state = 'on', expires_at = now() + interval '1 day', watched_at = now() - interval '1 h'",
    ),
  ).toEqual(['on']);
  expect(await figure('silent_since = now()')).toEqual(['silent']);
  expect(await figure("expires_at = now() - interval '1 s'")).toEqual(['expired']);
  expect(await figure("state = 'refused'")).toEqual(['refused']);
  expect((await fixture.store.watches.count())['calendar-list']).toEqual({
    requested: 0,
    on: 0,
    expired: 0,
    silent: 0,
    off: 0,
    unwatchable: 0,
    refused: 0,
  });
});

test('silence begins with a poll and ends with the next notification or sync message', async () => {
  await fixture.store.watches.noteAddress(held, 'Ada@Example.com');
  await fixture.store.watches.finish(held, watched());
  await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
  const lease = await claim(fixture, fixture.accountId, 'gmail');
  expect(lease.watch).toMatchObject({
    state: 'on',
    hasNotified: false,
    silent: false,
    expired: false,
  });
  await fixture.store.watches.silent(lease, 10_000);
  await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
  expect((await claim(fixture, fixture.accountId, 'gmail')).watch).toMatchObject({ silent: true });
  expect(await row("due_at < now() + interval '11 s' AS soon")).toEqual({ soon: true });
  await fixture.store.notifications.notifyMailboxes(['ada@example.com']);
  await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
  expect(await claim(fixture, fixture.accountId, 'gmail')).toMatchObject({
    watch: { silent: false, hasNotified: true },
    notification: { behind: true },
  });
});

test('a notification makes the mailbox due and enqueues a job; a parked or failing collection keeps its date', async () => {
  await fixture.store.watches.noteAddress(held, 'ada@example.com');
  const notify = () =>
    fixture.store.notifications.notifyMailboxes(['ada@example.com', 'nobody@example.com']);
  expect(await notify()).toEqual(
    new Map([
      [
        'ada@example.com',
        [
          {
            collectionId,
            accountId: fixture.accountId,
            tenant: 'default',
            kind: 'gmail',
            ready: true,
          },
        ],
      ],
    ]),
  );
  expect(
    await row(
      "next_sync_at < now() + interval '3 s' AS soon, notified_at - requested_at < interval '10 ms' AS requested",
      'collections',
      'id',
    ),
  ).toEqual({ soon: true, requested: true });
  for (const condition of ["parked = 'scope'", 'failures = 3']) {
    await fixture.database.pool.query(
      `UPDATE syncline.collections SET parked = NULL, failures = 0, next_sync_at = now() + interval '1 h'`,
    );
    await fixture.database.pool.query(
      `UPDATE syncline.collections SET ${condition} WHERE id = $1`,
      [collectionId],
    );
    expect((await notify()).get('ada@example.com')).toMatchObject([{ ready: false }]);
    expect(
      await row(
        "next_sync_at > now() + interval '50 min' AS late, notified_at IS NOT NULL AS notified",
        'collections',
        'id',
      ),
    ).toEqual({ late: true, notified: true });
  }
});

test('a mailbox in its first full sync is not brought forward, and a paused account is not notified', async () => {
  await fixture.store.watches.noteAddress(held, 'ada@example.com');
  await fixture.database.pool.query("UPDATE syncline.collections SET phase = 'full'");
  expect(
    (await fixture.store.notifications.notifyMailboxes(['ada@example.com'])).get('ada@example.com'),
  ).toMatchObject([{ ready: false }]);
  await fixture.store.accounts.pause(fixture.accountId);
  expect(await fixture.store.notifications.notifyMailboxes(['ada@example.com'])).toEqual(new Map());
  await fixture.store.accounts.resume(fixture.accountId);
});

test('S9: a message of an expired channel starts no sync', async () => {
  await fixture.store.watches.addChannel(held, 'one', new Date(Date.now() + 60_000));
  await fixture.store.watches.confirmChannel(held, 'one', 'r1', new Date(Date.now() + 60_000));
  expect(await fixture.store.notifications.noteSyncMessage('one', 'r1')).toBe(true);
  await fixture.database.pool.query(
    "UPDATE syncline.channels SET expires_at = now() - interval '1 s'",
  );
  expect([
    await fixture.store.notifications.notifyChannel('one', 'r1'),
    await fixture.store.notifications.noteSyncMessage('one', 'r1'),
  ]).toEqual([null, false]);
});

test('a message of a channel notifies its calendar when the resource is the one that Google named', async () => {
  await fixture.store.watches.addChannel(held, 'one', new Date(Date.now() + 60_000));
  expect(
    await fixture.store.notifications.notifyChannel('one', 'anything until Google has answered'),
  ).toMatchObject({ collectionId });
  await fixture.store.watches.confirmChannel(held, 'one', 'r1', new Date(Date.now() + 60_000));
  expect([
    await fixture.store.notifications.notifyChannel('one', 'r2'),
    await fixture.store.notifications.notifyChannel('two', 'r1'),
  ]).toEqual([null, null]);
  expect(await fixture.store.notifications.notifyChannel('one', 'r1')).toMatchObject({
    collectionId,
    ready: true,
  });
  expect([
    await fixture.store.notifications.noteSyncMessage('one', 'r1'),
    await fixture.store.notifications.noteSyncMessage('one', 'r2'),
  ]).toEqual([true, false]);
  await fixture.store.watches.addChannel(held, 'two', new Date(Date.now() + 60_000));
  await fixture.store.watches.confirmChannel(held, 'two', 'r1', new Date(Date.now() + 60_000));
  await free();
  const channels = (await fixture.store.watches.hold(collectionId, 60_000))!.channels.toSorted(
    (a, b) => (a.id < b.id ? -1 : 1),
  );
  expect(channels).toEqual([
    { id: 'one', resourceId: 'r1', superseded: true, expired: false, isOldKey: false },
    { id: 'two', resourceId: 'r1', superseded: false, expired: false, isOldKey: false },
  ]);
});

test('two tenants of one mailbox are both notified, and neither may stop the other’s watch', async () => {
  const other = await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//y',
    tenant: 'other',
    resources: ['gmail'],
  });
  await fixture.store.watches.noteAddress(held, 'ada@example.com');
  await fixture.store.watches.finish(held, watched());
  const lease = await claim(fixture, other.id, 'gmail');
  await fixture.store.watches.request(lease);
  const theirs = (await fixture.store.watches.hold(lease.collectionId, 60_000))!;
  await fixture.store.watches.noteAddress(theirs, 'ada@example.com');
  expect(
    (await fixture.store.notifications.notifyMailboxes(['ada@example.com'])).get('ada@example.com'),
  ).toHaveLength(2);
  await fixture.database.pool.query('UPDATE syncline.watches SET held_until = NULL');
  expect(await fixture.store.watches.hold(lease.collectionId, 60_000)).toMatchObject({
    shared: true,
  });
});

test('a refused grant stops the watch here, since it has stopped at Google; a new one has it made again', async () => {
  await fixture.store.watches.finish(held, watched());
  await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
  await fixture.store.leases.requireReauth(await claim(fixture, fixture.accountId, 'gmail'), {
    reason: 'invalid_grant',
    code: 'grant-refused',
    probeInMs: null,
  });
  expect(await row('state')).toEqual({ state: 'off' });
  expect(await fixture.store.watches.hold(collectionId, 1)).toMatchObject({
    callable: false,
    active: false,
  });
  await fixture.store.accounts.import({
    email: 'ada@example.com',
    refreshToken: '1//z',
    tenant: 'default',
  });
  expect(await row('state, due_at <= now() AS due')).toEqual({ state: 'requested', due: true });
});

test('a channel’s token is its own, and another key makes another', () => {
  const { vault } = fixture.store;
  expect(vault.channelToken('one')).toBe(vault.channelToken('one'));
  expect(vault.channelToken('one')).not.toBe(vault.channelToken('two'));
  expect(vault.channelToken('one')).toMatch(/^[\w-]{43}$/);
});
