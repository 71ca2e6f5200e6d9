import { beginFeedEpoch } from '@syncline/control/feed';
import type { Runtime } from '@syncline/runtime';
import { removeAccount } from '@syncline/sync';
import { runFeedDistributor } from '../../apps/scheduler/src/feed-distributor.js';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { NDJSON, readCut, SSE, type FeedEvent } from '../support/feed-reader.js';
import { startWorld, type World } from '../support/world.js';

/*
 * The feeds of all accounts of a tenant in one order: positions, forms, tenants, retention, epochs
 * and removals. test/api/feed-kills.test.ts has the same with processes that are killed.
 */

interface TenantPage {
  data: (FeedEvent & { position: string; account: string; tenant: string })[];
  next: string;
}

let world: World;
let api: ApiWorld;
/** Of every tenant, of two tenants, and of one without accounts. */
let keys: { all: string; default: string; acme: string; empty: string };
let accounts: string[];
let distributing: { stop(): Promise<void> };

beforeAll(async () => {
  world = await startWorld({
    seed: 8_023,
    accounts: 3,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  const [first] = await world.control.accounts();
  await world.store.accounts.import({
    email: first!.email,
    refreshToken: await world.control.consent(first!.email),
    tenant: 'acme',
    resources: ['gmail'],
  });
  api = await startApi({ on: world });
  distributing = distribute();
  await world.catchUp();
  const of = (tenant: string | null): Promise<string> =>
    api.key({ tenant, scopes: ['feed:read', 'accounts:read'] });
  keys = {
    all: await of(null),
    default: await of('default'),
    acme: await of('acme'),
    empty: await of('empty'),
  };
  accounts = (await world.store.accounts.list()).map(({ id }) => id);
});
afterAll(async () => {
  await distributing.stop();
  await api.close();
  await world.close();
});

/** Runs the loop of a scheduler. */
function distribute(): { stop(): Promise<void> } {
  const draining = new AbortController();
  const rt: Runtime = { ...world.rt, signal: draining.signal };
  const running = runFeedDistributor(rt, { store: world.store, hints: api.hints });
  return {
    stop: () => {
      draining.abort(new Error('draining'));
      return running;
    },
  };
}

/** Resolves when every event is in the log. */
async function distributed(): Promise<void> {
  const behind =
    'SELECT 1 FROM syncline.accounts a LEFT JOIN syncline.feed_heads h ON h.account_id = a.id WHERE a.feed_seq > coalesce(h.distributed_seq, 0) UNION ALL SELECT 1 FROM syncline.feed_moves';
  while ((await world.database.pool.query(behind)).rowCount !== 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Lets the simulated people act until their mirrors have changed. */
async function change(): Promise<void> {
  const count = async (): Promise<number> =>
    (await world.database.pool.query('SELECT sum(feed_seq)::int AS n FROM syncline.accounts'))
      .rows[0].n;
  const before = await count();
  while ((await count()) === before) {
    await world.control.act(6);
    await world.catchUp();
  }
  for (const id of accounts) api.hints.changed(id);
}

async function page(query: string, key = keys.all): Promise<TenantPage> {
  const { status, json, text } = await api.send('GET', `/v1/changes?${query}`, { key });
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return json as TenantPage;
}

async function pages(key: string, limit: number, after = '0'): Promise<TenantPage['data']> {
  const all: TenantPage['data'] = [];
  for (let read = await page(`after=${after}&limit=${limit}`, key); read.data.length > 0;) {
    expect(read.data.length).toBeLessThanOrEqual(limit);
    all.push(...read.data);
    read = await page(`after=${read.next}&limit=${limit}`, key);
  }
  return all;
}

/** The account's own feed, as events of a page. */
async function ownFeed(id: string): Promise<unknown[]> {
  const { json } = await api.send('GET', `/v1/accounts/${id}/changes?after=0&limit=1000`, {
    key: keys.all,
  });
  return (json as { data: unknown[] }).data;
}

function ofAccount(events: readonly FeedEvent[], id: string): unknown[] {
  return events
    .filter(({ account }) => account === id)
    .map(({ account: _account, position: _position, epoch: _epoch, ...event }) => {
      const { tenant: _tenant, ...own } = event as typeof event & { tenant: string };
      return own;
    });
}

const numbersOf = (events: readonly FeedEvent[]): number[] =>
  events.map(({ position }) => Number(position!.split('.')[1]));

test('the feed of all accounts has the feed of each, in its order, whatever the size of a page', async () => {
  await change();
  await distributed();
  for (const limit of [1_000, 7, 64]) {
    const events = await pages(keys.all, limit);
    const positions = numbersOf(events);
    expect(positions).toEqual(positions.map((_, at) => at + 1));
    for (const id of accounts) expect(ofAccount(events, id)).toEqual(await ownFeed(id));
  }
});

test('a key of a tenant reads the accounts of its tenant, at the same positions', async () => {
  const all = await pages(keys.all, 500);
  for (const tenant of ['default', 'acme', 'empty'] as const)
    expect(await pages(keys[tenant], 9)).toEqual(all.filter((event) => event.tenant === tenant));
  expect(new Set(all.map(({ tenant }) => tenant))).toEqual(new Set(['default', 'acme']));
});

test('a long poll is answered by a change of any account, and a reader without one goes on from the end', async () => {
  await distributed();
  const { next } = await page('after=latest');
  expect((await page(`after=${next}&wait=1s`, keys.empty)).next).toBe(next);
  const [read] = await Promise.all([page(`after=${next}&wait=25s`), change()]);
  expect(read.data.length).toBeGreaterThan(0);
  expect(numbersOf(read.data)[0]).toBe(Number(next.split('.')[1]) + 1);
  await distributed();
  const quiet = await page(`after=${next}`, keys.empty);
  expect(quiet).toEqual({ data: [], next: (await page('after=latest')).next });
});

test('streams that are cut at any byte, and pages, give the same sequence while changes go on', async () => {
  await distributed();
  const { next: begin } = await page('after=latest', keys.default);
  const over = new AbortController();
  const streamed = async (accept: string): Promise<FeedEvent[]> => {
    const events: FeedEvent[] = [];
    let lastEventId: string | null = begin;
    let cuts = 0;
    while (!over.signal.aborted) {
      const cutAfter = 200 + ((cuts++ * 997) % 2_503);
      const url = `${api.origin}/v1/changes`;
      lastEventId = await readCut(
        { url, key: keys.default, accept, lastEventId, cutAfter, signal: over.signal },
        (event) => void events.push(event),
      );
    }
    return events;
  };
  const polled = async (): Promise<FeedEvent[]> => {
    const events: FeedEvent[] = [];
    for (let after = begin; !over.signal.aborted;) {
      const read = await page(`after=${after}&limit=3&wait=1s`, keys.default);
      events.push(...read.data);
      after = read.next;
    }
    return events;
  };
  const reading = Promise.all([streamed(NDJSON), streamed(SSE), polled()]);
  for (let round = 0; round < 8; round++) await change();
  await distributed();
  const expected = await pages(keys.default, 500, begin);
  // Each reader has a second after the last event.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  over.abort();
  const [ndjson, sse, poll] = await reading;
  expect(expected.length).toBeGreaterThan(8);
  expect([ndjson, sse, poll]).toEqual([expected, expected, expected]);
}, 60_000);

test('idle streams share one statement a second, and only those whose tenant has an event read', async () => {
  await distributed();
  const { next } = await page('after=latest');
  const watched = jest.spyOn(api.apiStore.feedLog, 'ranges');
  const over = new AbortController();
  const taken: FeedEvent[] = [];
  const stream = {
    url: `${api.origin}/v1/changes?after=${next}`,
    key: keys.empty,
    accept: SSE,
    lastEventId: null,
    cutAfter: 1_000_000,
    signal: over.signal,
  };
  const idle = Array.from({ length: 20 }, () => readCut(stream, (event) => void taken.push(event)));
  while (watched.mock.calls.length < 21) await new Promise((resolve) => setTimeout(resolve, 20));
  watched.mockClear();
  await change();
  await distributed();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const calls = watched.mock.calls.map(([tenant]) => tenant);
  expect(calls.filter((tenant) => tenant !== null)).toEqual([]);
  expect(calls.length).toBeGreaterThan(0);
  over.abort();
  await Promise.all(idle);
  expect(taken).toEqual([]);
  watched.mockRestore();
});

test('a reader that comes behind the log reads at once', async () => {
  const { next } = await page('after=latest');
  await change();
  await distributed();
  const sentMs = Date.now();
  const read = await page(`after=${next}&wait=25s`);
  expect(read.data.length).toBeGreaterThan(0);
  expect(Date.now() - sentMs).toBeLessThan(1_000);
});

test('the last event of a removed account says so, after its removal began', async () => {
  await distributed();
  const { next } = await page('after=latest', keys.acme);
  const acme = (await world.store.accounts.list()).find(({ tenant }) => tenant === 'acme')!;
  const { seq, epoch } = await world.store.feed.position(acme.id);
  await removeAccount(world.rt, world, acme.id, () => undefined);
  accounts = accounts.filter((id) => id !== acme.id);
  await distributed();
  const events = await pages(keys.acme, 10, next);
  expect(events.at(-1)).toMatchObject({
    account: acme.id,
    tenant: 'acme',
    epoch,
    seq: Number(seq) + 2,
    entity: 'account',
    id: acme.id,
    op: 'deleted',
    origin: 'live',
  });
  expect(events.filter(({ op }) => op === 'deleted')).toHaveLength(1);
  // What was erased is not read again.
  expect((await pages(keys.acme, 500)).at(-1)).toEqual(events.at(-1));
});

test.each(['application/json', NDJSON, SSE])(
  '%s: a place of another epoch or beyond the end, and one that is not kept, are 410',
  async (accept) => {
    const problemOf = async (after: string): Promise<unknown[]> => {
      const headers = { Accept: accept };
      const sent = { key: keys.all, headers };
      const { status, json } = await api.send('GET', `/v1/changes?after=${after}`, sent);
      return [status, (json as { type: string }).type];
    };
    await distributed();
    const [epoch, end] = (await page('after=latest')).next.split('.').map(Number) as [
      number,
      number,
    ];
    const changed = [410, 'urn:syncline:problem:epoch-changed'];
    expect(await problemOf(`${epoch + 1}.1`)).toEqual(changed);
    expect(await problemOf(`${epoch}.${end + 1}`)).toEqual(changed);
    const { pool } = world.database;
    const kept = await pool.query('SELECT * FROM syncline.feed_log ORDER BY position');
    const later = `after=${epoch}.${kept.rows[2].position}&limit=500`;
    const before = await page(later);
    expect(before.data.length).toBeGreaterThan(0);
    await pool.query(
      "UPDATE syncline.feed_log SET at = now() - interval '31 days' WHERE position <= $1",
      [kept.rows[2].position],
    );
    const { retention } = world.store;
    expect(await retention.pruneLog('feed_log', { changesKeptMs: null, limit: 100 })).toBe(3);
    const pruned = [410, 'urn:syncline:problem:feed-pruned'];
    expect(await problemOf(`${epoch}.${Number(kept.rows[2].position) - 1}`)).toEqual(pruned);
    expect(await problemOf('0')).toEqual(pruned);
    expect((await page(later)).data).toEqual(before.data);
    for (const row of kept.rows.slice(0, 3))
      await pool.query(
        'INSERT INTO syncline.feed_log SELECT * FROM jsonb_populate_record(NULL::syncline.feed_log, $1)',
        [row],
      );
  },
);

test('events that are not kept although their range is are 410, and no gap', async () => {
  const { pool } = world.database;
  await distributed();
  await pool.query('UPDATE syncline.accounts SET feed_oldest_seq = 3 WHERE id = $1', [accounts[0]]);
  const sent = await api.send('GET', '/v1/changes?after=0', { key: keys.all });
  expect(sent).toMatchObject({ status: 410, json: { type: 'urn:syncline:problem:feed-pruned' } });
  await pool.query('UPDATE syncline.accounts SET feed_oldest_seq = 1');
});

test('another scheduler distributes what one left, and a lost move is found by the sweep', async () => {
  await distributing.stop();
  const { next } = await page('after=latest');
  await change();
  expect((await page(`after=${next}`)).data).toEqual([]);
  expect(await world.store.distribution.undistributedMs()).toBeGreaterThan(0);
  await world.database.pool.query('DELETE FROM syncline.feed_moves');
  expect(await world.store.distribution.sweep(1_000)).toBeGreaterThan(0);
  // Rounds of several schedulers at one moment.
  const rounds = await Promise.all(
    Array.from({ length: 4 }, () => world.store.distribution.round(2)),
  );
  expect(rounds.filter((round) => round !== null).length).toBeGreaterThan(0);
  distributing = distribute();
  await distributed();
  const events = await pages(keys.all, 1_000);
  for (const id of accounts) expect(ofAccount(events, id)).toEqual(await ownFeed(id));
});

test('a stream ends when a new epoch begins, and its place is refused', async () => {
  await distributed();
  const { next } = await page('after=latest');
  const signal = new AbortController().signal;
  const stream = { key: keys.all, accept: NDJSON, cutAfter: 1_000_000, signal };
  const url = `${api.origin}/v1/changes`;
  const taken: FeedEvent[] = [];
  const take = (event: FeedEvent): void => void taken.push(event);
  let reading: Promise<string | null> | undefined;
  await new Promise<void>((onOpen, fail) => {
    reading = readCut({ ...stream, url, lastEventId: next, onOpen }, take);
    reading.catch(fail);
  });
  await beginFeedEpoch(world);
  await change();
  expect(await reading).toBe(next);
  expect(taken).toEqual([]);
  await expect(readCut({ ...stream, url, lastEventId: next }, take)).rejects.toThrow(
    'epoch-changed',
  );
  await distributed();
  const events = await pages(keys.all, 500);
  expect(events.length).toBeGreaterThan(0);
  for (const id of accounts)
    expect(ofAccount(events, id)).toEqual(
      (await world.store.feed.changes(id, 0n, 1_000)).map((event) => ({
        ...event,
        epoch: undefined,
        seq: Number(event.seq),
        at: event.at.toISOString(),
      })),
    );
});
