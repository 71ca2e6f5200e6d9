import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { createRuntime, parseDatabaseUrl, ServerUnavailable } from '@syncline/runtime';
import { resolveTls } from './connection.js';
import { dropDatabase } from './drop-database.js';
import { migrate, openStore } from './index.js';
import { fleetSessionsProblem } from './sessions.js';

/* `sslmode=prefer` with a server that only answers the request for TLS. */

let server: Server;
const sockets = new Set<Socket>();
/** Data that clients have sent, one text per connection. */
let sent: string[];
let answer: (socket: Socket) => void;
let url: string;
beforeAll(async () => {
  server = createServer((socket) => {
    const at = sent.push('') - 1;
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      sent[at] += data.toString('latin1');
      answer(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `postgresql://app:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/mirror?connect_timeout=1`;
});
beforeEach(() => void (sent = []));
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

/** https://www.postgresql.org/docs/current/protocol-message-formats.html */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]).toString('latin1');
const OPENERS: [string, () => Promise<unknown>][] = [
  ['resolveTls', () => resolveTls(url)],
  ['migrate', () => migrate(url)],
  [
    'openStore',
    () =>
      openStore(createRuntime({ service: 'test', logLevel: 'silent' }), {
        databaseUrl: url,
        masterKey: Buffer.alloc(32, 7),
      }),
  ],
  ['fleetSessionsProblem', () => fleetSessionsProblem(url, 1, null)],
  ['dropDatabase', () => dropDatabase(url)],
];

test.each(OPENERS)(
  '%s: a connection that is cut during the question for TLS is an error, and nothing is sent in plaintext',
  async (_, open) => {
    answer = (socket) => socket.end();
    const opening = open();
    await expect(opening).rejects.toThrow(ServerUnavailable);
    await expect(opening).rejects.toThrow('closed the connection when TLS was requested');
    await expect(opening).rejects.not.toThrow('hunter2');
    expect(sent).toEqual([SSL_REQUEST]);
  },
);

test.each<[string, (socket: Socket) => unknown, string]>([
  ['resets the connection', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ['says nothing', () => undefined, 'timeout expired'],
  ['reports an error of its own', (socket) => socket.write('E'), 'reported an error'],
])('a server that %s when it is asked for TLS may serve later', async (_, how, sentence) => {
  answer = how;
  const resolved = resolveTls(url);
  await expect(resolved).rejects.toThrow(ServerUnavailable);
  await expect(resolved).rejects.toThrow(sentence);
});

test('a server that answers with anything else is none of Postgres, and is not waited for', async () => {
  answer = (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
  const resolved = resolveTls(url);
  await expect(resolved).rejects.toThrow('does not speak the protocol of Postgres');
  await expect(resolved).rejects.not.toThrow(ServerUnavailable);
});

test('only the answers for yes and no decide', async () => {
  const modeAfter = async (said: string): Promise<string> => {
    answer = (socket) => socket.write(said);
    return parseDatabaseUrl(await resolveTls(url)).tls.mode;
  };
  expect([await modeAfter('S'), await modeAfter('N')]).toEqual(['require', 'disable']);
});

test('a server that is away is named', async () => {
  const gone = url.replace(/:\d+\/mirror/, ':1/mirror');
  await expect(resolveTls(gone)).rejects.toThrow(
    'Postgres at 127.0.0.1:1 cannot be used: ECONNREFUSED',
  );
  await expect(resolveTls(gone)).rejects.toThrow(ServerUnavailable);
  const decided = `${gone}&sslmode=require`;
  expect(await resolveTls(decided)).toBe(decided);
});
