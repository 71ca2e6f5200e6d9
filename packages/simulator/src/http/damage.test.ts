import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { batchOf, Client, tokenRequest } from '../../test-support/client.js';
import { startSimulator, type Simulator } from '../simulator.js';

let simulator: Simulator;
let client: Client;
let good: string;

const LABELS = '/gmail/v1/users/me/labels';

beforeAll(async () => {
  simulator = await startSimulator({ accounts: 1, messagesPerAccount: 30, quota: { scale: 100 } });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  good = (await client.get(LABELS)).text;
});
afterAll(() => simulator.close());
afterEach(() => {
  simulator.faults.clear();
});

interface Seen {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: Buffer;
  whole: boolean;
}

/** Returns the received bytes, however the connection ends. */
function raw(path: string, headers: Record<string, string> = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const sent = request(
      simulator.url + path,
      { headers: { authorization: `Bearer ${client.accessToken}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => undefined);
        response.on('close', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
            whole: response.complete,
          });
        });
      },
    );
    sent.on('error', reject).end();
  });
}

test('a truncated body is shorter than declared', async () => {
  simulator.faults.add({ kind: 'truncated-body', count: 1 });
  const seen = await raw(LABELS);
  expect([seen.status, seen.whole, Number(seen.headers['content-length'])]).toEqual([
    200,
    false,
    Buffer.byteLength(good),
  ]);
  expect(
    good.startsWith(seen.body.toString()) && seen.body.length > 0 && seen.body.length < good.length,
  ).toBe(true);
  expect((await raw(LABELS)).body.toString()).toBe(good);
});

test('half of a response is sent, then the connection ends', async () => {
  simulator.faults.add({ kind: 'half-then-reset', count: 1 });
  const seen = await raw(LABELS);
  expect([seen.status, seen.whole, seen.headers['content-length'], seen.body.length]).toEqual([
    200,
    false,
    undefined,
    Math.floor(Buffer.byteLength(good) / 2),
  ]);
});

test('a compressed body is truncated within complete framing', async () => {
  simulator.faults.add({ kind: 'gzip-cut', count: 1 });
  const seen = await raw(LABELS);
  expect([seen.status, seen.whole, seen.headers['content-encoding']]).toEqual([200, true, 'gzip']);
  expect(() => gunzipSync(seen.body)).toThrow('unexpected end of file');
});

test('a slow body comes in small pieces', async () => {
  simulator.faults.add({ kind: 'slow-body', ms: 200, count: 1 });
  const began = performance.now();
  const seen = await raw(LABELS);
  expect(performance.now() - began).toBeGreaterThanOrEqual(190);
  expect([seen.whole, seen.body.toString()]).toEqual([true, good]);
});

test.each([
  [
    'malformed-json',
    200,
    'application/json; charset=UTF-8',
    (text: string) => text !== good && good.startsWith(text),
  ],
  ['empty-200', 200, 'application/json; charset=UTF-8', (text: string) => text === ''],
  ['wrong-charset', 200, 'application/json; charset=UTF-16', (text: string) => text === good],
  ['200-html', 200, 'text/html; charset=UTF-8', (text: string) => text.includes('<title>Sign in')],
  [
    '502-html',
    502,
    'text/html; charset=UTF-8',
    (text: string) => text.includes('<title>Error 502'),
  ],
] as const)('%s', async (kind, status, type, fits) => {
  simulator.faults.add({ kind, count: 1 });
  const seen = await raw(LABELS);
  expect([seen.status, seen.headers['content-type'], fits(seen.body.toString())]).toEqual([
    status,
    type,
    true,
  ]);
});

test('a part of a batch is damaged alone', async () => {
  const ids = (await client.get('/gmail/v1/users/me/messages?maxResults=3')).json.messages.map(
    ({ id }: { id: string }) => id,
  );
  simulator.faults.add({ kind: 'truncated-body', method: 'messages.get', id: ids[1], count: 1 });
  const answer = await client.batch(
    batchOf(ids.map((id: string) => `/gmail/v1/users/me/messages/${id}?format=minimal`)),
    'multipart/mixed; boundary=frontier',
  );
  const bodies = answer.text
    .split(/--batch_[\w-]+/)
    .slice(1, -1)
    .map((piece) => piece.split('\r\n\r\n').slice(2).join('\r\n\r\n'));
  const whole = bodies.filter((body) => {
    try {
      return JSON.parse(body).id !== undefined;
    } catch {
      return false;
    }
  });
  expect([answer.status, bodies.length, whole.length]).toEqual([200, 3, 2]);
});

test('a whole batch and the token endpoint can be damaged too', async () => {
  simulator.faults.add({ kind: 'half-then-reset', method: 'batch', count: 1 });
  await expect(
    client.batch(batchOf([LABELS]), 'multipart/mixed; boundary=frontier'),
  ).rejects.toThrow('terminated');
  simulator.faults.add({ kind: 'empty-200', method: 'token', count: 1 });
  await expect(tokenRequest(simulator.url, simulator.accounts()[0]!.refreshToken)).rejects.toThrow(
    'JSON',
  );
  expect((await tokenRequest(simulator.url, simulator.accounts()[0]!.refreshToken)).status).toBe(
    200,
  );
});

test('a request body over the limit is refused, and the next request is answered', async () => {
  const refused = await fetch(`${simulator.url}/batch/gmail/v1`, {
    method: 'POST',
    body: Buffer.alloc(11 * 1024 * 1024),
  });
  expect([refused.status, (await client.get(LABELS)).status]).toEqual([413, 200]);
});
