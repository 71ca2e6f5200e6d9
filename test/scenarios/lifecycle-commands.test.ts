import { randomBytes } from 'node:crypto';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore, type Store } from '@syncline/store';
import { redisUrl, testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { exited, startProgram, stopAll } from '../support/processes.js';
import { SimulatorControl } from '../support/simulator-control.js';

/* The commands as a person or a script runs them. */

let simulator: Simulator;
let database: TestDatabase;
let store: Store;
let env: Record<string, string>;
let email: string;
beforeEach(async () => {
  simulator = await startSimulator({ seed: 83, accounts: 1, messagesPerAccount: 3 });
  database = await testDatabase();
  const masterKey = randomBytes(32);
  store = await openStore(testRuntime(), { databaseUrl: database.url, masterKey });
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
  };
  const [account] = await new SimulatorControl(simulator.url).accounts();
  email = account!.email;
  await store.accounts.import({
    email,
    refreshToken: account!.refreshToken,
    tenant: 'default',
    resources: ['gmail', 'calendar'],
  });
});
afterEach(async () => {
  await stopAll();
  await store.close();
  await database.drop();
  await simulator.close();
});

async function cli(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return exited(startProgram('cli', env, args));
}

test('pause, why, resume and remove print what they did, and a removed account is not found', async () => {
  expect(await cli('accounts', 'pause', email, '--json')).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ email, tenant: 'default', state: 'paused' })}\n`,
  });
  expect((await cli('why', email)).stdout).toContain('state: paused: paused by the operator');
  expect(await cli('accounts', 'resume', email, '--json')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"state":"active"'),
  });
  const removed = await cli('accounts', 'remove', email, '--json');
  expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining('"state":"removed"') });
  expect(await store.accounts.list()).toEqual([]);
  expect(await cli('accounts', 'resume', email)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('No account has the address'),
  });
}, 180_000);

test('quarantine lists, retries and drops; why and accounts list show parked collections and quarantined items', async () => {
  const { rows } = await database.pool.query<{ id: string; account_id: string }>(
    "UPDATE syncline.collections SET parked = 'scope', error = 'the grant does not cover Gmail' WHERE kind = 'gmail' RETURNING id, account_id",
  );
  await database.pool.query(
    "INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason) VALUES ($1, $2, 'm1', 'it cannot be read'), ($1, $2, 'm2', 'it cannot be read')",
    [rows[0]!.account_id, rows[0]!.id],
  );
  expect(JSON.parse((await cli('quarantine', 'list', email, '--json')).stdout)).toMatchObject([
    { email, itemId: 'm1', reason: 'it cannot be read', attempts: 1 },
    { itemId: 'm2' },
  ]);
  await database.pool.query(
    "UPDATE syncline.quarantined_items SET retry_at = now() + interval '30 minutes' WHERE item_id = 'm2'",
  );
  expect((await cli('quarantine', 'list', email)).stdout).toMatch(
    /m1 .* by retry .*\n.*m2 .* in (29|30) min/,
  );
  const why = (await cli('why', email)).stdout;
  expect(why).toContain('the grant does not cover Gmail; tried again');
  expect(why).toContain('in quarantine: 2 items');
  const [listed] = JSON.parse((await cli('accounts', 'list', '--json')).stdout) as {
    collections: object[];
  }[];
  expect(listed!.collections).toContainEqual(
    expect.objectContaining({ kind: 'gmail', parked: 'scope', quarantined: 2 }),
  );
  expect(await cli('quarantine', 'retry', email, 'm1', '--json')).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ email, retried: 1 })}\n`,
  });
  expect(await cli('quarantine', 'drop', email, 'm2', 'm3', '--json')).toMatchObject({
    code: 1,
    stdout: `${JSON.stringify({ email, dropped: 1 })}\n`,
  });
  expect((await database.pool.query('SELECT item_id FROM syncline.refetch_items')).rows).toEqual([
    { item_id: 'm1' },
  ]);
  expect(
    (await database.pool.query('SELECT item_id FROM syncline.quarantined_items')).rows,
  ).toEqual([{ item_id: 'm1' }]);
}, 180_000);
