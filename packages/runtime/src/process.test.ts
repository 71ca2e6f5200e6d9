import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Child, endChildren, startScript } from '../test-support/child.js';

/** Servers with a URL are not started, and nothing connects to these. */
const ENV = {
  DATABASE_URL: 'postgres://u@127.0.0.1:1/x',
  REDIS_URL: 'redis://127.0.0.1:1',
  SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  GOOGLE_API_URL: 'http://127.0.0.1:1',
};

afterEach(endChildren);

function start(behaviour: string, env: NodeJS.ProcessEnv = {}): Child {
  return startScript('service.cjs', [behaviour], { ...ENV, ...env });
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s drains and ends with 0', async (signal) => {
  const child = start('drains');
  await child.says('"event":"ready"');
  child.process.kill(signal);
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.output().stdout).toBe('drained\n');
});

test('a second SIGTERM ends it at once with 1', async () => {
  const child = start('drains for ever');
  await child.says('"event":"ready"');
  child.process.kill('SIGTERM');
  await child.says('"event":"draining"');
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 1, signal: null });
});

test('under npm, the echo of a signal is forgiven once', async () => {
  const child = start('drains for ever', { npm_lifecycle_event: 'worker' });
  await child.says('"event":"ready"');
  child.process.kill('SIGINT');
  await child.says('"event":"draining"');
  child.process.kill('SIGINT');
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 1, signal: null });
  expect(child.output().stderr).toContain('a second SIGTERM');
});

test('a signal during the start interrupts it and ends with 0', async () => {
  const child = start('starts slowly');
  await child.says('starting');
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
});

test('a drain that exceeds its deadline is abandoned, and the process still exits with 0', async () => {
  const child = start('drains for ever', { DRAIN_DEADLINE_MS: '50' });
  await child.says('"event":"ready"');
  child.process.kill('SIGTERM');
  expect(await child.exited).toEqual({ code: 0, signal: null });
  expect(child.output().stderr).toContain('"event":"drain_deadline_passed"');
});

test('a service that ends without a signal is drained, and the process exits with its exit code', async () => {
  const child = start('ends by itself');
  expect(await child.exited).toEqual({ code: 3, signal: null });
  expect(child.output().stdout).toBe('drained\n');
});

test('an OperatorError is printed without a stack', async () => {
  const child = start('cannot start');
  expect(await child.exited).toEqual({ code: 1, signal: null });
  expect(child.output().stderr).toBe('The cable is unplugged: plug it in.\n');
});

test('a wrong configuration is printed whole', async () => {
  const child = start('drains', { PORT: 'x', LOG_LEVEL: 'y' });
  expect(await child.exited).toEqual({ code: 1, signal: null });
  expect(child.output().stderr).toMatch(
    /^The configuration has 2 mistakes:\n {2}- PORT must .*\n {2}- LOG_LEVEL must .*\n$/,
  );
});

test.each([
  ['has a bug', 'failed', 'TypeError'],
  ['rejects unseen', 'crashed', 'Error'],
  ['fails to drain', 'failed', 'Error'],
])('a process that %s leaves one fatal line and ends with 1', async (behaviour, event, message) => {
  const child = start(behaviour);
  if (behaviour === 'fails to drain') {
    await child.says('"event":"ready"');
    child.process.kill('SIGTERM');
  }
  expect(await child.exited).toEqual({ code: 1, signal: null });
  const fatal = child
    .output()
    .stderr.trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ level }) => level === 'fatal');
  expect(fatal).toEqual([
    expect.objectContaining({
      event,
      err: expect.objectContaining({ message }),
      stack: expect.stringMatching(/^ {4}at .+service\.cjs:\d+:\d+\)/),
    }),
  ]);
  expect(child.output().stderr).not.toMatch(/not a function|nobody looked|could not drain/);
});

test('METRICS_PORT has a process serve its own metrics, and nothing else; a taken port is an error that names it', async () => {
  const { port } = await serving('drains');
  const page = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect(await page.text()).toContain('syncline_scheduler_tick_seconds');
  for (const path of ['/', '/metrics/', '/METRICS', '/livez/', '/readyz/x', '/Readyz'])
    expect([path, (await fetch(`http://127.0.0.1:${port}${path}`)).status]).toEqual([path, 404]);
  const second = start('drains', { METRICS_PORT: String(port) });
  expect(await second.exited).toMatchObject({ code: 1 });
  expect(second.output().stderr).toContain(
    `Port ${port} of 127.0.0.1 is in use. Stop what listens there, or set METRICS_PORT to another one.`,
  );
});

test('METRICS_PORT answers whether the process lives and is ready, to GET and HEAD', async () => {
  const { child, port } = await serving('drains');
  await child.says('"event":"ready"');
  const ask = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
    return [answer.status, await answer.text()];
  };
  expect(await ask('/livez')).toEqual([200, '{"status":"live"}']);
  expect(await ask('/readyz')).toEqual([200, '{"status":"ready"}']);
  expect(await ask('/readyz?verbose=1')).toEqual([200, '{"status":"ready"}']);
  expect(await ask('/readyz', 'HEAD')).toEqual([200, '']);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
    expect(await ask('/readyz', method)).toEqual([405, '']);
});

test.each([
  ['starts slowly', 'starting'],
  ['drains for ever', 'draining'],
])('a process that %s is alive and not ready', async (behaviour, phase) => {
  const { child, port } = await serving(behaviour);
  if (phase === 'draining') {
    await child.says('"event":"ready"');
    child.process.kill('SIGTERM');
    await child.says('"event":"draining"');
  }
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    { status: 'not ready', missing: [phase] },
  ]);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
});

test('METRICS_PORT refuses long headers, and closes connections that do not finish theirs', async () => {
  const { port } = await serving('drains');
  const long = await fetch(`http://127.0.0.1:${port}/livez`, {
    headers: { 'x-long': 'x'.repeat(9_000) },
  });
  expect(long.status).toBe(431);
  const silent = connect(port, '127.0.0.1');
  silent.write('GET /livez HTTP/1.1\r\n');
  const [answer] = (await once(silent, 'data')) as [Buffer];
  expect(answer.toString()).toContain('408 Request Timeout');
  silent.destroy();
}, 20_000);

test('METRICS_PORT answers while silent connections occupy every place', async () => {
  const { port } = await serving('drains');
  const silent = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  for (const socket of silent) socket.on('error', () => undefined).destroy();
});

test('METRICS_PORT answers while clients that do not read their answers take every place', async () => {
  const { child, port } = await serving('drains');
  await child.says('"event":"ready"');
  const asked = 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(400);
  const mute = Array.from({ length: 64 }, () => connect(port, '127.0.0.1'));
  await Promise.all(
    mute.map((socket) => {
      socket.on('error', () => undefined).write(asked);
      return once(socket, 'readable');
    }),
  );
  expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
  for (const socket of mute) socket.destroy();
});

test('METRICS_PORT survives connections that are reset after a CONNECT request', async () => {
  const { child, port } = await serving('drains');
  for (let round = 0; round < 20; round += 1) {
    const asked = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
    await Promise.all(
      asked.map((socket) =>
        once(
          socket.on('error', () => undefined),
          'connect',
        ),
      ),
    );
    for (const socket of asked) socket.write('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n');
    for (const socket of asked) socket.resetAndDestroy();
  }
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  expect(child.output().stderr).not.toContain('crashed');
});

test('METRICS_PORT on loopback refuses requests under other names, as the operators’ address of the API does', async () => {
  const { port } = await serving('drains');
  const statusFor = async (host: string, path: string): Promise<string | undefined> => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return answer.toString().split(' ')[1];
  };
  for (const path of ['/metrics', '/readyz', '/livez', '/'])
    expect([path, await statusFor('evil.example', path)]).toEqual([path, '421']);
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, '[::1]', '[::ffff:7f00:1]:9'])
    expect([host, await statusFor(host, '/livez')]).toEqual([host, '200']);
});

async function serving(behaviour: string): Promise<{ child: Child; port: number }> {
  const child = start(behaviour, { METRICS_PORT: '0' });
  await child.says('"event":"metrics"');
  const port = Number(/"event":"metrics","port":(\d+)/.exec(child.output().stderr)?.[1]);
  return { child, port };
}
