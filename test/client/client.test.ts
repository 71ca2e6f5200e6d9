import {
  createClient,
  SynclineProblem,
  SynclineUnreachable,
  type Client,
  type FeedEvent,
  type TenantChange,
} from '@syncline/client';
import { beginFeedEpoch } from '@syncline/control/feed';
import { runFeedDistributor } from '../../apps/scheduler/src/feed-distributor.js';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* The client against the API: lists, problems, repeated requests, and feeds that are cut. */

let world: World;
let api: ApiWorld;
let key: string;
let client: Client;
let id: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 8_031,
    accounts: 1,
    messagesPerAccount: 30,
    calendarsPerAccount: 2,
    eventsPerCalendar: 6,
  });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key();
  client = createClient({ url: api.origin, key });
  const { data } = await client.accounts.list();
  id = data[0]!.id;
});
afterAll(async () => {
  await api.close();
  await world.close();
});

async function rowsOf(table: string): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    `SELECT id FROM syncline.${table} ORDER BY id COLLATE "C"`,
  );
  return rows.map((row) => row.id);
}

/** Lets the simulated person act until the mirror has changed. */
async function change(): Promise<void> {
  const seq = async (): Promise<bigint> => (await world.store.feed.position(id)).seq;
  const before = await seq();
  while ((await seq()) === before) {
    await world.control.act(3);
    await world.catchUp();
  }
}

/** A client whose requests pass through `bend`, as through something between it and the API. */
function through(bend: (request: Request, send: () => Promise<Response>) => Promise<Response>) {
  const passing: typeof fetch = (input, init) =>
    bend(input as Request, () => fetch(input as Request, init));
  return createClient({ url: api.origin, key, fetch: passing });
}

test('a list, awaited, is its first page, and iterated it is every row once', async () => {
  const list = client.messages.list(id, { limit: 7 });
  const first = await list;
  expect(first).toMatchObject({ seq: expect.any(Number), freshness: { complete: true } });
  expect(first.data).toHaveLength(7);
  const ids: string[] = [];
  for await (const message of list) ids.push(message.id);
  expect(ids.slice(0, 7)).toEqual(first.data.map((message) => message.id));
  expect(ids.toSorted()).toEqual(await rowsOf('gmail_messages'));
  let pages = 0;
  for await (const page of client.threads.list(id, { limit: 2 }).pages())
    pages += page.data.length > 0 ? 1 : 0;
  expect(pages).toBeGreaterThan(1);
});

test('a method takes the parameters of the path, and one object for query and body', async () => {
  const [message] = (await client.messages.list(id, { limit: 1 })).data;
  const got = await client.messages.get(id, message!.id, { include: 'text' });
  expect(got).toMatchObject({ id: message!.id, text: expect.any(String) });
  const requested = await client.accounts.sync(id, { resources: ['gmail'], wait: '0s' });
  expect(requested).toMatchObject({ caughtUp: false });
  expect(await client.accounts.update(id, { paused: false })).toMatchObject({ state: 'active' });
  const events: string[] = [];
  for await (const { event } of client.events.list(id, 'primary')) events.push(String(event['id']));
  expect(events.length).toBeGreaterThan(0);
  await expect(client.messages.get(id, '..')).rejects.toThrow('messageId');
});

test('requests by path are typed by the document too', async () => {
  const { data, response } = await client.http.GET('/v1/accounts/{id}', {
    params: { path: { id } },
  });
  expect([response.status, data?.id]).toEqual([200, id]);
});

test('a problem is thrown with its type, its mistakes and the id of the request', async () => {
  const problem = await client.messages.list(id, { limit: 0 }).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(SynclineProblem);
  expect(problem).toMatchObject({
    type: 'urn:syncline:problem:invalid-request',
    status: 400,
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    errors: [{ in: 'query', path: 'limit' }],
  });
  const poor = createClient({ url: api.origin, key: await api.key({ scopes: ['feed:read'] }) });
  await expect(poor.labels.list(id)).rejects.toMatchObject({
    type: 'urn:syncline:problem:missing-scope',
    scope: 'mail:metadata',
  });
  await expect(client.accounts.get(crypto.randomUUID())).rejects.toMatchObject({ status: 404 });
});

test('a request that was not answered, or not by the API, is sent again', async () => {
  const failures = [
    () => Promise.reject(new TypeError('fetch failed')),
    () => Promise.resolve(new Response('<html>', { status: 502 })),
    () => Promise.resolve(new Response(null, { status: 503, headers: { 'Retry-After': '0' } })),
  ];
  const flaky = through((_request, send) => (failures.shift() ?? send)());
  expect(await flaky.accounts.get(id)).toMatchObject({ id });
  expect(failures).toEqual([]);
  const page = through(() => Promise.resolve(new Response('<html>', { status: 404 })));
  await expect(page.accounts.get(id)).rejects.toMatchObject({
    name: 'SynclineUnreachable',
    status: 404,
  });
  const none = createClient({ url: 'http://127.0.0.1:9', key, maxRetries: 0 });
  await expect(none.accounts.get(id)).rejects.toBeInstanceOf(SynclineUnreachable);
});

test('a POST whose answer was lost has its effect once', async () => {
  const keys: (string | null)[] = [];
  const losing = through(async (request, send) => {
    keys.push(request.headers.get('Idempotency-Key'));
    const answer = await send();
    if (keys.length > 1) return answer;
    await answer.arrayBuffer();
    throw new TypeError('the connection was closed');
  });
  const operation = await losing.verifications.create(id, { resources: ['gmail'] });
  expect(keys).toEqual([keys[0], keys[0]]);
  const { data } = await client.verifications.list(id);
  expect(data.map((one) => one.id)).toEqual([operation.id]);
});

test('a call ends with its signal', async () => {
  const leaving = new AbortController();
  const asked = client.changes.list(
    id,
    { ...(await end()), wait: '25s' },
    { signal: leaving.signal },
  );
  leaving.abort(new Error('leaving'));
  await expect(asked).rejects.toThrow('leaving');
});

async function end(): Promise<{ after: number; epoch: number }> {
  const { seq, epoch } = await world.store.feed.position(id);
  return { after: Number(seq), epoch };
}

/** Reads a feed through something that is cut, while the mirror changes. */
async function readWhileChanging(reader: Client, rounds: number): Promise<FeedEvent[]> {
  const begin = await end();
  const over = new AbortController();
  const progress = { isOver: false };
  const changing = (async () => {
    for (let round = 0; round < rounds; round++) await change();
    progress.isOver = true;
  })();
  const events: FeedEvent[] = [];
  const reading = (async () => {
    for await (const event of reader.follow(id, { ...begin, signal: over.signal }))
      events.push(event);
  })();
  await changing;
  while (events.length < (await end()).after - begin.after)
    await new Promise((resolve) => setTimeout(resolve, 20));
  over.abort();
  await reading;
  const { after } = await end();
  expect(events.map((event) => event.seq)).toEqual(
    Array.from({ length: after - begin.after }, (_, at) => begin.after + 1 + at),
  );
  return events;
}

/** Cuts a stream after some bytes, between or within its lines. */
function cutStream(answer: Response, onStream: () => void): Response {
  if (!/ndjson/.test(answer.headers.get('content-type') ?? '')) return answer;
  onStream();
  let left = 150 + Math.floor(Math.random() * 900);
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, Math.max(0, left)));
      left -= chunk.length;
      if (left <= 0) controller.error(new Error('cut'));
    },
  });
  return new Response(answer.body!.pipeThrough(cut), answer);
}

test('a feed is given once and in order over streams that are cut anywhere', async () => {
  let streams = 0;
  const cutting = through(async (_request, send) => cutStream(await send(), () => (streams += 1)));
  await readWhileChanging(cutting, 8);
  expect(streams).toBeGreaterThan(2);
});

test('the feeds of all accounts are given in one order over streams that are cut anywhere', async () => {
  const draining = new AbortController();
  const distributing = runFeedDistributor(
    { ...world.rt, signal: draining.signal },
    { store: world.store, hints: api.hints },
  );
  const behind =
    'SELECT FROM syncline.accounts a LEFT JOIN syncline.feed_heads h ON h.account_id = a.id WHERE a.feed_seq > coalesce(h.distributed_seq, 0)';
  while ((await world.database.pool.query(behind)).rowCount !== 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const begin = await end();
  const over = new AbortController();
  const cutting = through(async (_request, send) => cutStream(await send(), () => undefined));
  const events: TenantChange[] = [];
  const { next } = await client.changes.all({ after: 'latest' });
  const reading = (async () => {
    for await (const event of cutting.followAll({ after: next, signal: over.signal }))
      events.push(event);
  })();
  for (let round = 0; round < 6; round++) await change();
  while (events.length < (await end()).after - begin.after)
    await new Promise((resolve) => setTimeout(resolve, 20));
  over.abort();
  draining.abort(new Error('draining'));
  await Promise.all([reading, distributing]);
  expect(events.map(({ account, seq }) => [account, seq])).toEqual(
    Array.from({ length: (await end()).after - begin.after }, (_, at) => [
      id,
      begin.after + 1 + at,
    ]),
  );
});

test('a feed is read by long polls where streams bring nothing', async () => {
  const asked: string[] = [];
  const buffering = through((request, send) => {
    asked.push(request.headers.get('Accept') ?? 'page');
    return /ndjson/.test(request.headers.get('Accept') ?? '')
      ? Promise.resolve(new Response(''))
      : send();
  });
  await readWhileChanging(buffering, 2);
  expect(asked.filter((accept) => /ndjson/.test(accept))).toHaveLength(2);
});

test('a position that cannot be continued is a problem with status 410', async () => {
  const { after, epoch } = await end();
  const read = async (from: { after: number; epoch: number }): Promise<void> => {
    for await (const event of client.follow(id, from)) throw new Error(`an event: ${event.seq}`);
  };
  await expect(read({ after, epoch: epoch + 1 })).rejects.toMatchObject({
    type: 'urn:syncline:problem:epoch-changed',
  });
  await expect(read({ after: after + 9, epoch })).rejects.toMatchObject({ status: 410 });
});

test('rows that are listed, and the changes after them, are the mirror, also over a new epoch', async () => {
  const rows = new Set<string>();
  const reasons: string[] = [];
  const over = new AbortController();
  const state = { listed: 0, seq: 0 };
  const mirroring = (async () => {
    for await (const item of client.bootstrap(id, { signal: over.signal })) {
      if (item.kind === 'begin') {
        rows.clear();
        reasons.push(item.reason);
      } else if (item.kind === 'row') rows.add(`${item.entity} ${rowId(item.row)}`);
      else if (item.kind === 'listed') {
        state.listed += 1;
        state.seq = item.seq;
      } else {
        const { entity, calendarId, id: of, op, seq } = item.change;
        const row = `${entity} ${calendarId === null ? '' : `${calendarId} `}${of}`;
        if (op === 'deleted') rows.delete(row);
        else if (!['account', 'collection'].includes(entity)) rows.add(row);
        state.seq = seq;
      }
    }
  })();
  const caughtUp = async (): Promise<void> => {
    const { after } = await end();
    while (state.seq < after) await new Promise((resolve) => setTimeout(resolve, 20));
    const { rows: mirror } = await world.database.pool.query<{ row: string }>(
      `SELECT 'message ' || id AS row FROM syncline.gmail_messages UNION ALL SELECT 'label ' || id FROM syncline.gmail_labels
       UNION ALL SELECT 'calendar ' || id FROM syncline.calendars UNION ALL SELECT 'event ' || calendar_id || ' ' || id FROM syncline.calendar_events`,
    );
    expect([...rows].sort()).toEqual(mirror.map(({ row }) => row).sort());
  };
  for (let round = 0; round < 4; round++) await change();
  await caughtUp();
  await beginFeedEpoch(world);
  while (state.listed < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  await change();
  await caughtUp();
  over.abort();
  await mirroring;
  expect(reasons).toEqual(['first', 'epoch-changed']);
});

function rowId(row: object): string {
  const {
    id: own,
    calendarId,
    event,
  } = row as {
    id?: string;
    calendarId?: string;
    event?: { id: string };
  };
  return event === undefined ? String(own) : `${calendarId} ${event.id}`;
}
