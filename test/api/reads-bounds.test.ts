import { startApi, type ApiWorld } from '../support/api-world.js';

/* The bounds of a request in a large mailbox, and messages without a date. */

let api: ApiWorld;
let key: string;
let account: string;

const MESSAGES = 25_000;
const UNDATED = 5;

beforeAll(async () => {
  api = await startApi();
  key = await api.key();
  account = await api.account({ email: 'ada@example.com', tenant: 'acme' });
  // Ten messages of each time, and the oldest and those without a date have a rare label.
  await api.database.pool.query(
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, resource)
     SELECT $1, 'm' || n, 't' || n, 1, CASE WHEN n <= 3 OR n > ${MESSAGES} THEN '{INBOX,RARE}'::text[] ELSE '{INBOX}' END,
            CASE WHEN n <= ${MESSAGES} THEN 'epoch'::timestamptz + (n / 10) * interval '1 s' END, '', '{}'
       FROM generate_series(1, ${MESSAGES + UNDATED}) AS n`,
    [account],
  );
  await api.database.pool.query('ANALYZE syncline.gmail_messages');
}, 120_000);
afterAll(() => api.close());

interface Page {
  data: { id: string }[];
  next: string | null;
}

async function pages(query: string): Promise<Page[]> {
  const read: Page[] = [];
  for (let cursor: string | null = null; read.length < 200;) {
    const more: string = cursor === null ? '' : `&cursor=${cursor}`;
    const path = `/v1/accounts/${account}/messages?${query}${more}`;
    const { status, json } = await api.send('GET', path, { key });
    expect(status).toBe(200);
    read.push(json as Page);
    cursor = (json as Page).next;
    if (cursor === null) return read;
  }
  throw new Error('the list has no end');
}

const idsOf = (read: readonly Page[]): string[] =>
  read.flatMap(({ data }) => data.map(({ id }) => id));

test('a request for a rare label reads a part of the mailbox, and its pages find every message', async () => {
  const read = await pages('label=RARE&limit=2');
  // 10,000 rows a request: two requests find nothing.
  expect(read.length).toBeGreaterThanOrEqual(4);
  expect(read[0]!.data).toEqual([]);
  expect(idsOf(read).slice(0, 3)).toEqual(['m3', 'm2', 'm1']);
  expect(idsOf(read).slice(3).sort()).toEqual(['m25001', 'm25002', 'm25003', 'm25004', 'm25005']);
});

test('messages of the same time, and those without one, are given once', async () => {
  const read = await pages('limit=499');
  const ids = idsOf(read);
  expect([ids.length, new Set(ids).size]).toEqual([MESSAGES + UNDATED, MESSAGES + UNDATED]);
  expect(read.slice(0, -1).every(({ data }) => data.length === 499)).toBe(true);
  expect(ids.slice(-UNDATED).every((id) => Number(id.slice(1)) > MESSAGES)).toBe(true);
});

test('a page with content ends before it is too large, and a large message is alone', async () => {
  await api.database.pool.query(
    `INSERT INTO syncline.gmail_bodies (account_id, message_id, text_plain, text_html)
     SELECT $1, 'm' || n, repeat('x', 3000000), CASE WHEN n = 4 THEN repeat('y', 6000000) END FROM generate_series(1, 9) AS n`,
    [account],
  );
  const read = await pages('before=1970-01-01T00:00:01Z&include=text,html');
  expect(read.map(({ data }) => data.length)).toEqual([2, 2, 1, 1, 2, 1]);
  expect(idsOf(read)).toEqual(['m9', 'm8', 'm7', 'm6', 'm5', 'm4', 'm3', 'm2', 'm1']);
});

test('rows and seq of a list are of one state of the database', async () => {
  const writing = new AbortController();
  const write = async (): Promise<void> => {
    while (!writing.signal.aborted)
      await api.database.pool.query(
        `WITH numbered AS (UPDATE syncline.accounts SET feed_seq = feed_seq + 1 WHERE id = $1 RETURNING id, feed_seq)
         UPDATE syncline.gmail_messages m SET snippet = n.feed_seq::text FROM numbered n WHERE m.account_id = n.id AND m.id IN ('m1', 'm2', 'm3')`,
        [account],
      );
  };
  const writer = write();
  const seen = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const path = `/v1/accounts/${account}/messages?before=1970-01-01T00:00:01Z`;
    const { json } = await api.send('GET', `${path}&thread=t${(i % 3) + 1}`, { key });
    const { data, seq } = json as { data: { snippet: string }[]; seq: number };
    expect(data.map(({ snippet }) => snippet)).toEqual([seq === 0 ? '' : String(seq)]);
    seen.add(seq);
  }
  writing.abort();
  await writer;
  expect(seen.size).toBeGreaterThan(10);
});

test('a filter by time leaves out messages without one', async () => {
  const ids = idsOf(await pages('before=1970-01-01T00:00:01Z&label=INBOX'));
  expect(ids.sort()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
});
