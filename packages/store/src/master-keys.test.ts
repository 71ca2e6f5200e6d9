import { randomBytes } from 'node:crypto';
import { storeFixture, testRuntime, type StoreFixture } from '../../../test/support/database.js';
import { importAccount } from './import-account.js';
import { openStore, type Store as WholeStore } from './index.js';

type Store = Pick<
  WholeStore,
  'accounts' | 'close' | 'keys' | 'lostKeys' | 'masterKeyRotation' | 'probeWrite' | 'vault'
>;

let fixture: StoreFixture;
let opened: Store[];
const [NEW, THIRD] = [randomBytes(32), randomBytes(32)];

beforeEach(async () => {
  [fixture, opened] = [await storeFixture(), []];
  await fixture.store.keys.withdraw();
});
afterEach(async () => {
  for (const store of opened) await store.close();
  await fixture.close();
});

/** Opens the store of another process on the same database, with the given keys. */
async function withKeys(masterKey: Buffer, oldMasterKey: Buffer | null = null): Promise<Store> {
  const store = await openStore(testRuntime(), {
    databaseUrl: fixture.database.url,
    masterKey,
    oldMasterKey,
    poolSize: 2,
    takesOtherKey: true,
  });
  opened.push(store);
  return store;
}

const importing = (store: Store, name: string): Promise<{ id: string }> =>
  store.accounts.import({
    email: `${name}@example.com`,
    refreshToken: `1//${name}`,
    tenant: 'default',
    resources: ['gmail'],
  });

test('a process that lacks the current key is not ready, and reports no account as unreadable', async () => {
  await fixture.store.keys.announce('worker');
  await fixture.store.keys.check();
  const both = await withKeys(NEW, fixture.masterKey);
  await both.keys.announce('api');
  const { id } = await importing(both, 'eve');
  expect(await fixture.store.vault.grant(id)).toEqual({
    kind: 'key-missing',
    keyId: both.vault.keyId,
  });
  await fixture.store.probeWrite();
  await expect(fixture.store.keys.check()).rejects.toThrow(
    `This process lacks the master key with the id ${both.vault.keyId}, which is in use`,
  );
  expect(await both.vault.grant(fixture.accountId)).toMatchObject({ refreshToken: '1//secret' });
});

test('all processes stay ready when each has the new key before any seals with it', async () => {
  const prepared = await withKeys(fixture.masterKey, NEW);
  await prepared.keys.announce('api');
  await prepared.keys.check();
  const exchanged = await withKeys(NEW, fixture.masterKey);
  await exchanged.keys.announce('worker');
  const { id } = await importing(exchanged, 'eve');
  for (const store of [prepared, exchanged]) {
    await store.probeWrite();
    await store.keys.check();
    for (const accountId of [fixture.accountId, id])
      expect(await store.vault.grant(accountId)).toMatchObject({ kind: 'stored' });
  }
});

test('a grant under a key that no live process has is key-missing, and unreadable only after the key was declared lost', async () => {
  const other = await withKeys(NEW);
  await importing(other, 'eve');
  await other.keys.announce('worker');
  const { keyId } = fixture.store.vault;
  await expect(other.keys.check()).rejects.toThrow(
    `lacks the master key with the id ${keyId}, which is in use: stored refresh tokens are sealed with it. Set it as SYNCLINE_MASTER_KEY_OLD`,
  );
  await expect(other.keys.check()).rejects.toThrow(`syncline keys retire-lost ${keyId}`);
  expect(await other.vault.grant(fixture.accountId)).toEqual({ kind: 'key-missing', keyId });
  for (const _time of [1, 2]) expect(await other.lostKeys.retire(keyId)).toBe(1);
  await other.probeWrite();
  await other.keys.check();
  expect(await other.vault.grant(fixture.accountId)).toEqual({ kind: 'unreadable' });
});

test('a key is not declared lost while a process has it', async () => {
  await fixture.store.keys.announce('worker');
  const other = await withKeys(NEW);
  await other.keys.announce('api');
  const { keyId } = fixture.store.vault;
  await expect(other.lostKeys.retire(keyId)).rejects.toThrow(/\n {2}worker on \S+, pid \d+\n/);
  await expect(fixture.store.lostKeys.retire(keyId)).rejects.toThrow('is set here');
  await expect(other.lostKeys.retire('5f3c')).rejects.toThrow('id 5f3c has sealed here');
  await fixture.store.keys.withdraw();
  expect(await other.vault.grant(fixture.accountId)).toMatchObject({ kind: 'key-missing' });
});

test('when the old key is removed without a rotation, processes are not ready and no account is reported as unreadable', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  await both.keys.announce('worker');
  const { id } = await importing(both, 'eve');
  await both.keys.withdraw();
  const after = await withKeys(NEW);
  await after.keys.announce('worker');
  await expect(after.keys.check()).rejects.toThrow(fixture.store.vault.keyId);
  expect(await after.vault.grant(fixture.accountId)).toMatchObject({ kind: 'key-missing' });
  expect(await after.vault.grant(id)).toMatchObject({ kind: 'stored' });
});

test('a grant under a key that a rotation replaces is key-missing', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  await both.masterKeyRotation.begin();
  const other = await withKeys(NEW);
  expect(await other.vault.grant(fixture.accountId)).toMatchObject({ kind: 'key-missing' });
  await other.keys.announce('worker');
  await expect(other.keys.check()).rejects.toThrow(fixture.store.vault.keyId);
});

test('a sealed token of another tenant’s row does not open', async () => {
  await fixture.database.pool.query("UPDATE syncline.accounts SET tenant = 'another'");
  expect(await fixture.store.vault.grant(fixture.accountId)).toEqual({ kind: 'unreadable' });
});

test('processes that lack the new key, or seal with another, are named', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  const swapped = await withKeys(fixture.masterKey, NEW);
  await Promise.all([fixture.store.keys.announce('worker'), swapped.keys.announce('api')]);
  await both.keys.announce('scheduler');
  expect(await both.masterKeyRotation.blockingProcesses()).toMatchObject([
    { service: 'worker', lacksKey: true, pid: process.pid },
    { service: 'api', lacksKey: false, pid: process.pid },
  ]);
  await Promise.all([fixture.store.keys.withdraw(), swapped.keys.withdraw()]);
  expect(await both.masterKeyRotation.blockingProcesses()).toEqual([]);
});

test('a rotation reseals everything in batches, and leaves values that cannot be opened', async () => {
  const ids = [fixture.accountId];
  for (const name of ['b', 'c', 'd', 'e']) ids.push((await importing(fixture.store, name)).id);
  await fixture.database.pool.query(
    'UPDATE syncline.credentials SET sealed = (SELECT sealed FROM syncline.credentials WHERE account_id = $1) WHERE account_id = $2',
    [ids[0], ids[1]],
  );
  await fixture.store.keys.withdraw();
  const both = await withKeys(NEW, fixture.masterKey);
  const { masterKeyRotation: rotation } = both;
  await rotation.begin();
  expect(await rotation.remaining()).toEqual({ old: 5, lost: 0 });
  const counts = { resealed: 0, unreadable: 0, batches: 0 };
  for (let cursor = rotation.start(); cursor !== null; counts.batches += 1) {
    const batch = await rotation.reseal(cursor, 2);
    counts.resealed += batch.resealed;
    counts.unreadable += batch.unreadable;
    cursor = batch.next;
  }
  expect(counts).toEqual({ resealed: 4, unreadable: 1, batches: 4 });
  expect(await rotation.remaining()).toEqual({ old: 1, lost: 0 });
  expect(await rotation.end()).toEqual([]);
  const after = await withKeys(NEW);
  await after.keys.announce('worker');
  await after.keys.check();
  expect(await after.vault.grant(ids[0]!)).toMatchObject({ refreshToken: '1//secret' });
  expect(await after.vault.grant(ids[1]!)).toEqual({ kind: 'unreadable' });
  expect(await after.vault.grant(ids[4]!)).toMatchObject({ refreshToken: '1//e' });
});

test('a command whose key a living process lacks is refused before it seals anything', async () => {
  await fixture.store.keys.announce('worker');
  const other = await withKeys(NEW, fixture.masterKey);
  await expect(importing(other, 'eve')).rejects.toThrow(
    /could not open the tokens that it seals:\n {2}worker on \S+, pid \d+\n/,
  );
  await fixture.store.probeWrite();
  await fixture.store.keys.check();
  expect(await fixture.store.accounts.list()).toHaveLength(1);
});

test('a command that seals with the old key prevents a rotation until it ends', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  await importing(fixture.store, 'eve');
  expect(await both.masterKeyRotation.blockingProcesses()).toMatchObject([
    { service: 'cli', lacksKey: true },
  ]);
  await fixture.store.keys.withdraw();
  expect(await both.masterKeyRotation.blockingProcesses()).toEqual([]);
});

test('a process whose key a rotation has replaced may not seal', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  await fixture.store.keys.announce('worker');
  await rotated(both);
  await fixture.store.probeWrite();
  const replaced = `SYNCLINE_MASTER_KEY (id ${fixture.store.vault.keyId}) was replaced by`;
  await expect(fixture.store.keys.check()).rejects.toThrow(replaced);
  await fixture.store.keys.withdraw();
  const exchanged = await withKeys(fixture.masterKey, NEW);
  await expect(exchanged.keys.announce('worker')).rejects.toThrow(replaced);
  await expect(importing(exchanged, 'eve')).rejects.toThrow(replaced);
  const late = { email: 'eve@example.com', refreshToken: '1//eve', tenant: 'default' };
  await expect(importAccount(fixture.database.pool, fixture.store.vault, late)).rejects.toThrow(
    replaced,
  );
  await expect(exchanged.masterKeyRotation.begin()).rejects.toThrow(replaced);
  await both.keys.announce('worker');
  await both.keys.check();
});

test('channels under another key are renewed now, those of paused accounts are stopped, and only synced collections are waited for', async () => {
  const ids = [fixture.accountId];
  for (const name of ['paused', 'refused']) ids.push((await importing(fixture.store, name)).id);
  await fixture.database.pool.query(
    `WITH ringing AS (
       INSERT INTO syncline.watches (collection_id, account_id, state, due_at)
       SELECT id, account_id, 'on', now() + interval '1 day' FROM syncline.collections WHERE kind <> 'calendar-list'
     ), granted AS (
       UPDATE syncline.accounts SET verified_grant = CASE WHEN email LIKE 'refused%' THEN NULL ELSE grant_number END,
              state = CASE WHEN email LIKE 'paused%' THEN 'paused' ELSE state END
     )
     INSERT INTO syncline.channels (id, account_id, collection_id, expires_at, key_id)
     SELECT c.id || n, c.account_id, c.id, now() + interval '1 day', $1
       FROM syncline.collections c, unnest(ARRAY['a', 'b']) AS n WHERE kind <> 'calendar-list'`,
    [fixture.store.vault.keyId],
  );
  const { masterKeyRotation: rotation } = await withKeys(NEW, fixture.masterKey);
  expect(await rotation.channelsLeft()).toBe(1);
  expect(await rotation.makeChannelsDue(10)).toBe(2);
  expect(await rotation.makeChannelsDue(10)).toBe(0);
  const { rows } = await fixture.database.pool.query<{ account_id: string }>(
    'SELECT account_id FROM syncline.watches WHERE due_at <= now()',
  );
  expect(rows.map((row) => row.account_id).sort()).toEqual(ids.slice(0, 2).sort());
});

test('a token that Google rotates while a batch is resealed is not overwritten', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  const [cursor, session] = [both.masterKeyRotation.start(), await fixture.database.pool.connect()];
  if (cursor === null) throw new Error('there is an old key');
  const later = fixture.store.vault.sealRefreshToken(
    { tenant: 'default', accountId: fixture.accountId },
    '1//later',
  );
  await session.query('BEGIN');
  await session.query('UPDATE syncline.credentials SET sealed = $1', [later]);
  const resealing = both.masterKeyRotation.reseal(cursor, 10);
  await waitsForLock();
  await session.query('COMMIT');
  session.release();
  expect(await resealing).toMatchObject({ resealed: 0, unreadable: 0 });
  expect(await both.vault.grant(fixture.accountId)).toMatchObject({ refreshToken: '1//later' });
  expect(await both.masterKeyRotation.remaining()).toEqual({ old: 1, lost: 0 });
});

test('a rotation is refused while values are under a key that the process lacks, and retires no such key', async () => {
  await importing(fixture.store, 'b');
  await fixture.store.keys.withdraw();
  const [first, second] = [await withKeys(NEW, fixture.masterKey), await withKeys(THIRD, NEW)];
  await first.masterKeyRotation.begin();
  const batch = await first.masterKeyRotation.reseal(first.masterKeyRotation.start()!, 1);
  expect(batch).toMatchObject({ resealed: 1 });
  await second.keys.announce('worker');
  const { keyId } = fixture.store.vault;
  await expect(second.masterKeyRotation.begin()).rejects.toThrow(
    `under the master key with the id ${keyId}, which is missing here: a rotation from it has not ended. Set it as SYNCLINE_MASTER_KEY_OLD`,
  );
  expect(await second.masterKeyRotation.remaining()).toEqual({ old: 2, lost: 0 });
  expect(await second.masterKeyRotation.end()).toEqual([keyId]);
  // No process can have all keys of values under three keys, so each key is used after the other.
  const { id } = await importing(second, 'c');
  await second.keys.withdraw();
  await resealed(second);
  expect(await second.masterKeyRotation.remaining()).toEqual({ old: 1, lost: 0 });
  await rotated(await withKeys(THIRD, fixture.masterKey));
  const last = await withKeys(THIRD);
  await last.keys.announce('worker');
  await last.keys.check();
  for (const accountId of [fixture.accountId, id])
    expect(await last.vault.grant(accountId)).toMatchObject({ kind: 'stored' });
});

test('a rotation is refused with an old key that has sealed nothing, since the two are exchanged', async () => {
  const prepared = await withKeys(fixture.masterKey, NEW);
  await prepared.keys.announce('worker');
  await expect(prepared.masterKeyRotation.begin()).rejects.toThrow(
    /^SYNCLINE_MASTER_KEY_OLD \(id \w+\) has sealed nothing here: are .* exchanged\?/,
  );
  await prepared.keys.withdraw();
  const both = await withKeys(NEW, fixture.masterKey);
  await both.keys.announce('worker');
  await both.keys.withdraw();
  await expect(prepared.masterKeyRotation.begin()).rejects.toThrow('has sealed nothing here');
  for (const _time of [1, 2]) await rotated(both);
  expect(await both.vault.grant(fixture.accountId)).toMatchObject({ kind: 'stored' });
});

test('a refresh token that Google rotates is not stored under a key that was replaced meanwhile', async () => {
  const { accountId } = fixture;
  const read = await fixture.store.vault.grant(accountId);
  if (read.kind !== 'stored') throw new Error('there is no grant');
  const both = await withKeys(NEW, fixture.masterKey);
  await rotated(both);
  expect(await fixture.store.vault.rotated(accountId, '1//late', read.version)).toEqual({
    kind: 'key-missing',
    keyId: both.vault.keyId,
  });
  expect(await both.vault.grant(accountId)).toEqual({ ...read, refreshToken: '1//secret' });
  expect(await both.vault.rotated(accountId, '1//next', read.version)).toBe(true);
});

test('a key is not retired under a value that is being sealed with it', async () => {
  const both = await withKeys(NEW, fixture.masterKey);
  await resealed(both);
  const session = await fixture.database.pool.connect();
  const { vault } = fixture.store;
  await session.query('BEGIN');
  await session.query('SELECT 1 FROM syncline.master_keys WHERE key_id = $1 FOR SHARE', [
    vault.keyId,
  ]);
  const ending = both.masterKeyRotation.end();
  await waitsForLock();
  const owner = { tenant: 'default', accountId: fixture.accountId };
  await session.query('UPDATE syncline.credentials SET sealed = $1, key_id = $2', [
    vault.sealRefreshToken(owner, '1//late'),
    vault.keyId,
  ]);
  await session.query('COMMIT');
  session.release();
  expect(await ending).toEqual([vault.keyId]);
});

async function resealed({ masterKeyRotation: rotation }: Store): Promise<void> {
  await rotation.begin();
  for (let cursor = rotation.start(); cursor !== null;)
    cursor = (await rotation.reseal(cursor, 10)).next;
}

async function rotated(store: Store): Promise<void> {
  await resealed(store);
  expect(await store.masterKeyRotation.end()).toEqual([]);
}

async function waitsForLock(): Promise<void> {
  for (;;) {
    const { rows } = await fixture.database.pool.query<{ waits: boolean }>(
      "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock') AS waits",
    );
    if (rows[0]?.waits) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
