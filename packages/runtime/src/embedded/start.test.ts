import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { type Child, endChildren, startScript } from '../../test-support/child.js';
import { OperatorError } from '../errors.js';
import { startEmbedded } from './start.js';

interface Addresses {
  databaseUrl: string;
  administratorUrl: string;
  redisUrl: string;
  masterKey: string;
}

/**
 * One data directory for all tests, because creating a cluster takes a second. Each test stops its
 * servers.
 */
let dataDir: string;
afterEach(endChildren);
beforeAll(() => (dataDir = newDir()));

/** Finds and stops the servers that a failed test left running. */
afterAll(async () => {
  await (await startEmbedded({ dataDir })).release();
  rmSync(dataDir, { recursive: true, force: true });
});

function newDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'syncline-embedded-'));
  chmodSync(dir, 0o711); // Root's servers run as another user, who needs access.
  return dir;
}

async function user(
  env: Record<string, string> = {},
): Promise<{ child: Child; addresses: Addresses; leave(): Promise<void> }> {
  const child = startScript('embedded-user.cjs', [dataDir], env);
  await child.says('\n');
  const leave = async (): Promise<void> => {
    child.process.stdin.end();
    expect({ ...(await child.exited), stderr: child.output().stderr }).toEqual({
      code: 0,
      signal: null,
      stderr: '',
    });
  };
  return { child, addresses: JSON.parse(child.output().stdout) as Addresses, leave };
}

async function query<T extends object>(databaseUrl: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Returns the responses of Redis to inline commands. */
function redis(redisUrl: string, ...commands: string[]): Promise<string> {
  const { port, password } = new URL(redisUrl);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port: Number(port) }, () =>
      socket.end(`${[`AUTH ${password}`, ...commands, 'QUIT'].join('\r\n')}\r\n`),
    );
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
  });
}

async function isDown({ databaseUrl, redisUrl }: Addresses): Promise<boolean> {
  const exited = await Promise.allSettled([
    query(databaseUrl, 'select 1'),
    redis(redisUrl, 'PING'),
  ]);
  return exited.every(
    (end) => end.status === 'rejected' && (end.reason as { code?: string }).code === 'ECONNREFUSED',
  );
}

test('the servers are durable, in UTC, on loopback, and evict nothing', async () => {
  const { addresses, leave } = await user();
  expect(
    await query(
      addresses.databaseUrl,
      "select current_setting('fsync') fsync, current_setting('TimeZone') tz, current_setting('max_connections') n, current_setting('listen_addresses') at",
    ),
  ).toEqual([{ fsync: 'on', tz: 'UTC', n: '200', at: '127.0.0.1' }]);
  const answer = await redis(
    addresses.redisUrl,
    'CONFIG GET maxmemory-policy',
    'CONFIG GET appendfsync',
    'CONFIG GET appendonly',
    'CONFIG GET bind',
  );
  for (const value of ['noeviction', 'everysec', 'yes', '127.0.0.1'])
    expect(answer).toContain(value);
  await leave();
});

test('only the owner can read the secrets, and both servers refuse a wrong password', async () => {
  const { addresses, leave } = await user();
  for (const name of ['postgres.json', 'redis.json', 'master.key'])
    expect(statSync(path.join(dataDir, name)).mode & 0o077).toBe(0);
  const wrong = addresses.databaseUrl.replace(/:[^:@]+@/, ':wrong@');
  await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  expect(await redis(addresses.redisUrl.replace(/:[^:@]+@/, ':wrong@'), 'PING')).toContain(
    'NOAUTH',
  );
  await leave();
});

test('a second process shares them, and only the last one that leaves stops them', async () => {
  const first = await user();
  const second = await user();
  expect(second.addresses).toEqual(first.addresses);
  await first.leave();
  expect(await query(second.addresses.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await redis(second.addresses.redisUrl, 'PING')).toContain('PONG');
  await second.leave();
  expect(await isDown(second.addresses)).toBe(true);
});

test('processes that start at the same moment start one pair of servers', async () => {
  const users = await Promise.all([user(), user(), user()]);
  expect(new Set(users.map(({ addresses }) => JSON.stringify(addresses))).size).toBe(1);
  await Promise.all(users.map(({ leave }) => leave()));
  expect(await isDown((users[0] as { addresses: Addresses }).addresses)).toBe(true);
});

test('after a kill -9 of the only user the next start takes them over, with their data', async () => {
  const killed = await user();
  await query(killed.addresses.databaseUrl, 'create table kept as select 7 as n');
  await redis(killed.addresses.redisUrl, 'SET kept 7');
  killed.child.process.kill('SIGKILL');
  expect(await killed.child.exited).toMatchObject({ signal: 'SIGKILL' });

  const next = await user();
  expect(next.addresses).toEqual(killed.addresses);
  expect(await query(next.addresses.databaseUrl, 'select n from kept')).toEqual([{ n: 7 }]);
  expect(await redis(next.addresses.redisUrl, 'GET kept')).toContain('\r\n7\r\n');
  await next.leave();
  expect(await isDown(next.addresses)).toBe(true);
});

test('data and key outlive an orderly stop', async () => {
  const before = await user();
  await query(before.addresses.databaseUrl, 'create table stopped as select 8 as n');
  await redis(before.addresses.redisUrl, 'SET stopped 8');
  await before.leave();
  const after = await user();
  expect(after.addresses.masterKey).toBe(before.addresses.masterKey);
  expect(await query(after.addresses.databaseUrl, 'select n from stopped')).toEqual([{ n: 8 }]);
  expect(await redis(after.addresses.redisUrl, 'GET stopped')).toContain('\r\n8\r\n');
  await after.leave();
});

test('killed servers are started again, whatever pid they left behind', async () => {
  const killed = await user();
  const pidFile = path.join(dataDir, 'postgres', 'data', 'postmaster.pid');
  const left = readFileSync(pidFile, 'utf8');
  await redis(killed.addresses.redisUrl, 'SHUTDOWN NOSAVE');
  process.kill(Number(left.split('\n')[0]), 'SIGKILL');
  killed.child.process.kill('SIGKILL');
  await killed.child.exited;
  // Simulates a reboot: the pid belongs to another process.
  writeFileSync(pidFile, left.replace(/^\d+/, String(process.pid)));

  const next = await user();
  expect(await query(next.addresses.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  await next.leave();
});

test('a half-made cluster is made again', async () => {
  const dir = newDir();
  mkdirSync(path.join(dir, 'postgres', 'data.new', 'base'), { recursive: true });
  writeFileSync(path.join(dir, 'postgres', 'data.new', 'PG_VERSION'), '18\n');
  chmodSync(path.join(dir, 'postgres'), 0o711);
  const embedded = await startEmbedded({ dataDir: dir });
  expect(await query(embedded.databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(readdirSync(path.join(dir, 'postgres'))).not.toContain('data.new');
  await embedded.release();
  rmSync(dir, { recursive: true });
});

test('a cluster of another version is refused with what to do', async () => {
  const { leave } = await user();
  await leave();
  const versionFile = path.join(dataDir, 'postgres', 'data', 'PG_VERSION');
  const version = readFileSync(versionFile, 'utf8');
  writeFileSync(versionFile, '12\n');
  await expect(startEmbedded({ dataDir })).rejects.toThrow(OperatorError);
  writeFileSync(versionFile, version);
  expect(readdirSync(path.join(dataDir, 'users'))).toEqual([]);
});

test('only the server that is not given is started', async () => {
  const dir = newDir();
  const embedded = await startEmbedded({ dataDir: dir, databaseUrl: 'postgres://elsewhere/x' });
  expect(embedded.databaseUrl).toBe('postgres://elsewhere/x');
  expect(await redis(embedded.redisUrl, 'PING')).toContain('PONG');
  expect(readdirSync(dir)).not.toContain('postgres');
  await embedded.release();
  rmSync(dir, { recursive: true });
});

test('SQL on the embedded Postgres cannot read the environment of the process that started it', async () => {
  const { addresses, leave } = await user({
    SYNCLINE_MASTER_KEY: 'canary',
    FOREIGN_TOKEN: 'canary',
  });
  const lines = await environmentOfServer(addresses.administratorUrl);
  expect(lines).toContainEqual(expect.stringMatching(/^PATH=/));
  expect(lines.filter((line) => line.includes('canary'))).toEqual([]);
  await leave();
});

test("the application's role cannot start programs, read files, change settings or make roles and databases", async () => {
  const { addresses, leave } = await user();
  const { databaseUrl } = addresses;
  expect(
    await query(
      databaseUrl,
      'SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user',
    ),
  ).toEqual([
    {
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
    },
  ]);
  for (const refused of [
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "CREATE TEMP TABLE lines (line text); COPY lines FROM PROGRAM 'env'",
    "CREATE TEMP TABLE lines (line text); COPY lines FROM '/etc/passwd'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT lo_import('/etc/passwd')",
    'SELECT passwd FROM pg_shadow',
    "ALTER SYSTEM SET log_statement = 'all'",
    'CREATE ROLE another LOGIN',
    'CREATE DATABASE another',
    'SET ROLE syncline',
    'ALTER ROLE syncline_app SUPERUSER',
  ])
    await expect(query(databaseUrl, refused)).rejects.toMatchObject({ code: '42501' });
  await query(databaseUrl, 'CREATE SCHEMA own; DROP SCHEMA own');
  await leave();
});

test('rights that the application’s role was given are taken back by the next start, and a database that takes no connections does not prevent it', async () => {
  const before = await user();
  await query(
    before.addresses.administratorUrl,
    `GRANT pg_execute_server_program, syncline TO syncline_app WITH ADMIN OPTION;
     CREATE ROLE between; GRANT pg_read_all_data TO between;
     SET ROLE syncline_app; GRANT pg_execute_server_program TO between; RESET ROLE; GRANT between TO syncline_app`,
  );
  await query(before.addresses.administratorUrl, 'CREATE DATABASE closed ALLOW_CONNECTIONS false');
  await before.leave();
  const after = await user();
  const { databaseUrl } = after.addresses;
  for (const refused of ["COPY (SELECT 1) TO PROGRAM 'true'", 'SET ROLE syncline'])
    await expect(query(databaseUrl, refused)).rejects.toMatchObject({ code: '42501' });
  expect(
    await query(databaseUrl, 'SELECT FROM pg_auth_members WHERE member = current_user::regrole'),
  ).toEqual([]);
  await query(after.addresses.administratorUrl, 'DROP DATABASE closed');
  await query(after.addresses.administratorUrl, 'DROP ROLE between');
  await after.leave();
});

test('a data directory of the previous version keeps working, and objects of its superuser become the application’s', async () => {
  const before = await user();
  await makePreviousVersion(before.addresses);
  await before.leave();
  const recordFile = path.join(dataDir, 'postgres.json');
  const { port, password } = JSON.parse(readFileSync(recordFile, 'utf8')) as Record<
    string,
    unknown
  >;
  writeFileSync(recordFile, `${JSON.stringify({ port, password })}\n`);

  const after = await user();
  const { databaseUrl, administratorUrl } = after.addresses;
  const kept = databaseUrl.replace(/\/syncline$/, '/kept');
  for (const url of [databaseUrl, kept]) {
    await query(
      url,
      `INSERT INTO old.items (mood, amount) VALUES ('glad', 2);
       SELECT nextval('old.counter'), old.twice(2);
       ALTER TABLE old.parts ADD COLUMN more text; ALTER TABLE old.parts_1 ADD CHECK (id > 0);
       ALTER TYPE old.mood ADD VALUE 'calm'; CREATE OR REPLACE VIEW old.seen AS SELECT 2 AS one;
       CREATE TABLE old.another ()`,
    );
    expect(await query(url, 'SELECT id, mood::text, amount FROM old.items ORDER BY id')).toEqual([
      { id: 1, mood: 'sad', amount: 1 },
      { id: 2, mood: 'glad', amount: 2 },
    ]);
    expect(await query(url, OWNED_BY_OTHERS)).toEqual([]);
  }
  expect(await query(administratorUrl, 'SELECT current_user::text')).toEqual([
    { current_user: 'syncline' },
  ]);
  await after.leave();
});

/**
 * Creates the state of an earlier version: one superuser owns both databases and everything in
 * them, and there is no other role.
 */
async function makePreviousVersion({ administratorUrl }: Addresses): Promise<void> {
  await query(administratorUrl, 'CREATE DATABASE kept');
  for (const name of ['syncline', 'kept'])
    await query(
      administratorUrl.replace(/\/syncline$/, `/${name}`),
      `REASSIGN OWNED BY syncline_app TO syncline; DROP OWNED BY syncline_app;
       CREATE SCHEMA old; CREATE TYPE old.mood AS ENUM ('sad', 'glad'); CREATE DOMAIN old.amount AS int CHECK (value > 0);
       CREATE TYPE old.pair AS (a int, b int); CREATE SEQUENCE old.counter;
       CREATE TABLE old.items (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, mood old.mood, amount old.amount);
       INSERT INTO old.items (mood, amount) VALUES ('sad', 1);
       CREATE TABLE old.parts (id int) PARTITION BY HASH (id); CREATE TABLE old.parts_1 PARTITION OF old.parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
       CREATE VIEW old.seen AS SELECT 1 AS one; CREATE MATERIALIZED VIEW old.counted AS SELECT 1 AS one;
       CREATE FUNCTION old.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
       CREATE PROCEDURE old.nothing() LANGUAGE sql AS 'SELECT 1'`,
    );
  await query(administratorUrl, 'DROP ROLE syncline_app');
}

const OWNED_BY_OTHERS = `
  SELECT datname AS name FROM pg_database WHERE datname = current_database() AND datdba <> current_user::regrole
  UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'old' AND nspowner <> current_user::regrole
  UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'old'::regnamespace AND relowner <> current_user::regrole
  UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'old'::regnamespace AND typowner <> current_user::regrole
  UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'old'::regnamespace AND proowner <> current_user::regrole`;

/** Returns the environment of a program that the server starts. */
async function environmentOfServer(databaseUrl: string): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('CREATE TEMP TABLE environment (line text)');
    await client.query(
      `COPY environment FROM PROGRAM 'env' WITH (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')`,
    );
    const { rows } = await client.query<{ line: string }>('SELECT line FROM environment');
    return rows.map(({ line }) => line);
  } finally {
    await client.end();
  }
}
