import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperatorError } from '../errors.js';
import { createRuntime } from '../runtime.js';
import {
  type Listener,
  type ListenerLimits,
  isLoopbackHost,
  listen,
  originOf,
} from './listener.js';

const LIMITS: ListenerLimits = {
  connections: 8,
  headerBytes: 8_192,
  headersMs: 60_000,
  requestMs: 60_000,
  keepAliveMs: 60_000,
  stalledMs: 60_000,
  unreadMs: 10_000,
  requestsPerConnection: 100,
};
const rt = createRuntime({ service: 'test', logLevel: 'silent' });

let listener: Listener;
let sockets: Socket[];
let answerNow: () => void;
/** Number of requests whose head has arrived. */
let arrived: number;
/** The listener's socket of each request. */
let answered: Socket[];

beforeEach(() => {
  [sockets, answerNow, arrived, answered] = [[], () => undefined, 0, []];
});
afterEach(async () => {
  answerNow();
  for (const socket of sockets) socket.destroy();
  await listener.close(rt);
});

/** Larger than the kernel's buffers for a client that does not read. */
const BIG = Buffer.alloc(32 * 1024 * 1024);
const CONNECT = 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n';

/**
 * Starts a listener that answers immediately, with these exceptions: `/slow` is answered when the
 * test releases it, `/begun` begins immediately and ends when the test releases it, `/body` is
 * answered when the whole body has arrived.
 */
async function serve(limits: Partial<ListenerLimits> = {}): Promise<void> {
  const released = new Promise<void>((resolve) => (answerNow = resolve));
  listener = await listen(
    (request, response) => {
      arrived += 1;
      answered.push(request.socket);
      const end = (): void => void response.end('answered');
      if (request.url === '/begun') response.write('begun');
      if (request.url === '/big') response.end(BIG);
      else if (request.url === '/slow' || request.url === '/begun') void released.then(end);
      else if (request.url === '/body') request.resume().once('end', end);
      else end();
    },
    {
      host: '127.0.0.1',
      port: 0,
      variables: { host: 'HOST', port: 'PORT' },
      limits: { ...LIMITS, ...limits },
    },
  );
}

interface Client {
  socket: Socket;
  /** Everything received, once the server has closed the connection. */
  closed: Promise<string>;
}

async function client(sends = ''): Promise<Client> {
  const socket = connect(listener.port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await once(socket, 'connect');
  socket.write(sends);
  return { socket, closed };
}

/** Opens a connection that reads only as much of its responses as the kernel's buffers hold. */
async function mute(sends: string): Promise<Socket> {
  const socket = connect(listener.port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(sends);
  await once(socket, 'readable');
  return socket;
}

const clients = (count: number, sends?: string): Promise<Client[]> =>
  Promise.all(Array.from({ length: count }, () => client(sends)));

const head = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n');

/** Returns the response to a new request. */
async function ask(): Promise<string> {
  return (await client(head('/', 'Connection: close'))).closed;
}

test('a listener full of silent connections answers a new one, and closes the one that was silent longest', async () => {
  await serve();
  const [oldest, ...others] = await clients(LIMITS.connections);
  expect(await ask()).toContain('answered');
  expect(await oldest?.closed).toBe('');
  expect(others.map(({ socket }) => socket.closed)).not.toContain(true);
});

test('closes silent connections first, then idle ones, then those that send a body slowly', async () => {
  await serve();
  const [slow] = await clients(1, head('/body', 'Content-Length: 10'));
  const [idle] = await clients(1, head('/'));
  await once(idle!.socket, 'data');
  const [silent] = await clients(1);
  await clients(LIMITS.connections - 3, head('/slow'));
  while (arrived < LIMITS.connections - 1) await sleep(5);
  // Each new connection stays open, so that the next one makes the listener close another.
  const gone: string[] = [];
  for (const [name, { closed }] of Object.entries({ slow: slow!, idle: idle!, silent: silent! }))
    void closed.then(() => gone.push(name));
  for (let newcomers = 1; newcomers <= 3; newcomers += 1) {
    await client(head('/slow'));
    while (gone.length < newcomers) await sleep(5);
  }
  expect(gone).toEqual(['silent', 'idle', 'slow']);
});

test('a request in progress is not cut off for a new connection', async () => {
  await serve();
  const working = await clients(LIMITS.connections, head('/slow', 'Connection: close'));
  while (arrived < LIMITS.connections) await sleep(5);
  expect(await ask()).toBe('');
  answerNow();
  for (const { closed } of working) expect(await closed).toContain('answered');
});

test('connections whose client does not read its answers give way to newcomers, after those that wait for a request', async () => {
  await serve();
  const [idle] = await clients(1, head('/'));
  await once(idle!.socket, 'data');
  await Promise.all(Array.from({ length: LIMITS.connections - 1 }, () => mute(head('/big'))));
  await client(head('/slow'));
  expect(await idle!.closed).toContain('answered');
  expect(await ask()).toContain('answered');
  expect(answered.slice(1, LIMITS.connections).map(({ destroyed }) => destroyed)).toEqual([
    true,
    ...Array.from({ length: LIMITS.connections - 2 }, () => false),
  ]);
});

test('a client that takes a complete answer too slowly is cut off, although it takes some of it all the time', async () => {
  await serve({ unreadMs: 300 });
  const slow = await mute(head('/big'));
  const reading = setInterval(() => slow.read(1_024), 20);
  await once(answered[0]!, 'close');
  clearInterval(reading);
  expect(await ask()).toContain('answered');
}, 20_000);

test('two thousand silent connections leave the listener answering', async () => {
  await serve({ connections: 500 });
  const silent = await clients(2_000);
  expect(await ask()).toContain('answered');
  while (silent.filter(({ socket }) => !socket.closed).length > 500) await sleep(20);
  expect(await ask()).toContain('answered');
}, 30_000);

test.each<[string, Partial<ListenerLimits>, string, string]>([
  ['sends nothing', { headersMs: 200 }, '', '408'],
  ['sends half a head', { headersMs: 200 }, 'GET / HTTP/1.1\r\nHost: x\r\n', '408'],
  [
    'sends half a body',
    { headersMs: 200, requestMs: 300 },
    head('/body', 'Content-Length: 10'),
    '408',
  ],
  ['is idle after an answer', { keepAliveMs: 100 }, head('/'), '200'],
  ['waits for an answer that never comes', { stalledMs: 200 }, head('/slow'), ''],
  ['sends a long head', { headerBytes: 1_000 }, head('/', `X: ${'x'.repeat(2_000)}`), '431'],
  ['speaks something else', {}, '\x16\x03\x01\x02\x00\r\n\r\n', '400'],
  ['asks for a tunnel', {}, CONNECT, '405'],
  ['uses a method that Node does not know', {}, head('/').replace('GET', 'TRACK'), '405'],
])(
  'closes a connection that %s',
  async (_which, limits, sends, status) => {
    await serve(limits);
    const text = await (await client(sends)).closed;
    expect(text.split('\r\n', 1)[0]?.split(' ')[1] ?? '').toBe(status);
  },
  20_000,
);

test.each([
  ['what is no HTTP', 'no HTTP\r\n\r\n'],
  ['the request for a tunnel', CONNECT],
])('%s behind a request in work is not answered in its place', async (_what, sends) => {
  await serve();
  const [working] = await clients(1, head('/slow') + sends);
  expect(await working!.closed).toBe('');
  const [begun] = await clients(1, head('/begun'));
  await once(begun!.socket, 'data');
  begun!.socket.write(sends);
  const text = await begun!.closed;
  expect(text).toContain('begun');
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
});

test('a connection that is reset after it asked for a tunnel ends nothing else', async () => {
  await serve({ connections: 100 });
  // The response to this request waits for its client, so the reset interrupts it.
  const waiting = await mute(head('/big') + CONNECT);
  waiting.resetAndDestroy();
  for (let round = 0; round < 20; round += 1)
    for (const { socket } of await clients(20, CONNECT)) socket.resetAndDestroy();
  expect(await ask()).toContain('answered');
});

test('closing cuts silent and idle connections at once, and waits for requests in work', async () => {
  await serve();
  const [silent] = await clients(1);
  const [idle] = await clients(1, head('/'));
  await once(idle!.socket, 'data');
  const [working] = await clients(1, head('/slow'));
  await ask();
  let isClosed = false;
  const closing = listener.close(rt).then(() => (isClosed = true));
  await Promise.all([silent!.closed, idle!.closed]);
  expect(isClosed).toBe(false);
  answerNow();
  expect(await working!.closed).toContain('answered');
  await closing;
});

test('an address that cannot be listened on is an error that names its variable', async () => {
  await serve();
  const second = (host: string, port: number): Promise<Listener> =>
    listen(() => undefined, {
      host,
      port,
      variables: { host: 'OPERATOR_HOST', port: 'OPERATOR_PORT' },
      limits: LIMITS,
    });
  await expect(second('127.0.0.1', listener.port)).rejects.toThrow(OperatorError);
  await expect(second('127.0.0.1', listener.port)).rejects.toThrow(
    `Port ${listener.port} of 127.0.0.1 is in use. Stop what listens there, or set OPERATOR_PORT`,
  );
  await expect(second('192.0.2.1', 0)).rejects.toThrow(
    '192.0.2.1 is not an address of this machine. Set OPERATOR_HOST to one',
  );
});

test('recognises loopback addresses, and names an address under which each listener is reached', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', 'localhost'])
    expect([host, isLoopbackHost(host)]).toEqual([host, true]);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'fe80::1', 'localhost.example.com'])
    expect([host, isLoopbackHost(host)]).toEqual([host, false]);
  expect(['0.0.0.0', '::', '10.0.0.1'].map((host) => originOf(host, 80))).toEqual([
    'http://127.0.0.1:80',
    'http://[::1]:80',
    'http://10.0.0.1:80',
  ]);
});
