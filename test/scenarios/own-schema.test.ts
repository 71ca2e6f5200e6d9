import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator } from '@syncline/simulator';
import pg from 'pg';
import { redisUrl, serverUrl } from '../support/database.js';
import { exited, lineOf, startProgram, stopAll } from '../support/processes.js';
import { SimulatorControl } from '../support/simulator-control.js';

/*
 * A database that belongs to somebody else: another program's tables and bookkeeping are in
 * `public`, and our role owns nothing and finds nothing by its `search_path`.
 */

const NAME = `shared_${randomUUID().slice(0, 8)}`;
const ROLE = `role_${randomUUID().slice(0, 8)}`;
const PASSWORD = randomUUID();

const directory = mkdtempSync(path.join(tmpdir(), 'own-schema-'));
let admin: pg.Client;
let simulator: Simulator;
beforeAll(async () => {
  const server = new pg.Client({ connectionString: serverUrl() });
  await server.connect();
  await server.query(`CREATE DATABASE ${NAME}`);
  await server.query(`CREATE ROLE ${ROLE} LOGIN PASSWORD '${PASSWORD}'`);
  await server.query(`ALTER ROLE ${ROLE} SET search_path = 'nowhere'`);
  await server.query(`ALTER ROLE ${ROLE} SET timezone = 'Pacific/Chatham'`);
  await server.query(`GRANT CREATE ON DATABASE ${NAME} TO ${ROLE}`);
  await server.end();
  admin = new pg.Client({ connectionString: urlOf({ role: null }) });
  await admin.connect();
  await admin.query(OTHER_PROGRAM);
  simulator = await startSimulator({ seed: 212, accounts: 2, messagesPerAccount: 20 });
});
afterEach(stopAll);
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await simulator.close();
  await admin.end();
  const server = new pg.Client({ connectionString: serverUrl() });
  await server.connect();
  await server.query(`DROP DATABASE ${NAME} WITH (FORCE)`);
  await server.query(`DROP ROLE ${ROLE}`);
  await server.end();
});

/** Prisma refuses to deploy anything beside a migration that failed. */
const OTHER_PROGRAM = `
  CREATE TABLE public.accounts (id serial PRIMARY KEY, name text);
  INSERT INTO public.accounts (name) VALUES ('theirs');
  CREATE TABLE public.collections (id serial PRIMARY KEY);
  CREATE TABLE public._prisma_migrations (id text PRIMARY KEY, checksum text NOT NULL, finished_at timestamptz, migration_name text NOT NULL, logs text,
    rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count int NOT NULL DEFAULT 0);
  INSERT INTO public._prisma_migrations (id, checksum, migration_name) VALUES ('1', 'x', '20200101000000_theirs');`;

function urlOf({ role = ROLE as string | null, schema = '' }): string {
  const url = new URL(serverUrl());
  url.pathname = `/${NAME}`;
  if (role !== null) [url.username, url.password] = [role, PASSWORD];
  if (schema) url.searchParams.set('schema', schema);
  return url.href;
}

/**
 * Everything outside of our schema: relations, rows of the other program, settings of this database
 * and of our role. Other tests set those of their own databases and roles meanwhile.
 */
async function outside(schema: string): Promise<unknown> {
  const relations = await admin.query(
    `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname NOT IN ($1, 'information_schema') AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2`,
    [schema],
  );
  const rows = await admin.query(
    'SELECT (SELECT json_agg(a) FROM public.accounts a) AS accounts, (SELECT json_agg(m) FROM public._prisma_migrations m) AS migrations',
  );
  const settings = await admin.query(
    `SELECT d.datname, r.rolname, s.setconfig FROM pg_db_role_setting s
       LEFT JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
      WHERE d.datname = current_database() OR r.rolname = $1 ORDER BY 1, 2`,
    [ROLE],
  );
  return { relations: relations.rows, rows: rows.rows, settings: settings.rows };
}

test.each(['syncline', 'Our "own" $1 mirror'])(
  'mirrors into its schema beside another program, and changes nothing outside it: %s',
  async (schema) => {
    const before = await outside(schema);
    const env = {
      DATABASE_URL: urlOf({ schema: schema === 'syncline' ? '' : schema }),
      REDIS_URL: redisDatabase(schema === 'syncline' ? 4 : 5),
      GOOGLE_API_URL: simulator.url,
      SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    };
    const cli = (...args: string[]): ReturnType<typeof exited> =>
      exited(startProgram('cli', env, args));
    expect(await cli('migrate')).toMatchObject({ code: 0 });
    expect(await cli('migrate')).toMatchObject({ code: 0, stderr: 'the schema is up to date\n' });

    const scheduler = startProgram('scheduler', env);
    const worker = startProgram('worker', env);
    const api = startProgram('api', { ...env, PORT: '0' });
    await lineOf(scheduler, (line) => line.includes('ready'));
    await lineOf(worker, (line) => line.includes('working'));
    await lineOf(api, (line) => line.includes('listening'));
    const accounts = await new SimulatorControl(simulator.url).accounts();
    expect(await cli('accounts', 'import', fileWith(accounts))).toMatchObject({ code: 0 });
    expect(await cli('wait', '--timeout', '60')).toMatchObject({ code: 0 });
    const list = await cli('accounts', 'list', '--json');
    expect(list).toMatchObject({ code: 0, stderr: '' });
    const listed = JSON.parse(list.stdout) as {
      email: string;
      collections: { lastSyncedAt: string }[];
    }[];
    expect(listed).toHaveLength(2);
    for (const { email, collections } of listed) {
      for (const { lastSyncedAt } of collections)
        expect(Math.abs(Date.parse(lastSyncedAt) - Date.now())).toBeLessThan(120_000);
      expect(await cli('verify', email)).toMatchObject({ code: 0 });
    }
    expect(await outside(schema)).toEqual(before);
  },
  180_000,
);

function redisDatabase(number: number): string {
  const url = new URL(redisUrl());
  url.pathname = `/${number}`;
  return url.href;
}

function fileWith(accounts: readonly { email: string; refreshToken: string }[]): string {
  const file = path.join(directory, 'accounts.ndjson');
  const lines = accounts.map(({ email, refreshToken }) => JSON.stringify({ email, refreshToken }));
  writeFileSync(file, lines.join('\n'));
  return file;
}
