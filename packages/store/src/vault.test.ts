import { randomBytes } from 'node:crypto';
import { storeFixture, testRuntime, type StoreFixture } from '../../../test/support/database.js';
import { openStore } from './index.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

test('S1: no refresh token is in the database in plaintext; one that is copied into the row of another account does not open, and is logged as a security event', async () => {
  const dump = await fixture.database.pool.query(
    'SELECT encode(sealed, $1) AS hex, encode(sealed, $2) AS base64, sealed::text AS raw FROM syncline.credentials',
    ['hex', 'base64'],
  );
  for (const form of Object.values(dump.rows[0] as Record<string, string>)) {
    expect(form).not.toContain(Buffer.from('1//secret').toString('hex'));
    expect(form).not.toContain(Buffer.from('1//secret').toString('base64').slice(0, 8));
  }
  expect(await fixture.store.vault.grant(fixture.accountId)).toMatchObject({
    refreshToken: '1//secret',
  });
  const other = await fixture.store.accounts.import({
    email: 'eve@example.com',
    refreshToken: '1//eve',
    tenant: 'default',
    resources: ['gmail'],
  });
  const warn = jest.spyOn(fixture.rt.log, 'warn');
  await fixture.database.pool.query(
    'UPDATE syncline.credentials SET sealed = (SELECT sealed FROM syncline.credentials WHERE account_id = $1) WHERE account_id = $2',
    [fixture.accountId, other.id],
  );
  for (let i = 0; i < 3; i += 1)
    expect(await fixture.store.vault.grant(other.id)).toEqual({ kind: 'unreadable' });
  expect(await fixture.store.vault.grant(fixture.accountId)).toMatchObject({ kind: 'stored' });
  expect(warn.mock.calls).toEqual([
    [
      {
        event: 'sealed_value_rejected',
        purpose: 'refresh-token',
        accountId: other.id,
        why: 'altered',
        suppressed: 0,
      },
      expect.stringMatching(/^a sealed value does not open/),
    ],
  ]);
  warn.mockRestore();
});

test('S2: a value under an unknown key does not open, and is logged as a security event', async () => {
  const warn = jest.spyOn(fixture.rt.log, 'warn');
  const { id } = await fixture.store.accounts.import({
    email: 'kim@example.com',
    refreshToken: '1//kim',
    tenant: 'default',
  });
  await fixture.database.pool.query(
    'UPDATE syncline.credentials SET sealed = set_byte(sealed, 1, 255 - get_byte(sealed, 1)) WHERE account_id = $1',
    [id],
  );
  expect(await fixture.store.vault.grant(id)).toEqual({ kind: 'unreadable' });
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ accountId: id, why: 'unknown-key' });
  warn.mockRestore();
});

test('a value in the format of a later version says that this process is too old, and names no other cause', async () => {
  const warn = jest.spyOn(fixture.rt.log, 'warn');
  const { id } = await fixture.store.accounts.import({
    email: 'lou@example.com',
    refreshToken: '1//lou',
    tenant: 'default',
  });
  await fixture.database.pool.query(
    'UPDATE syncline.credentials SET sealed = set_byte(sealed, 0, 3) WHERE account_id = $1',
    [id],
  );
  expect(await fixture.store.vault.grant(id)).toEqual({
    kind: 'key-missing',
    keyId: 'format-3',
    newerFormat: 3,
  });
  expect(warn).not.toHaveBeenCalled();
  await fixture.database.pool.query(
    'UPDATE syncline.credentials SET sealed = set_byte(sealed, 0, 1) WHERE account_id = $1',
    [id],
  );
  expect(await fixture.store.vault.grant(id)).toEqual({ kind: 'unreadable' });
  warn.mockRestore();
});

test('S1: a sealed access token with any flipped byte does not open', () => {
  const sealed = Buffer.from(fixture.store.vault.seal('a', 'ya29.token'), 'base64');
  for (let i = 0; i < sealed.length; i++) {
    const bent = Buffer.from(sealed);
    bent[i] = (bent[i] as number) ^ 1;
    expect(() => fixture.store.vault.open('a', bent.toString('base64'))).toThrow();
  }
  expect(fixture.store.vault.open('a', sealed.toString('base64'))).toBe('ya29.token');
  const warn = jest.spyOn(fixture.rt.log, 'warn');
  const clock = jest.spyOn(fixture.rt.clock, 'nowMs').mockReturnValue(Number.MAX_SAFE_INTEGER);
  expect(() => fixture.store.vault.open('b', sealed.toString('base64'))).toThrow('does not open');
  expect(warn.mock.calls[0]?.[0]).toMatchObject({
    event: 'sealed_value_rejected',
    purpose: 'access-token',
    accountId: 'b',
    why: 'altered',
  });
  [warn, clock].forEach((spy) => spy.mockRestore());
});

test('another master key is refused at the start, with a message that says what to do', async () => {
  await expect(
    openStore(testRuntime(), { databaseUrl: fixture.database.url, masterKey: randomBytes(32) }),
  ).rejects.toThrow(/SYNCLINE_MASTER_KEY is not the key/);
});

test('an old schema, a missing database and a dead server are each reported in one sentence', async () => {
  const rt = testRuntime();
  const masterKey = randomBytes(32);
  const url = new URL(fixture.database.url);
  await fixture.database.pool.query(
    "DELETE FROM syncline._prisma_migrations WHERE migration_name LIKE '%initial'",
  );
  await expect(openStore(rt, { databaseUrl: url.href, masterKey })).rejects.toThrow(
    /older than this program[^]*npm run migrate/,
  );
  url.pathname = '/no_such_database';
  await expect(openStore(rt, { databaseUrl: url.href, masterKey })).rejects.toThrow(
    /has no database "no_such_database"/,
  );
  url.port = '1';
  await expect(openStore(rt, { databaseUrl: url.href, masterKey })).rejects.toThrow(
    /Postgres at 127\.0\.0\.1:1 cannot be used: ECONNREFUSED/,
  );
});

test('a rotated refresh token replaces only the token that was read', async () => {
  const [store, email] = [await storeFixture(), 'ada@example.com'];
  const read = await store.store.vault.grant(store.accountId);
  if (read.kind !== 'stored') throw new Error('there is no grant');
  await store.store.accounts.import({ email, refreshToken: '1//newer', tenant: 'default' });
  expect(await store.store.vault.rotated(store.accountId, '1//late', read.version)).toBe(false);
  const now = await store.store.vault.grant(store.accountId);
  expect(now).toMatchObject({ refreshToken: '1//newer' });
  if (now.kind !== 'stored') throw new Error('there is no grant');
  expect(await store.store.vault.rotated(store.accountId, '1//next', now.version)).toBe(true);
  expect(await store.store.vault.grant(store.accountId)).toMatchObject({ refreshToken: '1//next' });
  await store.close();
});

test('a single credential under another master key does not prevent the start', async () => {
  const both = await storeFixture();
  await both.store.accounts.import({
    email: 'eve@example.com',
    refreshToken: '1//eve',
    tenant: 'default',
  });
  await both.database.pool.query(
    "UPDATE syncline.credentials SET key_id = 'lost' WHERE account_id = $1",
    [both.accountId],
  );
  const again = await openStore(testRuntime(), {
    databaseUrl: both.database.url,
    masterKey: both.masterKey,
  });
  expect(await again.accounts.list()).toHaveLength(2);
  await again.close();
  await both.close();
});
