import type { AccountView } from '@syncline/store';
import { storeFixture, redisUrl, type StoreFixture } from '../support/database.js';
import { exited, startProgram, stopAll } from '../support/processes.js';

/* `accounts list` with more accounts than are held in memory at once, through the program. */

/** Beside the fixture's own. */
const ACCOUNTS = 1_100;
const LONG_REASON = `Google refuses the grant: ${'a sentence of its documentation, '.repeat(12)}`;

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  await fixture.database.pool.query(
    `INSERT INTO syncline.accounts (id, tenant, email, address, state, resources)
     SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'even' ELSE 'odd' END, 'user' || n || '@example.com', 'user' || n || '@example.com', 'active', '{gmail}'
       FROM generate_series(1, $1::int) AS n`,
    [ACCOUNTS],
  );
  await setState('user7@example.com', 'paused', 'paused by the operator');
  await setState('user8@example.com', 'reauth_required', LONG_REASON);
}, 120_000);
afterAll(() => fixture.close());
afterEach(stopAll);

test('pages list every matching account once, by tenant and address', async () => {
  const listed: string[] = [];
  const sizes: number[] = [];
  for await (const page of fixture.store.accounts.pages({ tenant: 'odd' })) {
    sizes.push(page.length);
    listed.push(...page.map(({ email }) => email));
  }
  const { rows } = await fixture.database.pool.query<{ email: string }>(
    "SELECT email FROM syncline.accounts WHERE tenant = 'odd' ORDER BY email",
  );
  expect(listed).toEqual(rows.map(({ email }) => email));
  expect(Math.max(...sizes)).toBeLessThan(ACCOUNTS / 4);
});

test('--json prints all accounts as one array, in the order of the table', async () => {
  const { code, stdout } = await list('--json');
  expect(code).toBe(0);
  const accounts = JSON.parse(stdout) as { email: string; tenant: string }[];
  expect(new Set(accounts.map(({ email }) => email)).size).toBe(ACCOUNTS + 1);
  expect(accounts.map(({ tenant }) => tenant)).toEqual([
    'default',
    ...Array<string>(ACCOUNTS / 2).fill('even'),
    ...Array<string>(ACCOUNTS / 2).fill('odd'),
  ]);
  const { stdout: table } = await list();
  expect(emailsIn(table)).toEqual(accounts.map(({ email }) => email));
  expect(table.match(/^ACCOUNT /gm)).toHaveLength(1);
});

test.each([
  [['--state', 'paused'], ['user7@example.com']],
  [['--state', 'paused', '--tenant', 'even'], []],
  [
    ['--tenant', 'odd', '--limit', '2'],
    ['user1001@example.com', 'user1003@example.com'],
  ],
])('%j lists %j', async (args, emails) => {
  const accounts = JSON.parse((await list(...args, '--json')).stdout) as { email: string }[];
  expect(accounts.map(({ email }) => email)).toEqual(emails);
});

test('--limit beyond one page lists exactly that many', async () => {
  expect(emailsIn((await list('--limit', '777')).stdout)).toHaveLength(777);
});

test('a long reason is shortened in the table and whole in --json', async () => {
  const { stdout } = await list('--state', 'reauth_required');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[1]).toContain('reauth_required: Google refuses the grant: a sentence');
  expect(lines.map((line) => line.length).filter((length) => length > 160)).toEqual([]);
  const [account] = JSON.parse((await list('--state', 'reauth_required', '--json')).stdout);
  expect(account.reason).toBe(LONG_REASON);
});

test.each([
  [['--tenant', 'nosuch'], 'tenant nosuch has no accounts\n'],
  [
    ['--tenant', 'even', '--state', 'disabled'],
    'tenant even has no accounts in the state disabled\n',
  ],
  [['--state', 'disabled'], 'no accounts in the state disabled\n'],
])('%j without a match prints that there is none', async (args, text) => {
  expect(await list(...args)).toMatchObject({ code: 0, stdout: text });
  expect(await list(...args, '--json')).toMatchObject({ code: 0, stdout: '[]\n' });
});

test.each([
  [
    ['--state', 'sleeping'],
    'Allowed choices are active, reauth_required, paused, disabled, removing',
  ],
  [['--limit', '0'], 'It must be a whole number of at least 1'],
])('%j is a usage error', async (args, text) => {
  expect(await list(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(text) });
});

async function list(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return exited(
    startProgram(
      'cli',
      {
        DATABASE_URL: fixture.database.url,
        REDIS_URL: redisUrl(),
        SYNCLINE_MASTER_KEY: fixture.masterKey.toString('base64'),
      },
      ['accounts', 'list', ...args],
    ),
  );
}

function emailsIn(table: string): string[] {
  return [...table.matchAll(/^\S+@\S+/gm)].map(([email]) => email);
}

async function setState(email: string, state: AccountView['state'], reason: string): Promise<void> {
  await fixture.database.pool.query(
    'UPDATE syncline.accounts SET state = $2, reason = $3 WHERE email = $1',
    [email, state, reason],
  );
}
