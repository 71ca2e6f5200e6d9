import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestedCollection } from '@syncline/store';
import { syncCollection } from '@syncline/sync';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* Reads that want rows of a certain age, against the simulator. The hints to the queue run the syncs. */

let world: World;
let api: ApiWorld;
let key: string;
let account: string;
let email: string;
/** The collections whose sync ran, in order. */
let runs: string[];
/** Runs begin when this has resolved. */
let mayRun: Promise<void>;
/** Returns what waits until so many further requests have read the schedule. */
let readers: (count: number) => () => Promise<void>;

beforeAll(async () => {
  world = await startWorld({
    seed: 1_506,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 2,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
  const count = { found: 0, reading: 0 };
  const observed = (store: World['store']): World['store'] => ({
    ...store,
    accounts: {
      ...store.accounts,
      find: (id) => store.accounts.find(id).finally(() => (count.found += 1)),
    },
    fresh: {
      ...store.fresh,
      state: (id, of) => {
        count.reading += 1;
        return store.fresh.state(id, of).finally(() => (count.reading -= 1));
      },
    },
  });
  readers = (more) => {
    const until = count.found + more;
    return async () => {
      while (count.found < until || count.reading > 0) await sleep(5);
    };
  };
  api = await startApi({
    on: world,
    observed,
    hint: (requested) => void Promise.all(requested.map(run)),
  });
  key = await api.key();
  const [known] = await world.store.accounts.list();
  [account, email] = [known!.id, known!.email];
}, 120_000);
afterAll(async () => {
  await api.close();
  await world.close();
});
beforeEach(async () => {
  // A request follows the last one after a second.
  await setCollections(
    "requested_at = NULL, parked = NULL, failures = 0, caught_up_at = now() - interval '1 hour'",
  );
  await world.database.pool.query("UPDATE syncline.accounts SET state = 'active'");
  [runs, mayRun] = [[], Promise.resolve()];
});

const setCollections = (set: string, kind = '%'): Promise<unknown> =>
  world.database.pool.query(`UPDATE syncline.collections SET ${set} WHERE kind LIKE $1`, [kind]);

async function run({ collectionId, kind, ready }: RequestedCollection): Promise<void> {
  if (!ready) return;
  await mayRun;
  runs.push(kind);
  await syncCollection(
    world.rt,
    {
      store: world.store,
      google: world.google,
      policy: { activeMs: 60_000, idleMs: 900_000, confirmAfterMs: 100 },
    },
    collectionId,
    { sliceMs: 5_000, signal: new AbortController().signal },
  );
}

interface List {
  data: { id: string }[];
  next: string | null;
  freshness: { asOf: string | null; fresh: boolean | null; why: string | null };
}

const get = (path: string): ReturnType<ApiWorld['send']> =>
  api.send('GET', `/v1/accounts/${account}/${path}`, { key });
const list = async (path: string): Promise<List> => {
  const { status, json } = await get(path);
  expect([path, status]).toEqual([path, 200]);
  return json as List;
};
const deliver = async (): Promise<string> =>
  ((await world.control.actAs(email, { action: 'deliver' })) as { messageId: string }).messageId;
const holdRuns = (): (() => void) => {
  let release = (): void => undefined;
  mayRun = new Promise((resolve) => (release = resolve));
  return release;
};

test('a change at Google is in a read that wants fresh rows, within a second', async () => {
  const tookMs: number[] = [];
  for (let i = 0; i < 3; i++) {
    const id = await deliver();
    const begunMs = performance.now();
    const { data, freshness } = await list('messages?limit=100&freshWithin=0s');
    expect(data.map((one) => one.id)).toContain(id);
    expect(freshness).toMatchObject({ fresh: true, why: null });
    tookMs.push(performance.now() - begunMs);
    await setCollections('requested_at = NULL');
  }
  // A machine that does other things as well may delay one of them.
  expect(Math.min(...tookMs)).toBeLessThan(1_000);
});

test('a hundred waiting readers cost one sync, and each gets the change', async () => {
  const id = await deliver();
  const before = (await world.control.ledger()).methods['history.list']!.calls;
  const release = holdRuns();
  const all = readers(100);
  const answers = Array.from({ length: 100 }, (_, i) =>
    list(`messages?limit=${1 + (i % 5)}&freshWithin=${i % 2}s`),
  );
  await all();
  release();
  for (const { data, freshness } of await Promise.all(answers)) {
    expect(data[0]!.id).toBe(id);
    expect(freshness.fresh).toBe(true);
  }
  expect(runs).toEqual(['gmail']);
  const after = (await world.control.ledger()).methods['history.list']!.calls;
  // The second request of a sync that stored something finds that there is nothing more.
  expect(after - before).toBeLessThanOrEqual(2);
});

test('asOf never claims more than a sync has read, while mail keeps coming', async () => {
  const delivered: { id: string; atMs: number }[] = [];
  const writing = new AbortController();
  const write = async (): Promise<void> => {
    while (!writing.signal.aborted) delivered.push({ id: await deliver(), atMs: Date.now() });
  };
  const writer = write();
  let compared = 0;
  for (let i = 0; i < 12; i++) {
    const { data, freshness } = await list(`messages?limit=500&freshWithin=${i % 2}s`);
    const asOfMs = Date.parse(freshness.asOf!);
    const ids = new Set(data.map(({ id }) => id));
    const due = delivered.filter(({ atMs }) => atMs < asOfMs);
    compared += due.length;
    expect(due.filter(({ id }) => !ids.has(id))).toEqual([]);
    await setCollections('requested_at = NULL', 'gmail');
  }
  writing.abort();
  await writer;
  expect(compared).toBeGreaterThan(10);
}, 60_000);

test('rows that are fresh enough are given without a sync', async () => {
  await setCollections("caught_up_at = now() - interval '4 seconds'");
  for (const path of ['messages', 'labels', 'threads', 'calendars', 'calendars/primary/events'])
    expect((await list(`${path}?freshWithin=600s`)).freshness.fresh).toBe(true);
  expect((await list('messages')).freshness.fresh).toBeNull();
  expect(runs).toEqual([]);
});

test.each([
  ['labels?', ['gmail']],
  ['threads?', ['gmail']],
  ['calendars?', ['calendar-list']],
  ['calendars/primary/events?', ['calendar-events']],
  [
    'instances?timeMin=2026-01-01T00:00:00Z&timeMax=2026-02-01T00:00:00Z&calendars=primary&',
    ['calendar-events'],
  ],
  [
    'instances?timeMin=2026-01-01T00:00:00Z&timeMax=2026-02-01T00:00:00Z&',
    [...Array<string>(3).fill('calendar-events'), 'calendar-list'],
  ],
])('%s syncs exactly what it reads', async (path, kinds) => {
  expect((await list(`${path}freshWithin=5s`)).freshness.fresh).toBe(true);
  expect(runs.toSorted()).toEqual(kinds);
});

test('one object says in a header how fresh it is, and waits in the same way', async () => {
  const id = await deliver();
  const answer = await get(`messages/${id}?freshWithin=5s`);
  expect([answer.status, (answer.json as { id: string }).id]).toEqual([200, id]);
  expect(JSON.parse(answer.headers.get('syncline-freshness')!)).toMatchObject({
    asOf: expect.any(String),
    phase: 'incremental',
    complete: true,
    fresh: true,
    why: null,
  });
  const plain = await get(`messages/${id}`);
  expect(JSON.parse(plain.headers.get('syncline-freshness')!)).toMatchObject({ fresh: null });
  expect((await get('threads/unknown?freshWithin=5s')).status).toBe(404);
});

test.each<[string, () => Promise<unknown>]>([
  ['paused', () => world.database.pool.query("UPDATE syncline.accounts SET state = 'paused'")],
  [
    'reauth_required',
    () => world.database.pool.query("UPDATE syncline.accounts SET state = 'reauth_required'"),
  ],
  ['parked', () => setCollections("parked = 'policy'", 'gmail')],
  [
    'failing',
    () => setCollections("failures = 3, next_sync_at = now() + interval '1 minute'", 'gmail'),
  ],
  ['not-mirrored', () => Promise.resolve()],
])('an account that cannot become fresh is answered at once: %s', async (why, make) => {
  await make();
  const path = why === 'not-mirrored' ? 'contacts' : 'messages';
  const begunMs = performance.now();
  const { freshness } = await list(`${path}?freshWithin=5s&wait=25s`);
  expect(freshness).toMatchObject({ fresh: false, why });
  const failed = await get(`${path}?freshWithin=5s&wait=25s&onStale=fail`);
  expect(failed).toMatchObject({
    status: 503,
    json: { type: 'urn:syncline:problem:not-fresh-enough' },
  });
  expect(Number(failed.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(performance.now() - begunMs).toBeLessThan(5_000);
  expect(runs).toEqual([]);
  await setCollections('next_sync_at = now()');
});

test('a wait that ends without a sync gives the rows that there are, and leaves the request', async () => {
  const release = holdRuns();
  const begunMs = performance.now();
  const { data, freshness } = await list('messages?freshWithin=0s&wait=1s');
  const tookMs = performance.now() - begunMs;
  expect(data.length).toBeGreaterThan(10);
  expect(freshness).toMatchObject({ fresh: false, why: 'wait-over' });
  expect([tookMs > 900, tookMs < 3_000]).toEqual([true, true]);
  const { rows } = await world.database.pool.query<{ kind: string }>(
    'SELECT kind FROM syncline.collections WHERE requested_at IS NOT NULL',
  );
  expect(rows).toEqual([{ kind: 'gmail' }]);
  await setCollections("phase = 'full'", 'gmail');
  expect((await list('messages?freshWithin=0s&wait=0s')).freshness.why).toBe('full-sync');
  await setCollections("phase = 'incremental'", 'gmail');
  release();
});

test.each<[string, number]>([
  ['freshWithin=0s', 200],
  ['freshWithin=600s', 200],
  ['freshWithin=601s', 400],
  ['freshWithin=10m', 200],
  ['freshWithin=11m', 400],
  ['freshWithin=5', 400],
  ['freshWithin=5.5s', 400],
  ['freshWithin=-1s', 400],
  ['freshWithin=', 400],
  ['freshWithin=5s&wait=26s', 400],
  ['freshWithin=5s&onStale=wait', 400],
])('%s is answered with %d', async (query, status) => {
  await setCollections('caught_up_at = now()');
  expect((await get(`labels?${query}`)).status).toBe(status);
});

test('a cursor goes on with another freshness, and an answer that became stale is sent again', async () => {
  await setCollections('caught_up_at = now()');
  const { next } = await list('messages?limit=2&freshWithin=10m');
  expect(
    (await list(`messages?limit=2&cursor=${next}&freshWithin=9m&onStale=fail`)).data,
  ).toHaveLength(2);
  const path = 'messages?limit=2&freshWithin=10m&wait=0s';
  const tag = (await get(path)).headers.get('etag')!;
  const again = (): ReturnType<ApiWorld['send']> =>
    api.send('GET', `/v1/accounts/${account}/${path}`, { key, headers: { 'If-None-Match': tag } });
  expect((await again()).status).toBe(304);
  await setCollections("caught_up_at = now() - interval '1 hour'");
  expect((await again()).status).toBe(200);
});
