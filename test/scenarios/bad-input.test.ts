import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { redisUrl, testDatabase, type TestDatabase } from '../support/database.js';
import {
  exited,
  endProcess,
  lineOf,
  startProgram,
  stopAll,
  type Program,
} from '../support/processes.js';
import { freePort } from '../support/redis-server.js';

/*
 * What an operator gets for a mistake: one clear message that says what is wrong and what to do, a non-zero exit, no stack trace,
 * no secret, and nothing changed.
 */

let database: TestDatabase;
let simulator: Simulator;
let env: Record<string, string>;
let directory: string;

beforeAll(async () => {
  database = await testDatabase();
  simulator = await startSimulator({ seed: 41, accounts: 2, messagesPerAccount: 5 });
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-bad-input-'));
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  const done = await cli(['accounts', 'import', file('good.ndjson', [line('user1@demo.example')])]);
  if (done.code !== 0) throw new Error(done.stderr);
});
afterAll(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
  await simulator.close();
  await database.drop();
});

const line = (email: string, over: object = {}): string =>
  JSON.stringify({ email, refreshToken: '1//very-secret', ...over });
function file(name: string, lines: string[]): string {
  const at = path.join(directory, name);
  writeFileSync(at, lines.join('\n'));
  return at;
}
const run = (
  program: Program,
  args: string[],
  over: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  exited(startProgram(program, { ...env, ...over }, args));
const cli = (args: string[], over: Record<string, string> = {}): ReturnType<typeof run> =>
  run('cli', args, over);
const snapshot = async (): Promise<unknown> =>
  (
    await database.pool.query(
      'SELECT (SELECT json_agg(a ORDER BY a.id) FROM syncline.accounts a) AS accounts, (SELECT json_agg(c ORDER BY c.account_id) FROM syncline.credentials c) AS credentials, (SELECT count(*) FROM syncline.collections) AS collections',
    )
  ).rows;

function expectClear(
  result: { code: number | null; stdout: string; stderr: string },
  code: number,
  ...said: (RegExp | string)[]
): void {
  const text = result.stderr + result.stdout;
  expect({ code: result.code, text }).toMatchObject({ code });
  for (const what of said) expect(text).toMatch(what);
  expect(text).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(text).not.toContain('very-secret');
  expect(text).not.toContain(env['SYNCLINE_MASTER_KEY']);
}

test('an invalid import line is reported with its number, and all others are imported', async () => {
  const bad = file('bad.ndjson', [
    line('ok1@example.com'),
    '{"email":"x@example.com"}',
    'not json',
    line('no-at-sign'),
    line('ok2@example.com', { resources: ['drive'] }),
    line('ok3@example.com', { surprise: 1 }),
    '',
    line('ok4@example.com'),
  ]);
  expectClear(
    await cli(['accounts', 'import', bad]),
    1,
    /\b2\b.*refreshToken/,
    /\b3\b.*JSON/i,
    /\b4\b.*email/,
    /\b5\b.*resources/,
    /\b6\b.*surprise/,
  );
  const emails = await database.pool.query('SELECT email FROM syncline.accounts ORDER BY email');
  expect(emails.rows.map((row: { email: string }) => row.email)).toEqual([
    'ok1@example.com',
    'ok4@example.com',
    'user1@demo.example',
  ]);
});

test.each(['scheduler', 'worker', 'api', 'cli'] as const)(
  'an invalid environment stops %s at once with every mistake listed',
  async (program) => {
    const before = await snapshot();
    const result = await run(program, program === 'cli' ? ['accounts', 'list'] : [], {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      SYNCLINE_MASTER_KEY: 'c2hvcnQ=',
      SYNCLINE_DATADIR: '/x',
      POLL_INTERVAL_IDLE_SECONDS: '-1',
    });
    expectClear(
      result,
      1,
      'PORT',
      'LOG_LEVEL',
      'SYNCLINE_MASTER_KEY',
      /SYNCLINE_DATADIR[^]*SYNCLINE_DATA_DIR/,
      'POLL_INTERVAL_IDLE_SECONDS',
    );
    expect(result.stderr + result.stdout).not.toContain('c2hvcnQ=');
    expect(await snapshot()).toEqual(before);
  },
);

test('a wrong master key stops every program at once', async () => {
  const before = await snapshot();
  const masterKey = randomBytes(32).toString('base64');
  for (const program of ['scheduler', 'worker', 'api'] as const)
    expectClear(
      await run(program, [], { SYNCLINE_MASTER_KEY: masterKey }),
      1,
      /SYNCLINE_MASTER_KEY is not the key/,
    );
  expect(await snapshot()).toEqual(before);
});

test('programs log the address of an unreachable Postgres or Redis; a command reports it and ends', async () => {
  const before = await snapshot();
  const port = await freePort();
  const postgresAway = { DATABASE_URL: `postgresql://u:very-secret@127.0.0.1:${port}/x` };
  const redisAway = { REDIS_URL: `redis://:very-secret@127.0.0.1:${port}` };
  for (const [server, over] of [
    ['Postgres', postgresAway],
    ['Redis', redisAway],
  ] as const) {
    const children = (['scheduler', 'worker', 'api'] as const).map((program) =>
      startProgram(program, { ...env, ...over }),
    );
    for (const child of children) {
      const isLogged = (text: string): boolean =>
        text.includes(`"server":"${server} at 127.0.0.1:${port}"`);
      await lineOf(child, isLogged, 60_000);
      expect((await endProcess(child)).code).toBe(0);
      expect(child.output.join('')).not.toContain('very-secret');
    }
  }
  expectClear(await cli(['accounts', 'list'], postgresAway), 1, `127.0.0.1:${port}`);
  expect(await snapshot()).toEqual(before);
});

test('verify reports an unreachable Google in one message, and a refused grant with what to do', async () => {
  const port = await freePort();
  expectClear(
    await cli(['verify', 'user1@demo.example'], { GOOGLE_API_URL: `http://127.0.0.1:${port}` }),
    1,
    /Google/,
  );
  expectClear(await cli(['verify', 'ok1@example.com']), 1, /invalid_grant|no longer accepts/);
});

test('an unknown account, an unknown command and a missing file are reported', async () => {
  expectClear(await cli(['sync', 'nobody@example.com']), 1, /nobody@example\.com/);
  expectClear(await cli(['frobnicate']), 2, /frobnicate/);
  expectClear(await cli(['export', 'user1@demo.example', '--resource', 'drive']), 2, /resource/);
  expectClear(
    await cli(['accounts', 'import', path.join(directory, 'nowhere.ndjson')]),
    1,
    /nowhere\.ndjson/,
  );
});

test('a schema older than the program is refused by every process, with the command that updates it', async () => {
  const old = await testDatabase();
  await old.pool.query('TRUNCATE syncline._prisma_migrations');
  for (const program of ['scheduler', 'worker', 'api'] as const)
    expectClear(
      await run(program, [], { DATABASE_URL: old.url }),
      1,
      /older than this program[^]*npm run migrate/,
    );
  expectClear(await cli(['accounts', 'list'], { DATABASE_URL: old.url }), 1, /npm run migrate/);
  await old.drop();
});
