import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readCompose, ROOT } from '../support/compose.js';
import { startPostgres, type TestPostgres } from '../support/postgres-server.js';
import { exited, endProcess, startNode, stopAll, type Started } from '../support/processes.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';

/*
 * docker-compose.yml without Docker: its commands, health checks, secrets and roles are run as written there, on this machine, with the names of its
 * hosts, ports and folders replaced.
 */

const { services } = readCompose({ GOOGLE_API_URL: 'http://127.0.0.1:9' });
const [SCHEDULER, WORKER, API] = ['scheduler', 'worker', 'api'] as const;

let folder: string;
let secrets: string;
let postgres: TestPostgres;
let redis: TestRedis;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-compose-'));
  secrets = path.join(folder, 'secrets');
  generate();
  const data = path.join(folder, 'redis-data');
  mkdirSync(data);
  const command = services['redis']?.command?.slice(1) ?? [];
  const args = command.map((word) => word.replace('/run/redis', path.join(secrets, 'redis')));
  [postgres, redis] = await Promise.all([
    startPostgres({ hba: ['host all all 127.0.0.1/32 scram-sha-256'] }),
    startRedis(['--dir', data, ...args]),
  ]);
  await postgres.run('CREATE DATABASE syncline');
  await runSql(readFileSync(path.join(secrets, 'postgres/10-roles.sql'), 'utf8'));
}, 60_000);
afterAll(async () => {
  await stopAll();
  await Promise.all([redis.stop(), postgres.stop()]);
  rmSync(folder, { recursive: true });
});

/** The one-shot service's command. */
function generate(env: Record<string, string> = {}): void {
  const [program = '', script = ''] = services['secrets']?.command ?? [];
  expect([program, script]).toEqual(['node', '/deploy/generate-secrets.mjs']);
  execFileSync(process.execPath, [path.join(ROOT, script), secrets], { env });
}

function allSecrets(below = secrets): Record<string, string> {
  const files = readdirSync(below, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    files
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .map((file) => [path.relative(below, file), readFileSync(file, 'utf8')]),
  );
}

async function runSql(sql: string): Promise<void> {
  const url = new URL(postgres.adminUrl);
  url.pathname = '/syncline';
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  await session.query(sql);
  await session.end();
}

test('secrets are generated once, also over a second start or a crash, and only one user may read them', () => {
  const first = allSecrets();
  expect(Object.keys(first)).toHaveLength(13);
  const drawn = Object.entries(first).filter(([name]) => name.startsWith('kept/'));
  expect(new Set(drawn.map(([, text]) => text)).size).toBe(5);
  expect(Buffer.from(first['kept/master_key'] ?? '', 'base64')).toHaveLength(32);
  generate();
  expect(allSecrets()).toEqual(first);
  // A run that was killed leaves a draft, and files that are not made yet.
  rmSync(path.join(secrets, 'app/database_url'));
  rmSync(path.join(secrets, 'redis'), { recursive: true });
  writeFileSync(path.join(secrets, 'kept/master_key.new'), 'half');
  generate();
  rmSync(path.join(secrets, 'kept/master_key.new'));
  expect(allSecrets()).toEqual(first);
  for (const name of Object.keys(first))
    expect([name, statSync(path.join(secrets, name)).mode & 0o777]).toEqual([name, 0o400]);
});

test("the Redis user's rights contain the key prefix, and an invalid prefix is refused", () => {
  const other = path.join(folder, 'other');
  const [, script = ''] = services['secrets']?.command ?? [];
  const run = (prefix: string): number | null =>
    spawnSync(process.execPath, [path.join(ROOT, script), other], { env: { REDIS_PREFIX: prefix } })
      .status;
  expect(run('eu-1')).toBe(0);
  expect(readFileSync(path.join(other, 'redis/users.acl'), 'utf8')).toContain(' ~eu-1:* ');
  expect(run('* +@all')).not.toBe(0);
});

test('the master key is replaced and the old one removed from every reader, and this can be undone', () => {
  const other = path.join(folder, 'rotated');
  const [, script = ''] = services['secrets']?.command ?? [];
  const run = (...args: string[]): number | null =>
    spawnSync(process.execPath, [path.join(ROOT, script), other, ...args], { env: {} }).status;
  expect(run()).toBe(0);
  const before = allSecrets(other);
  expect(run('--new-master-key')).toBe(0);
  const rotating = allSecrets(other);
  expect(rotating['app/master_key']).not.toBe(before['app/master_key']);
  expect(rotating['app/master_key_old']).toBe(before['app/master_key']);
  // A second rotation would lose the key that values are still sealed with.
  expect([run('--new-master-key'), allSecrets(other)]).toEqual([1, rotating]);
  expect([run(), allSecrets(other)]).toEqual([0, rotating]);
  expect(run('--forget-old-master-key')).toBe(0);
  const key = rotating['app/master_key'];
  const forgotten = {
    ...before,
    'app/master_key': key,
    'kept/master_key': key,
    'kept/master_key_before': before['app/master_key'],
  };
  expect(allSecrets(other)).toEqual(forgotten);
  expect([run('--forget-old-master-key'), allSecrets(other)]).toEqual([0, forgotten]);
  expect([run('--bring-back-old-master-key'), allSecrets(other)]).toEqual([0, rotating]);
  expect([run('--bring-back-old-master-key'), allSecrets(other)]).toEqual([1, rotating]);
  expect([run('--forget-old-master-key'), allSecrets(other)]).toEqual([0, forgotten]);
  expect([run('--new-master-key'), run('--forget-old-master-key')]).toEqual([0, 0]);
  expect(allSecrets(other)['kept/master_key_before']).toBe(key);
  expect(run('--rotate')).toBe(2);
});

test('a volume without a master key is reported in one sentence, and no key is made', () => {
  const [, script = ''] = services['secrets']?.command ?? [];
  const empty = path.join(folder, 'empty');
  for (const change of ['--new-master-key', '--bring-back-old-master-key']) {
    const args = [path.join(ROOT, script), empty, change];
    const { status, stderr } = spawnSync(process.execPath, args, { env: {}, encoding: 'utf8' });
    expect([status, existsSync(empty)]).toEqual([1, false]);
    expect(stderr).toMatch(/^There is no master key .*\n$/);
  }
});

test('the documented commands of a rotation end with the first that fails', () => {
  const text = readFileSync(path.join(ROOT, 'docs/how-to/security.md'), 'utf8');
  const [, block = ''] = /```sh\n([^`]*--new-master-key[^`]*)```/.exec(text) ?? [];
  const bin = path.join(folder, 'bin');
  const log = path.join(folder, 'docker.log');
  mkdirSync(bin);
  writeFileSync(
    path.join(bin, 'docker'),
    `#!/bin/sh\necho "$@" >> ${log}\ncase "$*" in *rotate-master*) exit 1;; esac\n`,
    { mode: 0o700 },
  );
  const { status } = spawnSync('sh', ['-c', block], {
    env: { PATH: `${bin}:${process.env['PATH']}` },
  });
  const typed = readFileSync(log, 'utf8').trim().split('\n');
  expect([status, typed.length, typed.at(-1)]).toEqual([
    1,
    3,
    expect.stringMatching(/rotate-master$/),
  ]);
});

test("no role is a superuser, and the processes' role may only read and change rows", async () => {
  expect(await exited(start('migrate'))).toMatchObject({ code: 0 });
  const app = new pg.Client({ connectionString: hosted('app/database_url') });
  await app.connect();
  try {
    const { rows } = await app.query(
      `SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication AS privileged FROM pg_roles WHERE rolname LIKE 'syncline%' ORDER BY 1`,
    );
    expect(rows).toEqual([
      { rolname: 'syncline', privileged: false },
      { rolname: 'syncline_owner', privileged: false },
    ]);
    expect((await app.query('SELECT count(*)::int AS n FROM syncline.accounts')).rows).toEqual([
      { n: 0 },
    ]);
    for (const statement of [
      'CREATE TABLE syncline.mine (id int)',
      'CREATE TABLE public.mine (id int)',
      'CREATE TEMP TABLE mine (id int)',
      'DROP TABLE syncline.accounts',
      'ALTER TABLE syncline.accounts ADD mine int',
      'TRUNCATE syncline.accounts',
      'CREATE ROLE mine',
      "COPY (SELECT 1) TO PROGRAM 'true'",
    ])
      await expect(app.query(statement)).rejects.toMatchObject({ code: '42501' });
  } finally {
    await app.end();
  }
}, 60_000);

test('every process starts with what the compose file gives it, its health check succeeds, and it drains', async () => {
  const started = { [SCHEDULER]: start(SCHEDULER), [WORKER]: start(WORKER), [API]: start(API) };
  for (const [name, program] of Object.entries(started)) {
    while ((await healthOf(name)) !== 0) {
      if (program.exitCode !== null) throw new Error(program.output.join(''));
      await sleep(200);
    }
  }
  for (const [name, program] of Object.entries(started)) {
    expect(await endProcess(program)).toEqual({ code: 0, signal: null });
    expect([name, await healthOf(name)]).toEqual([name, 1]);
  }
}, 90_000);

test('the health check of Redis succeeds with the password, and access without it is refused', async () => {
  const [, shell = ''] = services['redis']?.healthcheck?.test ?? [];
  const check = (text: string): number | null =>
    spawnSync('sh', ['-c', text.replace('redis-cli', `redis-cli -p ${redis.port}`)]).status;
  const real = shell.replace('/run/redis', path.join(secrets, 'redis'));
  expect(check(real)).toBe(0);
  expect(check(real.replace('$(cat', '$(echo x; cat'))).not.toBe(0);
  const stranger = spawnSync('redis-cli', ['-p', String(redis.port), 'PING'], { encoding: 'utf8' });
  expect(stranger.stdout).toContain('NOAUTH');
});

const ports: Record<string, string> = {};
beforeAll(async () => {
  for (const name of ['scheduler', 'worker', 'PORT', 'OPERATOR_PORT'])
    ports[name] = String(await freePort());
});

/** A service's command with its environment. */
function start(name: string): Started {
  const { command = [], environment = {} } = services[name] ?? {};
  const env = Object.fromEntries(
    Object.entries(environment).map(([variable, value]) => [variable, replaced(value)]),
  );
  return startNode([path.join(ROOT, command[1] ?? ''), ...command.slice(2)], {
    ...env,
    HOST: '127.0.0.1',
    OPERATOR_HOST: '127.0.0.1',
    PORT: ports['PORT'] ?? '',
    OPERATOR_PORT: ports['OPERATOR_PORT'] ?? '',
    METRICS_PORT: ports[name] ?? '',
  });
}

/** The files of /run, with the addresses of this machine instead of the compose file's hosts. */
function replaced(value: string): string {
  const [, mount = '', name = ''] = /^\/run\/(syncline|syncline-owner)\/(\w+)$/.exec(value) ?? [];
  if (mount === '') return value.replace('/tmp/syncline', path.join(folder, 'data'));
  const from = `${mount === 'syncline' ? 'app' : 'owner'}/${name}`;
  const file = path.join(folder, from.replace('/', '-'));
  rmSync(file, { force: true });
  writeFileSync(file, hosted(from));
  chmodSync(file, 0o600);
  return file;
}

function hosted(file: string): string {
  return readFileSync(path.join(secrets, file), 'utf8')
    .trim()
    .replace('@postgres:5432', `@127.0.0.1:${postgres.port}`)
    .replace('@redis:6379', `@127.0.0.1:${redis.port}`);
}

/** The exit code of a service's health check. */
async function healthOf(name: string): Promise<number | null> {
  const [how, program, ...args] = services[name]?.healthcheck?.test ?? [];
  expect([how, program]).toEqual(['CMD', 'node']);
  const words = args.map((word) => word.replace(':3000/', `:${ports['PORT']}/`));
  const env = { METRICS_PORT: ports[name] ?? '' };
  return (await exited(startNode(words, env))).code;
}
