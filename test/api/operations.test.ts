import { runRemovals } from '../../apps/worker/src/removals.js';
import { runVerifications } from '../../apps/worker/src/verifications.js';
import type { Runtime } from '@syncline/runtime';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* Long work that is requested over HTTP and done by a worker, against the simulator. */

let world: World;
let api: ApiWorld;
let key: string;
let ids: string[];
/** The address of the account that is not removed. */
let stays: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 4_711,
    accounts: 2,
    messagesPerAccount: 30,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
  api = await startApi({ on: world, google: world.google });
  key = await api.key();
  const views = await world.store.accounts.list();
  // Sorted by address.
  ids = views.map(({ id }) => id);
  stays = views[0]!.email;
});
afterAll(async () => {
  await api.close();
  await world.close();
});

/** Runs a loop of a worker until `work` is over. */
async function beside<T>(loop: (rt: Runtime) => Promise<void>, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const running = loop({ ...world.rt, signal: over.signal });
  try {
    return await work();
  } finally {
    over.abort(new Error('the test is over'));
    await running;
  }
}

const verifying = (rt: Runtime): Promise<void> =>
  runVerifications(rt, { store: world.store, google: world.google, mirror: WHOLE });
const WHOLE = { bodies: 'full', exclude: [], windowDays: null } as const;

async function verified(path: string, body: object): Promise<unknown> {
  const asked = await api.send('POST', path, { key, body });
  expect(asked.json).toMatchObject({ state: 'running', result: null });
  const done = await api.send('GET', `${asked.headers.get('location')}?wait=25s`, { key });
  expect(done.json).toMatchObject({ state: 'done', problem: null });
  return (done.json as { result: { resources: unknown } }).result.resources;
}

test('a verification counts what differs from Google', async () => {
  const path = `/v1/accounts/${ids[0]}/verifications`;
  await beside(verifying, async () => {
    expect(await verified(path, { resources: ['gmail', 'calendar'] })).toEqual([
      { resource: 'gmail', compared: 30, missing: 0, extra: 0, stale: 0, unread: 0 },
      expect.objectContaining({ resource: 'calendar', missing: 0, extra: 0, stale: 0, unread: 0 }),
    ]);
    await world.database.pool.query(
      `UPDATE syncline.gmail_messages SET snippet = 'changed here' WHERE account_id = $1 AND id = (SELECT min(id) FROM syncline.gmail_messages WHERE account_id = $1)`,
      [ids[0]],
    );
    expect(await verified(path, { resources: ['gmail'] })).toEqual([
      expect.objectContaining({ resource: 'gmail', stale: 1 }),
    ]);
  });
  const list = await api.send('GET', `${path}?limit=1`, { key });
  const { data, next } = list.json as { data: { progress: { done: number } }[]; next: string };
  expect(data).toEqual([
    expect.objectContaining({ state: 'done', progress: { done: 30, total: null } }),
  ]);
  const rest = await api.send('GET', `${path}?limit=5&cursor=${next}`, { key });
  expect((rest.json as { data: unknown[] }).data).toHaveLength(1);
});

test('another worker runs the verification of a killed one, and after three it fails', async () => {
  const path = `/v1/accounts/${ids[0]}/verifications`;
  const asked = await api.send('POST', path, { key, body: { resources: ['calendar'] } });
  const location = String(asked.headers.get('location'));
  const killed = await world.store.operations.claim('verification', 0);
  expect(killed?.id).toBe((asked.json as { id: string }).id);
  await beside(verifying, async () => {
    expect((await api.send('GET', `${location}?wait=25s`, { key })).json).toMatchObject({
      state: 'done',
    });
  });
  const again = await api.send('POST', path, { key });
  for (let i = 0; i < 3; i++) await world.store.operations.claim('verification', 0);
  expect(await world.store.operations.claim('verification', 0)).toBeNull();
  expect(
    (await api.send('GET', String(again.headers.get('location')), { key })).json,
  ).toMatchObject({
    state: 'failed',
    problem: 'the workers that ran it ended 3 times',
  });
});

test('a removed account is stopped at once, and its operation is done when no row is left', async () => {
  const asked = await api.send('DELETE', `/v1/accounts/${ids[1]}`, { key });
  expect(asked).toMatchObject({ status: 202, json: { kind: 'removal', state: 'running' } });
  expect((await api.send('GET', `/v1/accounts/${ids[1]}`, { key })).json).toMatchObject({
    state: 'removing',
  });
  await beside(
    (rt) => runRemovals(rt, world),
    async () => {
      const done = await api.send('GET', `${asked.headers.get('location')}?wait=25s`, { key });
      expect(done.json).toMatchObject({ kind: 'removal', accountId: ids[1], state: 'done' });
    },
  );
  expect((await api.send('GET', `/v1/accounts/${ids[1]}`, { key })).status).toBe(404);
});

test('a verification of an account that is gone fails with the reason', async () => {
  const id = `op_${'0'.repeat(32)}`;
  const operation = { id, kind: 'verification', tenant: 'default', subject: ids[1]! } as const;
  await world.store.operations.create({
    ...operation,
    input: { resources: ['gmail'], sample: null },
  });
  await beside(verifying, async () => {
    const answer = await api.send('GET', `/v1/operations/${id}?wait=25s`, { key });
    expect(answer.json).toMatchObject({
      state: 'failed',
      problem: 'the account no longer exists',
    });
  });
});

test('a request for an account that is erased meanwhile is answered with 404', async () => {
  const view = jest.spyOn(api.apiStore.accounts, 'view').mockResolvedValue(null);
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PATCH', '', { paused: false }],
    ['GET', '/why', undefined],
  ] as const) {
    const { status, json } = await api.send(method, `/v1/accounts/${ids[0]}${path}`, { key, body });
    expect([path, status, json]).toEqual([
      path,
      404,
      expect.objectContaining({ type: 'urn:syncline:problem:not-found' }),
    ]);
  }
  view.mockRestore();
});

test('a sync is awaited, and a waiting request is answered when the process drains', async () => {
  const path = `/v1/accounts/${ids[0]}/sync?wait=25s`;
  const [answer] = await Promise.all([api.send('POST', path, { key }), world.catchUp()]);
  expect(answer).toMatchObject({ status: 200, json: { caughtUp: true, behind: [] } });
  const draining = new AbortController();
  const other = await startApi({ on: { ...world, rt: { ...world.rt, signal: draining.signal } } });
  const waiting = other.send('POST', path, { key });
  await untilRequested();
  draining.abort(new Error('draining'));
  const drained = await waiting;
  expect(drained).toMatchObject({ status: 202, json: { caughtUp: false } });
  expect(drained.headers.get('connection')).toBe('close');
  await other.close();
});

async function untilRequested(): Promise<void> {
  for (;;) {
    const { rows } = await world.database.pool.query(
      'SELECT FROM syncline.collections WHERE account_id = $1 AND requested_at > caught_up_at',
      [ids[0]],
    );
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('an account is connected with a grant that Google confirms, and refused with one that it does not know', async () => {
  const known = world.simulator.accounts().find(({ email }) => email === stays)!;
  const body = { email: known.email, refreshToken: known.refreshToken };
  const renewed = await api.send('POST', '/v1/accounts', { key, body });
  expect(renewed).toMatchObject({ status: 200, json: { id: ids[0], state: 'active' } });
  const other = await api.send('POST', '/v1/accounts', {
    key,
    body: { ...body, email: 'somebody-else@example.com' },
  });
  expect(other).toMatchObject({
    status: 422,
    json: { type: 'urn:syncline:problem:grant-refused' },
  });
});

test('a wait ends when the client has gone', async () => {
  const asked = await api.send('POST', `/v1/accounts/${ids[0]}/verifications`, { key });
  const finds = jest.spyOn(api.apiStore.operations, 'find');
  const leaving = new AbortController();
  const path = `${api.origin}${asked.headers.get('location')}?wait=25s`;
  const waiting = fetch(path, {
    headers: { Authorization: `Bearer ${key}` },
    signal: leaving.signal,
  });
  const isWaiting = waiting.then(
    () => true,
    () => false,
  );
  while (finds.mock.calls.length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  leaving.abort();
  expect(await isWaiting).toBe(false);
  // Longer than two polls; one may be under way when the connection closes.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const calls = finds.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(finds.mock.calls.length).toBe(calls);
  finds.mockRestore();
});
