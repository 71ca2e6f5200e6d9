import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { openBench, type Bench } from '../test-support/bench-google.js';
import { askedIn, batchReply } from '../test-support/stub-google.js';
import { type AnyMethod, answerLimitBytes } from './answer-limits.js';
import { GoogleError } from './errors.js';
import { openTransport, type Transport } from './transport.js';

const MB = 1024 * 1024;

let bench: Bench;
let transport: Transport;
let server: Server;
let answer: RequestListener;
/** Bytes that the server could write before its client disconnected. */
let written: number;
beforeAll(async () => {
  bench = await openBench();
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  transport = openTransport();
});
beforeEach(() => bench.fresh());
afterAll(async () => {
  await transport.close();
  server.close();
  server.closeAllConnections();
  await bench.stop();
});

const ask = (method: AnyMethod): Promise<unknown> =>
  transport
    .exchange({
      method,
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      verb: 'GET',
      path: '/',
    })
    .then(
      ({ body }) => body.length,
      (error: unknown) => (error instanceof GoogleError ? error.message : error),
    );

/** Writes up to `limit` bytes while the client reads, without declaring a length. */
function endless(limit: number, status = 200): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    const chunk = Buffer.alloc(64 * 1024, '[');
    written = 0;
    const more = (): void => {
      while (!response.destroyed && written < limit) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
}

test.each<[AnyMethod, number]>([
  ['oauth2.token', 256],
  ['oauth2.certs', 256],
  ['gmail.users.getProfile', 256],
  ['gmail.users.messages.list', 1_024],
  ['calendar.events.get', 8_192],
  ['gmail.users.messages.get', 81_920],
])('%s: a response over %d KB is refused while it is received', async (method, limitKb) => {
  answer = endless(100 * MB);
  expect(await ask(method)).toBe(
    `${method}: Google gave no usable answer (the answer is larger than ${limitKb} KB)`,
  );
  expect(written).toBeLessThan(limitKb * 1024 + 8 * MB);
});

test('a response whose Content-Length is too large is not read', async () => {
  answer = (_request, response) => {
    response.writeHead(200, { 'content-length': String(79 * MB) });
    response.write('{');
  };
  expect(await ask('oauth2.token')).toMatch(/larger than 256 KB/);
});

test('a response with an error status has the limit of an error, whatever the method', async () => {
  answer = endless(78 * MB, 403);
  expect(await ask('gmail.users.messages.get')).toMatch(/larger than 256 KB/);
  expect(written).toBeLessThan(8 * MB);
});

test('a whole message may be as large as Gmail accepts', async () => {
  answer = (_request, response) => response.end(Buffer.alloc(70 * MB, 'a'));
  expect(await ask('gmail.users.messages.get')).toBe(70 * MB);
});

test('the limit applies to the inflated size of a compressed body', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * MB, '['));
  answer = (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
  expect(bomb.length).toBeLessThan(256 * 1024);
  expect(await ask('oauth2.token')).toBe(
    'oauth2.token: Google gave no usable answer (the answer is larger than 256 KB)',
  );
});

test('a message of 78 MB of nested lists is refused in little time and memory', async () => {
  const nested = Buffer.alloc(78 * MB, '[');
  bench.stub.answer = () => ({ body: nested });
  const google = await bench.open();
  const [cpuBefore, rssBefore] = [process.cpuUsage(), process.memoryUsage().rss];
  const error: unknown = await google
    .account('a1')
    .gmail.attachment('m1', '0')
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    message:
      'gmail.users.messages.get: Google gave no usable answer (the answer is nested deeper than 1000 levels)',
    detail: { kind: 'unavailable', retryAfterMs: null },
  });
  // CPU time, because elapsed time includes other work of the machine. It takes 0.3 s; parsing the
  // whole answer took 44 s.
  const { user, system } = process.cpuUsage(cpuBefore);
  expect((user + system) / 1_000_000).toBeLessThan(5);
  expect(process.memoryUsage().rss - rssBefore).toBeLessThan(600 * MB);
});

test('a part of a batch that is nested too deep fails alone', async () => {
  const deep = `{"id":"m2","payload":${'{"parts":['.repeat(40_000)}`;
  bench.stub.answer = (seen) => {
    const parts = askedIn(seen).map(({ contentId, id }) => ({
      contentId,
      status: 200,
      json: id === 'm2' ? '@deep@' : { id, payload: {} },
    }));
    const reply = batchReply(parts);
    return { ...reply, body: String(reply.body).replace('"@deep@"', deep) };
  };
  const { messages, failed } = await (
    await bench.open()
  )
    .account('a1')
    .gmail.getMessages(['m1', 'm2', 'm3']);
  expect(messages.map(({ id }) => id).sort()).toEqual(['m1', 'm3']);
  expect(failed.map(({ id, error }) => [id, error.message])).toEqual([
    [
      'm2',
      'gmail.users.messages.get: Google gave no usable answer (the answer is nested deeper than 1000 levels)',
    ],
  ]);
});

test('an error inside a batch has the limit of an error', async () => {
  bench.stub.answer = (seen) =>
    batchReply(
      askedIn(seen).map(({ contentId, id }) => ({
        contentId,
        status: id === 'm2' ? 403 : 200,
        json: id === 'm2' ? { error: { message: 'x'.repeat(MB) } } : { id, payload: {} },
      })),
    );
  const { failed } = await (await bench.open()).account('a1').gmail.getMessages(['m1', 'm2']);
  expect(failed.map(({ error }) => error.detail)).toEqual([
    { kind: 'unavailable', retryAfterMs: null, why: 'a refusal is longer than any of Google' },
  ]);
});

test('every method has a limit, and those of tokens and keys are below a megabyte', () => {
  for (const method of [
    'oauth2.token',
    'oauth2.revoke',
    'oauth2.tokeninfo',
    'oauth2.certs',
  ] as const)
    expect(answerLimitBytes(method, 200)).toBeLessThan(MB);
});
