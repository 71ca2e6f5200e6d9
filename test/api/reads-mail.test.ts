import type { ExportedMessage } from '@syncline/store';
import { encodeCursor } from '@syncline/contract';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { startWorld, type World } from '../support/world.js';

/* Mail over HTTP, from a mailbox that was mirrored from the simulator. */

let world: World;
let api: ApiWorld;
let key: string;
let account: string;
let exported: ExportedMessage[];

beforeAll(async () => {
  world = await startWorld({ seed: 1_503, accounts: 1, messagesPerAccount: 120 });
  await world.catchUp();
  api = await startApi({ on: world });
  key = await api.key();
  const [known] = await world.store.accounts.list();
  account = known!.id;
  exported = [];
  for await (const message of world.store.mirror.messages(account)) exported.push(message);
}, 120_000);
afterAll(async () => {
  await api.close();
  await world.close();
});

interface List {
  data: Message[];
  next: string | null;
  seq: number;
  epoch: number;
  freshness: { asOf: string | null; lagMs: number | null; phase: string; complete: boolean };
}

type Message = ExportedMessage & { resource: object | null };

async function list(path: string, status = 200): Promise<List> {
  const answer = await api.send('GET', `/v1/accounts/${account}/${path}`, { key });
  expect([path, answer.status]).toEqual([path, status]);
  return answer.json as List;
}

/** Follows `next` to the end. */
async function all(path: string): Promise<{ rows: Message[]; pages: number }> {
  const rows: Message[] = [];
  const separator = path.includes('?') ? '&' : '?';
  for (let cursor = '', pages = 1; ; pages++) {
    const page = await list(`${path}${cursor && `${separator}cursor=${cursor}`}`);
    rows.push(...page.data);
    if (page.next === null) return { rows, pages };
    expect(pages).toBeLessThan(1_000);
    cursor = page.next;
  }
}

const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1);
const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id).sort();
const newestFirst = (rows: readonly { internalDate: string | null }[]): boolean =>
  rows.every((row, i) => i === 0 || Number(rows[i - 1]!.internalDate) >= Number(row.internalDate));

test('the pages of a mailbox have each message once, newest first, as export gives it', async () => {
  const { rows, pages } = await all('messages?limit=7&include=text,html');
  expect(pages).toBe(Math.ceil(exported.length / 7));
  expect(newestFirst(rows)).toBe(true);
  const withoutResource = rows.map(({ resource, ...message }) => {
    expect(resource).toBeNull();
    return message;
  });
  expect(withoutResource.sort(byId)).toEqual(exported);
});

test('content is given only where it is asked for, and to keys that may have it', async () => {
  const { data } = await list('messages?limit=100');
  expect(data.filter(({ text, html, resource }) => text ?? html ?? resource)).toEqual([]);
  const one = exported.find(({ text }) => text !== null)!;
  const path = `/v1/accounts/${account}/messages/${one.id}`;
  const withText = await api.send('GET', `${path}?include=text`, { key });
  expect(withText.json).toEqual({ ...one, html: null, resource: null });
  const whole = await api.send('GET', `${path}?include=resource,html,text`, { key });
  expect(whole.json).toEqual({
    ...one,
    resource: expect.objectContaining({ payload: expect.anything() }),
  });
  const poor = await api.key({ scopes: ['mail:metadata'] });
  expect((await api.send('GET', path, { key: poor })).status).toBe(200);
  for (const refused of [`${path}?include=text`, `/v1/accounts/${account}/messages?include=html`])
    expect(await api.send('GET', refused, { key: poor })).toMatchObject({
      status: 403,
      json: { type: 'urn:syncline:problem:missing-scope', scope: 'mail:content' },
    });
  await list('messages?include=text&limit=101', 400);
  await list('messages?include=text,', 400);
});

test('filters select what they say, and combine', async () => {
  const unread = exported.filter(({ labelIds }) => labelIds.includes('UNREAD'));
  expect(unread.length).toBeGreaterThan(3);
  expect(ids((await all('messages?label=UNREAD&limit=3')).rows)).toEqual(ids(unread));
  const dates = exported.map(({ internalDate }) => Number(internalDate)).sort((a, b) => a - b);
  const [from, to] = [dates[20]!, dates[60]!];
  const inRange = (message: ExportedMessage): boolean =>
    Number(message.internalDate) >= from && Number(message.internalDate) < to;
  const range = `after=${new Date(from).toISOString()}&before=${new Date(to).toISOString()}`;
  expect(ids((await all(`messages?${range}&limit=9`)).rows)).toEqual(ids(exported.filter(inRange)));
  expect(ids((await all(`messages?${range}&label=UNREAD`)).rows)).toEqual(
    ids(unread.filter(inRange)),
  );
  const { threadId } = exported[0]!;
  expect(ids((await all(`messages?thread=${threadId}&limit=1`)).rows)).toEqual(
    ids(exported.filter((message) => message.threadId === threadId)),
  );
  expect((await list('messages?label=unknown')).data).toEqual([]);
  expect((await list('messages?thread=unknown')).data).toEqual([]);
});

test('addresses are found whole or by their domain, without case', async () => {
  const { rows } = await world.database.pool.query<{ id: string; address: string }>(
    `SELECT m.id, e->>'address' AS address FROM syncline.gmail_messages m, jsonb_array_elements(m.addresses->'from') e WHERE m.account_id = $1 AND e->>'address' IS NOT NULL`,
    [account],
  );
  const sought = rows[0]!.address;
  const domain = sought.slice(sought.indexOf('@'));
  const having = (test: (address: string) => boolean): string[] =>
    [...new Set(rows.filter(({ address }) => test(address)).map(({ id }) => id))].sort();
  const found = async (from: string): Promise<string[]> =>
    ids((await all(`messages?from=${encodeURIComponent(from)}`)).rows);
  expect(await found(sought.toUpperCase())).toEqual(having((address) => address === sought));
  expect(await found(domain.toUpperCase())).toEqual(having((address) => address.endsWith(domain)));
  expect(await found(domain.slice(2))).toEqual([]);
  const { email } = (await world.store.accounts.list())[0]!;
  const received = (await all(`messages?to=${encodeURIComponent(email)}`)).rows;
  expect(received.length).toBeGreaterThan(5);
  expect(received.filter(({ to }) => !to?.includes(email))).toEqual([]);
});

test('a cursor belongs to its list, its filters and its account, and a made-up one is refused', async () => {
  const { next } = await list('messages?label=UNREAD&limit=1');
  expect(next).not.toBeNull();
  await list(`messages?label=UNREAD&limit=9&cursor=${next}`);
  for (const path of ['messages?limit=1', 'messages?label=INBOX', 'threads?limit=1'])
    await list(`${path}${path.includes('?') ? '&' : '?'}cursor=${next}`, 400);
  const asked = { route: 'messages.list', params: { id: account }, query: {} };
  for (const position of [
    [],
    ['1'],
    ['x', 'y'],
    ['1', ''],
    ['1', 'a\0'],
    ['9'.repeat(16), 'a'],
    ['1', 'a', 'b'],
    ['-9999999999999999', 'a'],
  ])
    await list(`messages?cursor=${encodeCursor(asked, position)}`, 400);
  await list(`messages?cursor=${encodeCursor(asked, ['8640000000000000', 'a'])}`);
  await list(`messages?cursor=${encodeCursor(asked, ['', 'a'])}`);
});

test('threads are listed once each, in the order of their newest message', async () => {
  type Thread = { id: string; messageCount: number; lastMessageAt: string };
  const rows = (await all('threads?limit=4')).rows as unknown as Thread[];
  const threads = new Map<string, number[]>();
  for (const { threadId, internalDate } of exported)
    threads.set(threadId, [...(threads.get(threadId) ?? []), Number(internalDate)]);
  expect(ids(rows)).toEqual([...threads.keys()].sort());
  const dates = rows.map(({ lastMessageAt }) => Date.parse(lastMessageAt));
  expect(dates).toEqual(dates.toSorted((one, other) => other - one));
  for (const { id, messageCount, lastMessageAt } of rows) {
    const known = threads.get(id)!;
    expect([messageCount, Date.parse(lastMessageAt)]).toEqual([known.length, Math.max(...known)]);
  }
  const one = await api.send('GET', `/v1/accounts/${account}/threads/${rows[0]!.id}`, { key });
  expect(one.json).toEqual(rows[0]);
});

test('labels are those of the mirror', async () => {
  const { rows } = await all('labels?limit=3');
  const stored = await world.database.pool.query(
    'SELECT id, name, type, resource FROM syncline.gmail_labels WHERE account_id = $1',
    [account],
  );
  expect(rows.sort(byId)).toEqual(stored.rows.sort(byId));
  expect(rows.length).toBeGreaterThan(5);
});

test('a list says from where the feed goes on, and how fresh it is', async () => {
  const first = await list('messages?limit=3');
  const { epoch, seq } = await world.store.feed.position(account);
  expect([first.epoch, first.seq]).toEqual([epoch, Number(seq)]);
  expect(first.freshness).toMatchObject({ phase: 'incremental', complete: true });
  const collection = (await world.store.accounts.list())[0]!.collections.find(
    ({ kind }) => kind === 'gmail',
  )!;
  expect(first.freshness.asOf).toBe(collection.caughtUpAt!.toISOString());
  expect(first.freshness.lagMs).toBeGreaterThanOrEqual(0);
});

test('an unchanged account is not sent again, and a change is', async () => {
  const path = `/v1/accounts/${account}/messages?limit=2`;
  const { headers } = await api.send('GET', path, { key });
  const tag = headers.get('etag')!;
  const again = (query = ''): ReturnType<ApiWorld['send']> =>
    api.send('GET', `${path}${query}`, { key, headers: { 'If-None-Match': tag } });
  expect((await again()).status).toBe(304);
  expect((await again('&label=INBOX')).status).toBe(200);
  await world.database.pool.query(
    'UPDATE syncline.accounts SET feed_seq = feed_seq + 1 WHERE id = $1',
    [account],
  );
  expect((await again()).status).toBe(200);
});
