import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { storeFixture, redisUrl, type StoreFixture } from '../support/database.js';
import { exited, lineOf, startProgram, stopAll } from '../support/processes.js';

/* What a person gets who asks for something that cannot be done now, or was done before. */

const ROOT = path.resolve(__dirname, '../..');
const EMAIL = 'ada@example.com';
const NOBODY = 65_534;

let fixture: StoreFixture;
let env: Record<string, string>;
beforeEach(async () => {
  fixture = await storeFixture();
  env = {
    DATABASE_URL: fixture.database.url,
    REDIS_URL: redisUrl(),
    // Nothing listens there: no command here may come so far as to ask Google.
    GOOGLE_API_URL: 'http://127.0.0.1:9',
    SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
  };
});
afterEach(async () => {
  await stopAll();
  await fixture.close();
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  expect(await cli('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test.each(['2026-02-30', '2026-02-29T10:00:00Z', '2026-04-31', '2026-13-01', '2026-01-00'])(
  'instances refuses --from %s, a day that does not exist',
  async (from) => {
    expect(
      await cli('instances', EMAIL, '--calendar', 'primary', '--from', from, '--to', '2027-01-01'),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining('It must be a date') });
  },
);

test('pausing a paused account prints that it is paused already', async () => {
  expect(await cli('accounts', 'pause', EMAIL)).toMatchObject({
    code: 0,
    stderr: `${EMAIL} is paused\n`,
  });
  expect(await cli('accounts', 'pause', EMAIL)).toMatchObject({
    code: 0,
    stderr: `${EMAIL} is paused already\n`,
  });
});

const NEED_REDIS = [
  ['verify', EMAIL],
  ['attachment', EMAIL, 'm1', '1'],
  ['accounts', 'remove', EMAIL, '--yes'],
  ['accounts', 'resources', EMAIL, '--remove', 'gmail', '--yes'],
];

test.each(NEED_REDIS.map((args) => [args]))(
  '%j without Redis ends with one sentence and changes nothing',
  async (args) => {
    env['REDIS_URL'] = `redis://127.0.0.1:${await unusedPort()}`;
    const { code, stderr } = await cli(...args);
    expect(stderr).toMatch(/^Redis does not answer: .*\. Start Redis, or set REDIS_URL/m);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
    expect(await fixture.store.accounts.list()).toMatchObject([
      { email: EMAIL, state: 'active', resources: ['calendar', 'gmail'] },
    ]);
  },
  60_000,
);

test.each([true, false])(
  'a read-only checkout is reported in one sentence; .syncline there: %s',
  (hasDirectory) => {
    const checkout = readOnlyCheckout(hasDirectory);
    try {
      const { status, stderr } = spawnSync(process.execPath, ['apps/launch.mjs', 'migrate'], {
        cwd: checkout,
        encoding: 'utf8',
        // Permissions do not bind root.
        ...(process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}),
      });
      expect(stderr).toMatch(
        /^syncline: \S+ cannot be set up: \S+ cannot be written \(E\w+\)\. .*\n$/,
      );
      expect(status).toBe(1);
    } finally {
      chmodSync(checkout, 0o755);
      rmSync(checkout, { recursive: true, force: true });
    }
  },
);

test('a demo ends with its processes when the reader of its progress closes', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-demo-'));
  const demo = spawn(
    process.execPath,
    [path.join(ROOT, 'apps/cli/dist/main.js'), 'demo', '--accounts', '1', '--messages', '5'],
    {
      env: { PATH: process.env['PATH'] ?? '', ...demoEnvironment(directory) },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const closed = once(demo, 'close');
  let said = '';
  for await (const text of demo.stderr.setEncoding('utf8')) {
    said += text;
    if (/ health .*readyz/.test(said)) break;
  }
  const children = childrenOf(demo.pid!);
  demo.stderr.destroy();
  expect((await closed)[0]).toBe(1);
  expect(children.length).toBeGreaterThanOrEqual(4);
  expect(children.filter(isAlive)).toEqual([]);
  rmSync(directory, { recursive: true, force: true });
}, 240_000);

test('a finished `demo --once` whose stdout was closed early ends with its processes, its servers and without an error', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-demo-'));
  const size = '--accounts 1 --messages 5 --calendars 1 --workers 1 --rate 2';
  const demo = startProgram('cli', { SYNCLINE_DATA_DIR: directory }, [
    'demo',
    '--once',
    ...size.split(' '),
  ]);
  const closed = once(demo, 'close');
  demo.stdout!.destroy();
  await lineOf(demo, (line) => / health .*readyz/.test(line), 60_000);
  const children = childrenOf(demo.pid!);
  expect(children.length).toBeGreaterThanOrEqual(4);
  const ports = ['postgres', 'redis'].map((server) => embeddedPort(directory, server));
  expect(await Promise.all(ports.map(answers))).toEqual([true, true]);
  expect(await closed).toEqual([0, null]);
  // Redis answers SHUTDOWN before its process has ended.
  await untilGone(children, 10_000);
  expect(await Promise.all(ports.map(answers))).toEqual([false, false]);
  const said = demo.output.join('');
  expect(said).toContain('comparing every mirror with its source');
  expect(said).not.toMatch(/^\s+at |EPIPE|Error/m);
  rmSync(directory, { recursive: true, force: true });
}, 240_000);

async function cli(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return exited(startProgram('cli', env, args));
}

function demoEnvironment(directory: string): Record<string, string> {
  return {
    DATABASE_URL: fixture.database.url,
    REDIS_URL: redisUrl(),
    SYNCLINE_DATA_DIR: directory,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  };
}

/** The port of a server that a program without DATABASE_URL and REDIS_URL starts. */
function embeddedPort(directory: string, server: string): number {
  const text = readFileSync(path.join(directory, `${server}.json`), 'utf8');
  return (JSON.parse(text) as { port: number }).port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** What the launcher needs before it writes its first file, as the user root has it for others. */
function readOnlyCheckout(hasDirectory: boolean): string {
  const checkout = mkdtempSync(path.join(tmpdir(), 'syncline-read-only-'));
  for (const file of ['apps/launch.mjs', 'packages/runtime/file-lock.cjs', 'package.json'])
    cpSync(path.join(ROOT, file), path.join(checkout, file));
  if (hasDirectory) mkdirSync(path.join(checkout, '.syncline'), { mode: 0o555 });
  chmodSync(checkout, 0o555);
  return checkout;
}

function childrenOf(parent: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []));
}

async function untilGone(pids: number[], timeoutMs: number): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; pids.some(isAlive);) {
    if (Date.now() > deadline) throw new Error(`still running: ${pids.filter(isAlive).join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A port without a listener. */
async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
