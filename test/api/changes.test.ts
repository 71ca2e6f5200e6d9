import { once } from 'node:events';
import { connect } from 'node:net';
import { beginFeedEpoch } from '@syncline/control/feed';
import { startApi, type ApiWorld, type ApiWorldOptions } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* The change feed of an account over HTTP: pages, long polls and streams of a mirror that changes. */

const NDJSON = 'application/x-ndjson';
const SSE = 'text/event-stream';
const FORMS = [NDJSON, SSE];

interface Change {
  seq: number;
  entity: string;
  id: string;
  calendarId: string | null;
  op: 'created' | 'updated' | 'deleted';
  origin: 'live' | 'full_sync' | 'repair';
}

interface Page {
  data: Change[];
  next: number;
  epoch: number;
  oldestSeq: number;
}

let world: World;
let api: ApiWorld;
let key: string;
let id: string;
let path: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 8_021,
    accounts: 1,
    messagesPerAccount: 30,
    calendarsPerAccount: 1,
    eventsPerCalendar: 8,
  });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key({ scopes: ['feed:read'] });
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.accounts',
  );
  id = rows[0]!.id;
  path = `/v1/accounts/${id}/changes`;
});
afterAll(async () => {
  await api.close();
  await world.close();
});

async function page(query: string): Promise<Page> {
  const { status, json, text } = await api.send('GET', `${path}?${query}`, { key });
  expect([status, status === 200 ? '' : text]).toEqual([200, '']);
  return json as Page;
}

async function end(): Promise<{ seq: number; epoch: number }> {
  const { seq, epoch } = await world.store.feed.position(id);
  return { seq: Number(seq), epoch };
}

/** Lets the simulated person act until the mirror has changed. */
async function change(): Promise<void> {
  const before = (await end()).seq;
  while ((await end()).seq === before) {
    await world.control.act(3);
    await world.catchUp();
  }
}

/** An open stream: its events as they come. */
interface Reading {
  response: Response;
  /** The next part: a line, or an event of the server. */
  next(): Promise<string | null>;
  close(): void;
}

async function open(
  accept: string,
  query: string,
  o: { on?: ApiWorld; key?: string; lastEventId?: string } = {},
): Promise<Reading> {
  const closing = new AbortController();
  const response = await fetch(`${(o.on ?? api).origin}${path}?${query}`, {
    headers: {
      Accept: accept,
      Authorization: `Bearer ${o.key ?? key}`,
      ...(o.lastEventId === undefined ? {} : { 'Last-Event-ID': o.lastEventId }),
    },
    signal: closing.signal,
  });
  const separator = accept === SSE ? '\n\n' : '\n';
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    response,
    async next() {
      for (;;) {
        const at = text.indexOf(separator);
        if (at >= 0) {
          const part = text.slice(0, at);
          text = text.slice(at + separator.length);
          return part;
        }
        const { value, done } = await reader.read();
        if (done) return null;
        text += value;
      }
    },
    close: () => closing.abort(),
  };
}

/** The event of a part, with the id under which a reader continues; null for a heartbeat. */
function eventOf(part: string): { change: Change; lastEventId: string } | null {
  if (!part.startsWith('id: ')) {
    if (!part.startsWith('{')) return null;
    const line = JSON.parse(part) as Change & { epoch: number; heartbeat?: true };
    return line.heartbeat ? null : { change: line, lastEventId: `${line.epoch}.${line.seq}` };
  }
  const [idLine, name, data] = part.split('\n');
  expect(name).toBe('event: change');
  return {
    change: JSON.parse(String(data).slice('data: '.length)) as Change,
    lastEventId: String(idLine).slice('id: '.length),
  };
}

async function untilStreams(count: number, within: ApiWorld = api): Promise<void> {
  for (;;) {
    const { values } = await within.rt.metrics.apiStreams.get();
    if (values[0]?.value === count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

test('the feed from 0, in pages, folds to the mirror', async () => {
  await change();
  const rows = new Set<string>();
  const seqs: number[] = [];
  let read = await page('after=0&limit=7');
  expect(read).toMatchObject({ epoch: 1, oldestSeq: 1 });
  while (read.data.length > 0) {
    for (const { seq, entity, calendarId, id: of, op } of read.data) {
      seqs.push(seq);
      const row = `${entity} ${calendarId ?? ''} ${of}`;
      expect([row, op, rows.has(row)]).toEqual([row, op, op !== 'created']);
      if (op === 'deleted') rows.delete(row);
      else rows.add(row);
    }
    expect(read.next).toBe(seqs.at(-1));
    read = await page(`after=${read.next}&epoch=${read.epoch}&limit=7`);
  }
  expect(seqs).toEqual(numbers(1, (await end()).seq));
  const { rows: mirror } = await world.database.pool.query<{ row: string }>(
    `SELECT 'message  ' || id AS row FROM syncline.gmail_messages UNION ALL SELECT 'label  ' || id FROM syncline.gmail_labels
     UNION ALL SELECT 'calendar  ' || id FROM syncline.calendars UNION ALL SELECT 'event ' || calendar_id || ' ' || id FROM syncline.calendar_events
     UNION ALL SELECT 'account  ' || id FROM syncline.accounts UNION ALL SELECT 'collection  ' || id FROM syncline.collections WHERE state = 'active'`,
  );
  expect([...rows].sort()).toEqual(mirror.map(({ row }) => row).sort());
});

test('events of a full sync have that origin, and those of incremental syncs are live', async () => {
  const begin = await end();
  const before = await page(`after=0&limit=${begin.seq}`);
  await change();
  const { data } = await page(`after=${begin.seq}&epoch=${begin.epoch}&limit=1000`);
  expect(new Set(data.map(({ origin }) => origin))).toEqual(new Set(['live']));
  expect(
    before.data.filter(({ entity, op }) => entity === 'message' && op === 'created')[0],
  ).toMatchObject({
    origin: 'full_sync',
  });
  const since = await end();
  await world.database.pool.query('DELETE FROM syncline.calendar_events WHERE account_id = $1', [
    id,
  ]);
  await world.store.schedule.requestSync(null, { full: true });
  await world.catchUp();
  const again = await page(`after=${since.seq}&epoch=${since.epoch}&limit=1000`);
  expect(new Set(again.data.map(({ entity, origin }) => `${entity} ${origin}`))).toEqual(
    new Set(['collection live', 'event full_sync']),
  );
});

test('a long poll is answered by a change that is committed meanwhile', async () => {
  const { seq, epoch } = await end();
  const [read] = await Promise.all([page(`after=${seq}&epoch=${epoch}&wait=25s`), change()]);
  expect(read.data[0]?.seq).toBe(seq + 1);
  expect(read.next).toBe(read.data.at(-1)?.seq);
});

test('a long poll without a change is answered at its deadline, with the same position', async () => {
  const { seq, epoch } = await end();
  const sentMs = Date.now();
  const read = await page(`after=${seq}&epoch=${epoch}&wait=1s`);
  expect(read).toEqual({ data: [], next: seq, epoch, oldestSeq: 1 });
  expect(Date.now() - sentMs).toBeGreaterThanOrEqual(990);
});

test.each(FORMS)(
  '%s: readers that reconnect while changes go on get each event once, in order',
  async (accept) => {
    const begin = await end();
    const progress = { isOver: false };
    const changing = (async () => {
      for (let round = 0; round < 12; round++) await change();
      progress.isOver = true;
    })();
    const seqs: number[] = [];
    let connections = 0;
    let lastEventId = `${begin.epoch}.${begin.seq}`;
    while (!progress.isOver || seqs.length < (await end()).seq - begin.seq) {
      // The address is that of the first connection, as EventSource repeats it.
      const reading = await open(accept, 'after=0', { lastEventId });
      connections += 1;
      for (let left = 4; left > 0;) {
        const got = eventOf(String(await reading.next()));
        if (got === null) continue;
        seqs.push(got.change.seq);
        ({ lastEventId } = got);
        left -= progress.isOver && seqs.length >= (await end()).seq - begin.seq ? left : 1;
      }
      reading.close();
    }
    await changing;
    expect(seqs).toEqual(numbers(begin.seq + 1, (await end()).seq));
    expect(connections).toBeGreaterThan(2);
    await untilStreams(0);
  },
);

test('a stream has the headers that keep proxies from holding it back', async () => {
  for (const accept of FORMS) {
    const { response, close } = await open(accept, 'after=0');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': expect.stringContaining(accept),
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(response.headers.get('etag')).toBeNull();
    close();
  }
  const head = await api.send('HEAD', path, { key, headers: { Accept: SSE } });
  expect([head.status, head.text]).toEqual([200, '']);
  expect(head.headers.get('content-type')).toContain(SSE);
  await untilStreams(0);
});

test('a stream without events shows that it lives, and where it is', async () => {
  const { seq, epoch } = await end();
  const readings = await Promise.all(
    FORMS.map((accept) => open(accept, `after=${seq}&epoch=${epoch}`)),
  );
  const [line, comment] = await Promise.all(readings.map((reading) => reading.next()));
  expect(JSON.parse(String(line))).toEqual({ heartbeat: true, epoch, seq });
  expect(comment).toBe(': heartbeat');
  for (const { close } of readings) close();
});

test('a long poll ends when its client has gone', async () => {
  const { seq, epoch } = await end();
  const watched = jest.spyOn(api.apiStore.feed, 'moved');
  const leaving = new AbortController();
  const waiting = fetch(`${api.origin}${path}?after=${seq}&epoch=${epoch}&wait=25s`, {
    headers: { Authorization: `Bearer ${key}` },
    signal: leaving.signal,
  });
  const isAnswered = waiting.then(
    () => true,
    () => false,
  );
  while (watched.mock.calls.length < 1) await new Promise((resolve) => setTimeout(resolve, 20));
  leaving.abort();
  expect(await isAnswered).toBe(false);
  // Longer than one poll, which may be under way when the connection closes.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const calls = watched.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(watched.mock.calls.length).toBe(calls);
  watched.mockRestore();
});

test('a position without an epoch, and an id that is none, are mistakes', async () => {
  const noEpoch = await api.send('GET', `${path}?after=1`, { key });
  expect(noEpoch).toMatchObject({
    status: 400,
    json: { errors: [{ in: 'query', path: 'epoch', message: 'is needed with after' }] },
  });
  for (const lastEventId of ['', '1', '1.x', '1.2.3', '-1.2']) {
    const headers = { Accept: SSE, 'Last-Event-ID': lastEventId };
    const { status, json } = await api.send('GET', path, { key, headers });
    expect([lastEventId, status]).toEqual([lastEventId, 400]);
    expect(json).toMatchObject({ errors: [{ in: 'header', path: 'Last-Event-ID' }] });
  }
});

test.each(['application/json', ...FORMS])(
  '%s: another epoch, a number beyond the end, and events that are not kept are 410',
  async (accept) => {
    const { seq, epoch } = await end();
    const problemOf = async (query: string): Promise<unknown[]> => {
      const sent = { key, headers: { Accept: accept } };
      const { status, json } = await api.send('GET', `${path}?${query}`, sent);
      return [status, (json as { type: string }).type];
    };
    const changed = [410, 'urn:syncline:problem:epoch-changed'];
    expect(await problemOf(`after=3&epoch=${epoch + 1}`)).toEqual(changed);
    expect(await problemOf(`after=${seq + 1}&epoch=${epoch}&wait=25s`)).toEqual(changed);
    const prune = (oldest: number): Promise<unknown> =>
      world.database.pool.query('UPDATE syncline.accounts SET feed_oldest_seq = $1', [oldest]);
    await prune(5);
    const pruned = [410, 'urn:syncline:problem:feed-pruned'];
    expect(await problemOf(`after=3&epoch=${epoch}`)).toEqual(pruned);
    expect(await problemOf('after=0')).toEqual(pruned);
    expect((await page(`after=4&epoch=${epoch}&limit=1`)).data[0]?.seq).toBe(5);
    await prune(1);
  },
);

test.each(FORMS)('%s: a stream needs the scope, and the tenant of the account', async (accept) => {
  const headers = { Accept: accept };
  const poor = await api.key({ scopes: ['accounts:read', 'mail:content'] });
  expect(await api.send('GET', path, { key: poor, headers })).toMatchObject({ status: 403 });
  const other = await api.key({ tenant: 'globex' });
  expect(await api.send('GET', path, { key: other, headers })).toMatchObject({ status: 404 });
  const own = await open(accept, '', { key: await api.key({ tenant: 'default' }) });
  expect(own.response.status).toBe(200);
  own.close();
});

test('a stream ends when its key is revoked', async () => {
  const revoked = await api.key();
  const { seq, epoch } = await end();
  const reading = await open(SSE, `after=${seq}&epoch=${epoch}`, { key: revoked });
  await api.store.apiKeys.revoke(revoked.slice(5, 15));
  expect(await reading.next()).toBe('retry: 1000');
  expect(await reading.next()).toBeNull();
});

test('a key, and a process, have a bound on open streams', async () => {
  const options: ApiWorldOptions = { on: world, streamLimits: { perKey: 1, perProcess: 2 } };
  const bounded = await startApi(options);
  const refused = async (of: string): Promise<void> =>
    expect(await bounded.send('GET', path, { key: of, headers: { Accept: SSE } })).toMatchObject({
      status: 429,
      json: { type: 'urn:syncline:problem:too-many-streams' },
    });
  const others = [await api.key(), await api.key()];
  const first = await open(SSE, '', { on: bounded });
  await refused(key);
  const second = await open(NDJSON, '', { on: bounded, key: others[0]! });
  await refused(others[1]!);
  expect((await bounded.send('GET', path, { key })).status).toBe(200);
  first.close();
  await untilStreams(1, bounded);
  const third = await open(SSE, '', { on: bounded });
  expect(third.response.status).toBe(200);
  second.close();
  third.close();
  await bounded.close();
});

test('streams end after their lifetime, and at a drain', async () => {
  const { seq, epoch } = await end();
  const query = `after=${seq}&epoch=${epoch}`;
  const short = await startApi({ on: world, streamLimits: { lifetimeMs: 100 } });
  const reading = await open(SSE, query, { on: short });
  expect([await reading.next(), await reading.next()]).toEqual(['retry: 1000', null]);
  await short.close();
  const draining = new AbortController();
  const rt = { ...world.rt, signal: draining.signal };
  const drained = await startApi({ on: { ...world, rt } });
  const [sse, ndjson] = [
    await open(SSE, query, { on: drained }),
    await open(NDJSON, query, { on: drained }),
  ];
  const begunMs = Date.now();
  draining.abort(new Error('draining'));
  expect([await sse.next(), await sse.next(), await ndjson.next()]).toEqual([
    'retry: 1000',
    null,
    null,
  ]);
  await drained.close();
  expect(Date.now() - begunMs).toBeLessThan(8_000);
});

test('a reader that takes nothing is closed', async () => {
  const { seq } = await end();
  // 20 MB, more than the kernel holds for a connection.
  const LONG_FEED = 100_000;
  await world.database.pool.query(
    `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op) SELECT $1, $2 + n, 'message', 'm' || n, 'updated' FROM generate_series(1, $3::int) AS n`,
    [id, seq, LONG_FEED],
  );
  await world.database.pool.query('UPDATE syncline.accounts SET feed_seq = $1', [seq + LONG_FEED]);
  const impatient = await startApi({ on: world, streamLimits: { unreadMs: 300 } });
  const socket = connect(impatient.port, '127.0.0.1');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: ${SSE}\r\nAuthorization: Bearer ${key}\r\n\r\n`,
  );
  socket.on('error', () => undefined);
  await once(socket, 'readable');
  await untilStreams(1, impatient);
  await untilStreams(0, impatient);
  socket.destroy();
  // A reader that takes what comes gets all of it.
  const reading = await open(NDJSON, '', { on: impatient });
  let last = 0;
  while (last < seq + LONG_FEED) last = eventOf(String(await reading.next()))?.change.seq ?? last;
  expect(last).toBe(seq + LONG_FEED);
  reading.close();
  await impatient.close();
});

test('a stream ends when a new epoch begins, and the next request with its position is answered with epoch-changed', async () => {
  const { seq, epoch } = await end();
  const reading = await open(SSE, `after=${seq}&epoch=${epoch}`);
  await beginFeedEpoch(world);
  expect([await reading.next(), await reading.next()]).toEqual(['retry: 1000', null]);
  const headers = { Accept: SSE, 'Last-Event-ID': `${epoch}.${seq}` };
  expect(await api.send('GET', path, { key, headers })).toMatchObject({
    status: 410,
    json: { type: 'urn:syncline:problem:epoch-changed' },
  });
  expect(await page('after=0')).toMatchObject({ data: [], next: seq, epoch: (await end()).epoch });
});
