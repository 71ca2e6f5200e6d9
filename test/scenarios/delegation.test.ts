import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkDelegation } from '@syncline/control/delegations';
import { redisContent } from '../support/canary-sinks.js';
import { NO_DRIFT } from '../support/drift.js';
import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import type { Started } from '../support/processes.js';
import { startRedis, type TestRedis } from '../support/redis-server.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Accounts without grants of their own: a service account acts for the users of a domain, and an
 * administrator decides for which scopes.
 */

const READ = ['gmail.readonly', 'calendar.readonly'].map(
  (name) => `https://www.googleapis.com/auth/${name}`,
);
const CONTACTS = ['contacts.readonly', 'contacts.other.readonly'].map(
  (name) => `https://www.googleapis.com/auth/${name}`,
);
const SCOPES = ['openid', 'https://www.googleapis.com/auth/userinfo.email', ...READ];

describe('two users of one domain', () => {
  const [ANN, BEN] = ['ann@acme.example', 'ben@acme.example'];
  let world: FleetWorld;
  let redis: TestRedis;
  let fleet: Started[];
  let directory: string;
  /** Private keys that were stored. */
  const keys: string[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'syncline-delegation-'));
    redis = await startRedis();
    world = await startFleetWorld(
      { seed: 61, accounts: 0, eventsPerCalendar: 4, accessTokenTtlMs: 4_000 },
      { url: redis.url },
    );
    for (const email of [ANN, BEN])
      await world.control.addAccount({ email, messages: 12, calendars: 1 });
  });
  afterAll(async () => {
    await world.close();
    await redis.stop();
    rmSync(directory, { recursive: true });
  });

  const setKey = async (...flags: string[]): Promise<Record<string, unknown>> => {
    const file = path.join(directory, 'key.json');
    const keyFile = world.simulator.serviceAccount.keyFile();
    keys.push(keyFile['private_key']!);
    writeFileSync(file, JSON.stringify(keyFile));
    return json(await world.cli('delegations', 'set', 'acme', file, '--json', ...flags));
  };
  const json = ({ code, stdout, stderr }: Awaited<ReturnType<FleetWorld['cli']>>) => {
    if (stdout === '') throw new Error(`exit ${code}: ${stderr}`);
    return { code, ...(JSON.parse(stdout) as Record<string, unknown>) };
  };
  const check = async (email: string, ...flags: string[]) =>
    json(await world.cli('delegations', 'check', 'acme', email, '--json', ...flags));
  const STATES = `SELECT split_part(email, '@', 1) AS name, state, split_part(reason, ':', 1) AS why FROM syncline.accounts ORDER BY email`;
  const until = (ann: [string, string | null], ben: [string, string | null]): Promise<void> =>
    world.untilRows(
      STATES,
      [['ann', ...ann] as const, ['ben', ...ben] as const].map(([name, state, why]) => ({
        name,
        state,
        why,
      })),
      60_000,
    );
  const ACTIVE: [string, null] = ['active', null];
  const waiting = (why: string): [string, string] => ['reauth_required', why];
  const caughtUp = async (): Promise<void> =>
    expect(await world.cli('wait', '--timeout', '90')).toMatchObject({ code: 0 });

  test('are mirrored with a key and without grants', async () => {
    expect(await setKey('--domain', 'acme.example')).toMatchObject({
      created: true,
      resumed: 0,
      clientId: world.simulator.serviceAccount.clientId,
      scopes: SCOPES,
    });
    const lines = [
      { email: ANN, delegation: 'acme' },
      { email: BEN, delegation: 'acme' },
      { email: 'eve@other.example', delegation: 'acme' },
      { email: ANN, delegation: 'other' },
    ];
    expect(json(await world.import(lines))).toMatchObject({
      code: 1,
      created: 2,
      failed: [
        { line: 3, problem: expect.stringContaining('domain') },
        { line: 4, problem: expect.stringContaining('delegations set') },
      ],
    });
    fleet = [world.start('scheduler'), world.start('worker')];
    await caughtUp();
    for (const email of [ANN, BEN])
      expect(await world.cli('verify', email)).toMatchObject({ code: 0 });
    expect(await world.rows('SELECT 1 FROM syncline.credentials')).toEqual([]);
  }, 180_000);

  test('a suspended user waits and says so; the other is synced on', async () => {
    await world.order(`accounts/${ANN}/suspend`, { suspended: true });
    await until(waiting('delegated_user_refused'), ACTIVE);
    expect(await check(ANN)).toMatchObject({
      code: 1,
      problem: expect.stringContaining('suspended'),
    });
    await world.order(`accounts/${ANN}/suspend`, { suspended: false });
    expect(await world.cli('accounts', 'resume', ANN)).toMatchObject({ code: 0 });
    await caughtUp();
  }, 180_000);

  test('a scope that is taken away stops both, with what is to be entered; a check resumes them', async () => {
    const { clientId } = world.simulator.serviceAccount;
    await world.order('service-account/scopes', { scopes: SCOPES.slice(0, -1) });
    await until(waiting('delegation_not_allowed'), waiting('delegation_not_allowed'));
    const [{ reason }] = (await world.rows('SELECT reason FROM syncline.accounts LIMIT 1')) as [
      { reason: string },
    ];
    expect(reason).toContain(clientId);
    expect(reason).toContain(SCOPES.join(','));
    expect(await check(BEN)).toMatchObject({ code: 1, missing: [READ[1]], problem: null });
    await world.order('service-account/scopes', { scopes: [] });
    expect(await check(BEN)).toMatchObject({ code: 1, missing: SCOPES });
    await world.order('service-account/scopes', { scopes: SCOPES });
    expect(await check(BEN)).toMatchObject({ code: 0, missing: [], resumed: 2 });
    await caughtUp();
  }, 180_000);

  test('a check asks for the scopes of the named resources', async () => {
    const all = await check(BEN, '--resources', 'contacts, gmail,calendar');
    expect(all).toMatchObject({ code: 1, missing: CONTACTS, scopes: [...SCOPES, ...CONTACTS] });
    expect(await check(BEN, '--resources', 'contacts')).toMatchObject({ missing: CONTACTS });
    expect(
      await world.cli('delegations', 'check', 'acme', BEN, '--resources', 'mail'),
    ).toMatchObject({ code: 2, stderr: expect.stringContaining('gmail, calendar, contacts') });
  });

  test('a deleted key stops both; another one resumes them', async () => {
    await world.order('service-account/key', {});
    await until(waiting('delegation_key_refused'), waiting('delegation_key_refused'));
    expect(await setKey()).toMatchObject({ created: false, resumed: 2 });
    await caughtUp();
    expect(json(await world.cli('delegations', 'list', '--json'))).toMatchObject({
      0: { name: 'acme', domains: ['acme.example'], accounts: 2 },
    });
  }, 180_000);

  test('the keys are in no output, no job and no row beside their sealed form', async () => {
    const outputs = fleet.flatMap(({ output }) => output);
    const rows = await world.rows<{ row: string }>(
      'SELECT d::text AS row FROM syncline.delegations d UNION ALL SELECT c::text FROM syncline.collections c',
    );
    const left = [...outputs, await redisContent(redis.url), ...rows.map(({ row }) => row)];
    expect(keys).toHaveLength(2);
    // A line of the PEM: the whole would not be found in JSON, where its line ends are escaped.
    for (const key of keys)
      expect(left.filter((text) => text.includes(key.split('\n')[1]!))).toEqual([]);
  });

  test('a removal has nothing to revoke; then the delegation can be removed', async () => {
    expect(await world.cli('delegations', 'remove', 'acme')).toMatchObject({ code: 1 });
    for (const email of [ANN, BEN])
      expect(await world.cli('accounts', 'remove', email, '--yes')).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('no grant to revoke'),
      });
    expect(await world.cli('delegations', 'remove', 'acme')).toMatchObject({ code: 0 });
    expect(await world.rows('SELECT 1 FROM syncline.delegations')).toEqual([]);
  }, 120_000);
});

describe('whose mailbox it is', () => {
  const ADDRESS = 'user1@demo.example';
  let world: World;
  beforeAll(async () => {
    world = await startWorld({
      seed: 62,
      accounts: 1,
      messagesPerAccount: 10,
      calendarsPerAccount: 1,
      eventsPerCalendar: 2,
    });
    await world.catchUp();
    const keyFile = world.simulator.serviceAccount.keyFile();
    await world.store.delegations.set({
      tenant: 'default',
      name: 'demo',
      project: null,
      domains: ['demo.example'],
      key: {
        email: keyFile['client_email']!,
        clientId: keyFile['client_id']!,
        keyId: keyFile['private_key_id']!,
        privateKey: keyFile['private_key']!,
      },
    });
  });
  afterAll(() => world.close());

  const messages = async (): Promise<unknown[]> =>
    (await world.database.pool.query('SELECT id FROM syncline.gmail_messages ORDER BY id')).rows;
  const state = async () =>
    (
      await world.database.pool.query(
        'SELECT email, state, reason FROM syncline.accounts ORDER BY email',
      )
    ).rows as { email: string; state: string; reason: string | null }[];

  test('an account with a refresh token goes on from its cursors with a delegation', async () => {
    const before = await messages();
    await world.store.accounts.import({
      email: ADDRESS,
      refreshToken: null,
      delegation: 'demo',
      tenant: 'default',
    });
    await world.catchUp();
    expect(await messages()).toEqual(before);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect((await world.database.pool.query('SELECT 1 FROM syncline.credentials')).rows).toEqual(
      [],
    );
  });

  test('a check asks for the scopes of what the accounts mirror, too', async () => {
    const order = { tenant: 'default', name: 'demo', email: ADDRESS };
    const scopes = async () => (await checkDelegation(world, order)).scopes;
    expect(await scopes()).toEqual(SCOPES);
    const mirror = (resources: string[]) =>
      world.database.pool.query('UPDATE syncline.accounts SET resources = $1', [resources]);
    await mirror(['calendar', 'contacts', 'gmail']);
    expect(await scopes()).toEqual([...SCOPES, ...CONTACTS]);
    await mirror(['calendar', 'gmail']);
  });

  test('an address that was given to another person stops the account and changes no row', async () => {
    const before = await messages();
    await world.control.rename(ADDRESS, 'renamed@demo.example');
    await world.control.addAccount({ email: ADDRESS, messages: 5, calendars: 1 });
    world.passTime(3_600_000);
    await expect(world.catchUp()).rejects.toThrow('delegated_user_changed');
    expect(await state()).toEqual([
      {
        email: ADDRESS,
        state: 'reauth_required',
        reason: expect.stringContaining('belongs to another Google account'),
      },
    ]);
    expect(await messages()).toEqual(before);
  });
});
