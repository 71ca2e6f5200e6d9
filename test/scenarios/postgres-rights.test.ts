import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { redisUrl } from '../support/database.js';
import { startPostgres, type TestPostgres } from '../support/postgres-server.js';
import { exited, lineOf, startProgram, stopAll } from '../support/processes.js';

/*
 * What a server, a database or a role lacks is one sentence with the statement to type, at
 * `migrate` and at each start. The statement corrects it.
 */

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '12' } });
}, 60_000);
afterEach(stopAll);
afterAll(() => server.stop());

let number = 0;
/** A database of another role, and a role of ours that may connect to it. */
async function given(encoding = 'UTF8'): Promise<{ database: string; role: string; url: string }> {
  number += 1;
  const [database, role] = [`shop_${number}`, `app_${number}`];
  await server.run(
    `CREATE DATABASE ${database} ENCODING '${encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
    `CREATE ROLE ${role} LOGIN`,
  );
  return { database, role, url: `postgresql://${role}@127.0.0.1:${server.port}/${database}` };
}

const envOf = (url: string): Record<string, string> => ({
  DATABASE_URL: url,
  REDIS_URL: 'redis://127.0.0.1:1',
  GOOGLE_API_URL: 'http://127.0.0.1:1',
  SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
});
const migrate = (url: string): ReturnType<typeof exited> =>
  exited(startProgram('cli', envOf(url), ['migrate']));

/** One sentence, exit code 1, no stack. @returns the statement to type */
async function expectRefusal(
  running: ReturnType<typeof exited>,
  words: RegExp,
): Promise<string | undefined> {
  const { code, stdout, stderr } = await running;
  const output = stdout + stderr;
  expect(output).toMatch(words);
  expect({ code, hasStack: /\n\s+at /.test(output) }).toEqual({ code: 1, hasStack: false });
  return /(?:GRANT|ALTER|CREATE) [^;]*;/.exec(output)?.[0];
}

/** The database's administrator types it. */
async function type(database: string, statement: string | undefined): Promise<void> {
  const url = new URL(server.adminUrl);
  url.pathname = `/${database}`;
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  await session.query(statement!);
  await session.end();
}

test('a role without CREATE on the database gets the GRANT statement that it needs', async () => {
  const { database, role, url } = await given();
  const statement = await expectRefusal(
    migrate(url),
    /^The role "app_\d+" may not create the schema "syncline" in the database "shop_\d+": GRANT CREATE/m,
  );
  expect(statement).toBe(`GRANT CREATE ON DATABASE "${database}" TO "${role}";`);
  await type(database, statement);
  expect(await migrate(url)).toMatchObject({ code: 0 });
}, 60_000);

test('a schema prepared by an administrator needs no right on the database', async () => {
  const { database, role, url } = await given();
  await type(database, 'CREATE SCHEMA "our mirror"');
  const ours = `${url}?schema=our%20mirror`;
  const statement = await expectRefusal(
    migrate(ours),
    /may not create tables in the schema "our mirror"/,
  );
  expect(statement).toBe(`GRANT USAGE, CREATE ON SCHEMA "our mirror" TO "${role}";`);
  await type(database, statement);
  expect(await migrate(ours)).toMatchObject({ code: 0 });
}, 60_000);

test('a role that may not use the schema or its tables is refused at each start', async () => {
  const { database, role, url } = await given();
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  expect(await migrate(url)).toMatchObject({ code: 0 });
  await server.run('CREATE ROLE reader LOGIN');
  const readers = url.replace(role, 'reader');
  let statement: string | undefined;
  for (const program of ['scheduler', 'worker', 'api'] as const)
    statement = await expectRefusal(
      exited(startProgram(program, { ...envOf(readers), PORT: '0' })),
      /The role "reader" may not use the schema "syncline"/,
    );
  await type(database, statement);
  statement = await expectRefusal(
    exited(startProgram('cli', envOf(readers), ['accounts', 'list'])),
    /The role "reader" may not read and write every table of the schema "syncline"/,
  );
  await type(database, statement);
  expect(await exited(startProgram('cli', envOf(readers), ['accounts', 'list']))).toMatchObject({
    code: 0,
  });
  // It may work there, and not migrate: the tables are another role's.
  await type(
    database,
    "DELETE FROM syncline._prisma_migrations WHERE migration_name LIKE '%initial'",
  );
  await type(database, 'GRANT CREATE ON SCHEMA syncline TO reader');
  await expectRefusal(
    migrate(readers),
    /belong to "app_\d+", so "reader" may not change them: migrate as/,
  );
}, 120_000);

test("the API's own role gets its rights and policies from migrate, and the API refuses one without them", async () => {
  const { database, role, url } = await given();
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  const apiUrl = (name: string): string => url.replace(role, name);
  const api = (name: string): ReturnType<typeof exited> =>
    exited(startProgram('api', { ...envOf(url), DATABASE_API_URL: apiUrl(name), PORT: '0' }));
  const migrateFor = (name: string): ReturnType<typeof exited> =>
    exited(startProgram('cli', { ...envOf(url), DATABASE_API_URL: apiUrl(name) }, ['migrate']));
  expect(await migrate(url)).toMatchObject({ code: 0 });
  await expectRefusal(
    migrateFor('syncline_api'),
    /^DATABASE_API_URL names the role "syncline_api", which does not exist/m,
  );
  for (const statement of await documentedStatements(database)) await type(database, statement);
  await expectRefusal(
    api('syncline_api'),
    /The role \\?"syncline_api\\?" of DATABASE_API_URL may not use the schema/,
  );
  expect(await migrateFor('syncline_api')).toMatchObject({ code: 0 });
  await type(database, 'REVOKE SELECT ON syncline.watches FROM syncline_api');
  await type(
    database,
    await expectRefusal(api('syncline_api'), /may not read every table of the API: GRANT SELECT/),
  );
  await type(database, 'ALTER TABLE syncline.changes DISABLE ROW LEVEL SECURITY');
  await expectRefusal(
    api('syncline_api'),
    /Row security does not restrict the role \\?"syncline_api\\?" of DATABASE_API_URL on changes: run npm run migrate/,
  );
  expect(await migrateFor('syncline_api')).toMatchObject({ code: 0 });
  await type(database, 'ALTER ROLE syncline_api BYPASSRLS');
  await expectRefusal(api('syncline_api'), /bypasses row security/);
  await type(database, 'ALTER ROLE syncline_api NOBYPASSRLS');
  const started = startProgram('api', {
    ...envOf(url),
    DATABASE_API_URL: apiUrl('syncline_api'),
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: database,
    PORT: '0',
    OPERATOR_PORT: '0',
  });
  await lineOf(started, (line) => line.includes('"event":"ready"'));

  // The other roles read as before: the owner by the same plans, others every row.
  const plan = await ask(
    database,
    'EXPLAIN SELECT * FROM syncline.changes WHERE account_id = gen_random_uuid()',
    role,
  );
  expect(JSON.stringify(plan)).not.toMatch(/InitPlan|api_may_read/);
  await type(database, 'CREATE ROLE worker LOGIN');
  await type(database, 'GRANT USAGE ON SCHEMA syncline TO worker');
  await type(database, 'GRANT SELECT ON syncline.accounts TO worker');
  await type(
    database,
    "INSERT INTO syncline.accounts (id, tenant, email, address) VALUES (gen_random_uuid(), 'acme', 'a@b.c', 'a@b.c')",
  );
  const counted = 'SELECT count(*)::int AS rows FROM syncline.accounts';
  expect(await ask(database, counted, 'worker')).toEqual([{ rows: 1 }]);
  expect(await ask(database, counted, 'syncline_api')).toEqual([{ rows: 0 }]);
}, 120_000);

/** The statements of "The API's own role" in docs/how-to/deployment.md. */
async function documentedStatements(database: string): Promise<string[]> {
  const page = await readFile(path.resolve(__dirname, '../../docs/how-to/deployment.md'), 'utf8');
  const sql = /### The API's own role[^]*?```sql\n([^`]*)```/.exec(page)?.[1] ?? '';
  const statements = sql.replaceAll(' shop ', ` ${database} `).match(/[^;]+;/g) ?? [];
  expect(statements).toHaveLength(2);
  return statements;
}

test('a database whose encoding cannot store every mail is refused before anything is created', async () => {
  const { database, role, url } = await given('LATIN1');
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  await expectRefusal(migrate(url), /has the encoding LATIN1, which cannot hold every mail/);
  await expectRefusal(
    exited(startProgram('worker', envOf(url))),
    /has the encoding LATIN1, which cannot hold every mail/,
  );
}, 60_000);

test('a role with read-only transactions gets the statement that changes it', async () => {
  const { database, role, url } = await given();
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  await type(database, `ALTER ROLE ${role} SET default_transaction_read_only = on`);
  const words = /The transactions of "app_\d+" in "shop_\d+" are read-only/;
  const statement = await expectRefusal(migrate(url), words);
  await expectRefusal(exited(startProgram('scheduler', envOf(url))), words);
  await type(database, statement);
  expect(await migrate(url)).toMatchObject({ code: 0 });
}, 60_000);

test('a missing database is reported to a role that may not create one', async () => {
  const { role, url } = await given();
  const missing = url.replace(/shop_\d+/, 'nowhere');
  const statement = await expectRefusal(migrate(missing), /There is no database "nowhere"/);
  await type('postgres', statement);
  expect(await migrate(missing)).toMatchObject({ code: 0 });
  expect(statement).toContain(`OWNER "${role}"`);
}, 60_000);

test('a fleet with more sessions than the server has is warned at start', async () => {
  const { database, role, url } = await given();
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  expect(await migrate(url)).toMatchObject({ code: 0 });
  const list = (poolSize: string): ReturnType<typeof exited> =>
    exited(
      startProgram('cli', { ...envOf(url), DATABASE_POOL_SIZE: poolSize }, ['accounts', 'list']),
    );
  const many = await list('20');
  expect(many.code).toBe(0);
  expect(many.stderr).toMatch(
    /Up to 21 sessions with Postgres are going to be opened, others have \d+ now, and \\"app_\d+\\" may have 9 in all: lower DATABASE_POOL_SIZE/,
  );
  expect((await list('2')).stderr).not.toContain('sessions with Postgres');
}, 60_000);

test.each([
  ['several hosts', 'postgresql://app@a:5432,b:5432/shop', 'DATABASE_URL names several hosts'],
  [
    'settings',
    'postgresql://app@127.0.0.1/shop?options=-c%20search_path%3Dx',
    'DATABASE_URL has options=, which is not honoured: settings belong to the role',
  ],
  [
    'a parameter that is not known',
    'postgresql://app@127.0.0.1/shop?sslmod=require',
    'DATABASE_URL has a parameter that is not known',
  ],
])('a URL with %s is refused in one sentence', async (_, url, words) => {
  await expectRefusal(migrate(url), new RegExp(words));
  await expectRefusal(exited(startProgram('scheduler', envOf(url))), new RegExp(words));
});

test('the mirror of an earlier version in public is not changed, and this is reported', async () => {
  const { database, role, url } = await given();
  await type(database, `GRANT CREATE ON DATABASE ${database} TO ${role}`);
  await type(database, `GRANT ALL ON SCHEMA public TO ${role}`);
  expect(await migrate(`${url}?schema=public`)).toMatchObject({ code: 0 });
  const fingerprint =
    "SELECT string_agg(relname || xmin, ',' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
  const before = await ask(database, fingerprint);
  const { code, stderr } = await migrate(url);
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^The schema public holds the mirror of an earlier version, which stays as it is\. .* \?schema=public in DATABASE_URL\.$/m,
  );
  expect(await ask(database, fingerprint)).toEqual(before);
  expect((await migrate(url)).stderr).toBe('the schema is up to date\n');
}, 60_000);

async function ask(database: string, query: string, role?: string): Promise<unknown> {
  const url = new URL(server.adminUrl);
  url.pathname = `/${database}`;
  const ofRole = `postgresql://${role}@127.0.0.1:${server.port}/${database}`;
  const session = new pg.Client({ connectionString: role === undefined ? url.href : ofRole });
  await session.connect();
  const { rows } = await session.query(query);
  await session.end();
  return rows;
}
