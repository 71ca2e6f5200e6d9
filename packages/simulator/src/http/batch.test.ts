import { batchOf, Client, readBatch } from '../../test-support/client.js';
import { startSimulator, type Simulator } from '../simulator.js';
import { inPieces } from './batch.js';

let simulator: Simulator;
let client: Client;
let ids: string[];

beforeAll(async () => {
  simulator = await startSimulator({ accounts: 2, messagesPerAccount: 120, quota: { scale: 10 } });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  ids = (
    await client.get('/gmail/v1/users/me/messages?maxResults=500&includeSpamTrash=true')
  ).json.messages.map((message: { id: string }) => message.id);
});
afterAll(() => simulator.close());

const path = (id: string): string => `/gmail/v1/users/me/messages/${id}?format=minimal`;

test('responses are complete, in another order, with response- before the id', async () => {
  const answer = await client.batch(
    batchOf(ids.slice(0, 20).map(path)),
    'multipart/mixed; boundary=frontier',
  );
  const parts = readBatch(answer);
  expect([answer.status, parts.length]).toEqual([200, 20]);
  expect(parts.map((part) => part.contentId)).not.toEqual(
    parts.map((_, index) => `<response-part-${index}>`),
  );
  for (const part of parts) {
    const index = Number(/^<response-part-(\d+)>$/.exec(part.contentId ?? '')?.[1]);
    expect([part.status, part.json.id]).toEqual([200, ids[index]]);
    expect(part.headers).toContain('Content-Type: application/json; charset=UTF-8');
  }
});

test("the Python client's batch is read: bare line feeds, a quoted boundary, ids with spaces, a token and an encoded address in each part", async () => {
  const boundary = '===============6151521444608887434==';
  const part = (n: number): string =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      'MIME-Version: 1.0',
      'Content-Transfer-Encoding: binary',
      `Content-ID: <9816d88f + ${n}>`,
      '',
      `GET /gmail/v1/users/user1%40demo.example/messages/${ids[n]}?format=metadata&metadataHeaders=From&alt=json HTTP/1.1`,
      'Content-Type: application/json',
      'MIME-Version: 1.0',
      'accept: application/json',
      `authorization: Bearer ${client.accessToken}`,
      'Host: gmail.googleapis.com',
      '',
      '',
    ].join('\n');
  const stranger = new Client(simulator.url, 'unknown');
  const answer = await stranger.batch(
    `${part(0)}\n${part(1)}\n--${boundary}--`,
    `multipart/mixed; boundary="${boundary}"`,
    '/batch',
  );
  const parts = readBatch(answer).sort((a, b) => (a.contentId! < b.contentId! ? -1 : 1));
  expect(parts.map((one) => [one.contentId, one.status, one.json.id])).toEqual([
    ['<response-9816d88f + 0>', 200, ids[0]],
    ['<response-9816d88f + 1>', 200, ids[1]],
  ]);
  expect(parts[0]?.json.payload.headers.map((header: { name: string }) => header.name)).toEqual([
    'From',
  ]);
});

test('ids without angle brackets, absolute addresses and requests without a version are accepted', async () => {
  const body = `--x\r\nContent-Type: application/http\r\nContent-ID: bare\r\n\r\nGET https://gmail.googleapis.com${path(ids[3]!)}\r\n\r\n--x--`;
  expect(readBatch(await client.batch(body, 'multipart/mixed; boundary=x'))).toMatchObject([
    { contentId: 'response-bare', status: 200, json: { id: ids[3] } },
  ]);
});

test('one part may fail while others are answered', async () => {
  const other = await Client.signIn(simulator.url, simulator.accounts()[1]!.refreshToken);
  const paths = [
    path(ids[0]!),
    path('00000000deadbeef'),
    '/gmail/v1/users/user2@demo.example/profile',
    '/gmail/v1/users/me/nonsense',
    '/calendar/v3/users/me/calendarList',
  ];
  const parts = readBatch(await client.batch(batchOf(paths), 'multipart/mixed; boundary=frontier'));
  expect(Object.fromEntries(parts.map((part) => [part.contentId, part.status]))).toEqual({
    '<response-part-0>': 200,
    '<response-part-1>': 404,
    '<response-part-2>': 403,
    '<response-part-3>': 404,
    '<response-part-4>': 404,
  });
  expect(
    readBatch(
      await other.batch(
        batchOf(['/calendar/v3/users/me/calendarList']),
        'multipart/mixed; boundary=frontier',
        '/batch/calendar/v3',
      ),
    )[0]?.status,
  ).toBe(200);
});

test('more than a hundred parts are refused as a whole', async () => {
  const answer = await client.batch(
    batchOf(Array.from({ length: 101 }, () => path(ids[0]!))),
    'multipart/mixed; boundary=frontier',
  );
  expect([answer.status, answer.json.error.message]).toEqual([
    400,
    'Inner request count exceeds the limit. Received: 101, Limit: 100',
  ]);
});

test.each([
  ['no boundary', 'multipart/mixed', 'x'],
  ['no parts', 'multipart/mixed; boundary=b', '--b--'],
  ['no request line', 'multipart/mixed; boundary=b', '--b\r\n\r\nhello\r\n--b--'],
  ['another type', 'application/json', '{}'],
])('%s is a 400', async (_, type, body) => {
  expect((await client.batch(body, type)).status).toBe(400);
});

test('parts above the limit in flight get 429 inside a 200, and count as violations', async () => {
  const before = simulator.ledger.snapshot();
  const parts = readBatch(
    await client.batch(batchOf(ids.slice(0, 40).map(path)), 'multipart/mixed; boundary=frontier'),
  );
  const refused = parts.filter((part) => part.status === 429);
  expect([refused.length, refused[0]?.json.error.message]).toEqual([
    15,
    'Too many concurrent requests for user',
  ]);
  const after = simulator.ledger.snapshot();
  expect(after.violations.total - before.violations.total).toBe(15);
  expect(after.batchParts - before.batchParts).toBe(40);
});

test('the response is compressed only if the client accepts gzip and names it in its User-Agent', async () => {
  const body = batchOf(ids.slice(0, 5).map(path));
  const zipped = await client.batch(body, 'multipart/mixed; boundary=frontier', '/batch', {
    'accept-encoding': 'gzip',
    'user-agent': 'test (gzip)',
  });
  const plain = await client.batch(body, 'multipart/mixed; boundary=frontier', '/batch', {
    'accept-encoding': 'gzip',
    'user-agent': 'test',
  });
  expect([zipped.headers.get('content-encoding'), plain.headers.get('content-encoding')]).toEqual([
    'gzip',
    null,
  ]);
  expect(readBatch(zipped)).toHaveLength(5);
});

test('other work runs between the parts of a large batch, and the responses keep their order', async () => {
  const went: string[] = [];
  const parts = Array.from({ length: 10 }, (_, index) => ({
    partAnswer: () => ({
      status: 200,
      contentType: 'text/plain',
      body: Buffer.from(String(went.push(String(index)))),
    }),
  }));
  const other = (): void => {
    went.push('|');
    if (went.length < 20) setImmediate(other);
  };
  setImmediate(other);
  const replies = await inPieces(parts);
  expect(replies.map(({ body }) => went[Number(body) - 1])).toEqual(
    parts.map((_, index) => String(index)),
  );
  expect(went.join('').replaceAll(/\|+/g, '|').replace(/\|$/, '')).toBe('0123|4567|89');
});
