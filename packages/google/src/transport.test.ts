import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AnyMethod } from './answer-limits.js';
import { GoogleError } from './errors.js';
import { type Answer, openTransport, type Transport } from './transport.js';

/*
 * Answers that end before they are complete. For `oauth2.token` we count the bytes during the read;
 * for a message undici itself enforces the limit.
 */

let transport: Transport;
let server: Server;
let answer: RequestListener;
beforeAll(async () => {
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
beforeEach(() => void (transport = openTransport()));
afterEach(() => transport.close());
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const ask = (method: AnyMethod, signal?: AbortSignal): Promise<Answer> =>
  transport.exchange({
    method,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    verb: 'GET',
    path: '/',
    signal,
  });

/** Sends the beginning of an answer without declaring a length. Resolves when it has been sent. */
function beginning(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    answer = (_request, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .write('{"begun":', () => resolve(response));
  });
}

const METHODS: AnyMethod[] = ['oauth2.token', 'gmail.users.messages.get'];
const ENDINGS: [string, (response: ServerResponse) => unknown][] = [
  ['is closed', (response) => response.socket?.end()],
  ['is reset', (response) => response.socket?.resetAndDestroy()],
  ['carries what is no HTTP', (response) => response.socket?.write('no chunk\r\n')],
  ['is ended by this process', () => transport.close()],
];

test.each(METHODS.flatMap((method) => ENDINGS.map(([how, end]) => ({ method, how, end }))))(
  '$method: a response whose connection $how before its end is no response',
  async ({ method, end }) => {
    const begun = beginning();
    const asked = ask(method).catch((error: unknown) => error);
    end(await begun);
    const error = await asked;
    expect(error).toBeInstanceOf(GoogleError);
    expect(error).toMatchObject({ method, detail: { kind: 'unavailable', retryAfterMs: null } });
  },
  20_000,
);

test.each(METHODS)(
  "%s: a response that the caller aborts rejects with the caller's reason",
  async (method) => {
    const begun = beginning();
    const giveUp = new AbortController();
    const asked = ask(method, giveUp.signal).catch((error: unknown) => error);
    await begun;
    const reason = new Error('the job has ended');
    giveUp.abort(reason);
    expect(await asked).toBe(reason);
  },
);

test('a complete response is read, however long its pieces take', async () => {
  const begun = beginning();
  const asked = ask('oauth2.token');
  (await begun).end('true}');
  expect(String((await asked).body)).toBe('{"begun":true}');
});
