import { Redis } from 'ioredis';
import { NDJSON, readCut, SSE, type FeedEvent } from '../support/feed-reader.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { endProcess, lineOf, type Started } from '../support/processes.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * The laws of the feed with real processes that are killed: what was listed, with the events after
 * it, is the mirror; the feed of a tenant has the feed of each account. Readers are cut anywhere
 * and go on from their last event.
 */

const SCOPES = 'accounts:read,mail:metadata,feed:read';

let world: FleetWorld;
let redis: TestRedis;
let origin: string;
let key: string;
const running = {} as Record<'scheduler' | 'worker' | 'api', Started>;

beforeAll(async () => {
  redis = await startRedis();
  world = await startFleetWorld(
    {
      seed: 8_024,
      accounts: 2,
      messagesPerAccount: 40,
      calendarsPerAccount: 1,
      eventsPerCalendar: 5,
    },
    { url: redis.url },
  );
  const port = await freePort();
  world.env['PORT'] = String(port);
  origin = `http://127.0.0.1:${port}`;
  const made = await world.cli('keys', 'create', '--name', 'test', '--scopes', SCOPES, '--json');
  ({ key } = JSON.parse(made.stdout) as { key: string });
  await world.import(
    (await world.control.accounts()).map(({ email, refreshToken }) => ({ email, refreshToken })),
  );
  await Promise.all([start('api'), start('scheduler'), start('worker')]);
  await world.cli('wait', '--timeout', '60');
}, 120_000);
afterAll(async () => {
  await world.close();
  await redis.stop();
});

async function start(program: keyof typeof running): Promise<void> {
  running[program] = world.start(program);
  if (program === 'api') await lineOf(running.api, (line) => line.includes('"listening"'));
}

async function killAndRestart(program: keyof typeof running): Promise<void> {
  await endProcess(running[program], 'SIGKILL');
  await start(program);
}

/** Asks until the API is there. */
async function get<T>(path: string): Promise<T | null> {
  for (;;) {
    const answer = await fetch(`${origin}${path}`, {
      headers: { Authorization: `Bearer ${key}` },
    })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch(() => null);
    if (answer?.status === 404) return null;
    if (answer?.status === 200) return JSON.parse(answer.text) as T;
    if (answer !== null && answer.status < 500)
      throw new Error(`${path}: ${answer.status} ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Message {
  id: string;
  labelIds: string[];
}

interface MessagePage {
  data: Message[];
  next: string | null;
  seq: number;
  epoch: number;
}

/** All messages of an account, with the position of the first page. */
async function list(account: string): Promise<{ rows: Map<string, string>; at: string }> {
  const rows = new Map<string, string>();
  const path = `/v1/accounts/${account}/messages?limit=15`;
  const first = (await get<MessagePage>(path))!;
  for (let read: MessagePage | null = first; read !== null;) {
    for (const message of read.data) rows.set(message.id, wordsOf(message));
    read = read.next === null ? null : await get<MessagePage>(`${path}&cursor=${read.next}`);
  }
  return { rows, at: `${first.epoch}.${first.seq}` };
}

const wordsOfEvent = (event: FeedEvent): unknown[] => [
  event.seq,
  event.entity,
  event.id,
  event.op,
  event.origin,
];

const wordsOf = ({ labelIds }: Message): string => labelIds.join(' ');

/** Reads a stream until the test is over, through cuts and killed processes. */
async function streamTo(
  path: string,
  accept: string,
  from: string,
  over: AbortSignal,
  take: (event: FeedEvent) => Promise<void> | void,
): Promise<void> {
  let lastEventId: string | null = from;
  for (let cuts = 0; !over.aborted; cuts++) {
    const cutAfter = 150 + ((cuts * 997) % 2_503);
    const url = `${origin}${path}`;
    const before: string | null = lastEventId;
    lastEventId = await readCut({ url, key, accept, lastEventId, cutAfter, signal: over }, take);
    // The API may be away.
    if (lastEventId === before) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A copy of an account's messages: listed, then kept by the feed. */
async function copy(account: string, accept: string, over: AbortSignal) {
  const { rows, at } = await list(account);
  const seqs: number[] = [];
  const kept = streamTo(`/v1/accounts/${account}/changes`, accept, at, over, async (event) => {
    seqs.push(event.seq);
    if (event.entity !== 'message') return;
    const message =
      event.op === 'deleted'
        ? null
        : await get<Message>(`/v1/accounts/${account}/messages/${event.id}`);
    if (message === null) rows.delete(event.id);
    else rows.set(event.id, wordsOf(message));
  });
  return { rows, seqs, begin: Number(at.split('.')[1]), kept };
}

test('list and stream give the mirror, and the feed of a tenant that of each account, while the API, the scheduler and the worker are killed and Redis is emptied', async () => {
  const accounts = (await get<{ data: { id: string }[] }>('/v1/accounts'))!.data.map(
    ({ id }) => id,
  );
  const { next: begin } = (await get<{ next: string }>('/v1/changes?after=latest'))!;
  const over = new AbortController();
  const copies = await Promise.all(
    accounts.map((id, at) => copy(id, at % 2 === 0 ? SSE : NDJSON, over.signal)),
  );
  const ofTenant: Record<string, FeedEvent[]> = { [SSE]: [], [NDJSON]: [] };
  const tenants = [SSE, NDJSON].map((accept) =>
    streamTo('/v1/changes', accept, begin, over.signal, (event) => {
      ofTenant[accept]!.push(event);
    }),
  );
  const kills: (() => Promise<unknown>)[] = [
    () => killAndRestart('api'),
    () => killAndRestart('scheduler'),
    async () => {
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    },
    () => killAndRestart('worker'),
    () => killAndRestart('api'),
  ];
  for (const kill of kills) {
    await world.control.act(25);
    await kill();
    await world.control.act(25);
  }
  expect((await world.cli('wait', '--timeout', '60')).code).toBe(0);
  await world.untilRows(
    'SELECT count(*)::int AS n FROM syncline.accounts a LEFT JOIN syncline.feed_heads h ON h.account_id = a.id WHERE a.feed_seq > coalesce(h.distributed_seq, 0)',
    [{ n: 0 }],
  );
  const ends = await world.rows<{ id: string; seq: number }>(
    'SELECT id, feed_seq::int AS seq FROM syncline.accounts',
  );
  const endOf = (id: string): number => ends.find((row) => row.id === id)!.seq;
  const position = (await get<{ next: string }>('/v1/changes?after=latest'))!.next;
  while (
    accounts.some((id, at) => copies[at]!.seqs.at(-1) !== endOf(id)) ||
    Object.values(ofTenant).some((events) => events.at(-1)?.position !== position)
  )
    await new Promise((resolve) => setTimeout(resolve, 50));
  over.abort();
  await Promise.all([...copies.map(({ kept }) => kept), ...tenants]);
  for (const [at, id] of accounts.entries()) {
    const { rows, seqs, begin: after } = copies[at]!;
    expect(seqs).toEqual(Array.from({ length: endOf(id) - after }, (_, n) => after + n + 1));
    expect(seqs.length).toBeGreaterThan(20);
    expect([...rows].sort()).toEqual([...(await list(id)).rows].sort());
    const own = (await get<{ data: FeedEvent[] }>(
      `/v1/accounts/${id}/changes?after=${after}&epoch=${begin.split('.')[0]}&limit=1000`,
    ))!.data;
    for (const events of Object.values(ofTenant))
      expect(
        events.filter(({ account, seq }) => account === id && seq > after).map(wordsOfEvent),
      ).toEqual(own.map(wordsOfEvent));
  }
  expect(ofTenant[SSE]).toEqual(ofTenant[NDJSON]);
}, 180_000);
