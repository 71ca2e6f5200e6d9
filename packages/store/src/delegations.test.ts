import { randomBytes } from 'node:crypto';
import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { openStore } from './index.js';

let fixture: StoreFixture;
let open: { close(): Promise<void> };
beforeEach(async () => {
  fixture = await storeFixture();
  open = fixture.store;
});
afterEach(async () => {
  await open.close();
  await fixture.database.drop();
});

const KEY = { email: 'sa@x.example', clientId: '109', keyId: 'k1', privateKey: 'the private key' };
const ACME = { tenant: 'acme', name: 'acme', project: null, domains: ['acme.example'], key: KEY };
const ANN = { tenant: 'acme', email: 'Ann@Acme.example', delegation: 'acme' };

test('an account of the tenant and domain gets the key, any other gets a reason', async () => {
  const { delegations } = fixture.store;
  await expect(delegations.set({ ...ACME, domains: [] })).rejects.toThrow('name its domains');
  expect(await delegations.set(ACME)).toEqual({ created: true, resumed: 0 });
  expect(await delegations.grantFor(ANN)).toMatchObject({
    project: 'default',
    grant: { kind: 'delegated', clientId: '109', key: { privateKey: KEY.privateKey } },
  });
  await expect(delegations.grantFor({ ...ANN, tenant: 'other' })).rejects.toThrow(
    'not one of its tenant',
  );
  await expect(delegations.grantFor({ ...ANN, email: 'ann@acme.example.org' })).rejects.toThrow(
    'not of a domain',
  );
  const { rows } = await fixture.database.pool.query(
    'SELECT d::text AS row FROM syncline.delegations d',
  );
  expect(JSON.stringify(rows)).not.toContain(KEY.privateKey);
});

test('a replaced key is the one of every account, whose cached tokens are not used any more', async () => {
  const { delegations, accounts, vault } = fixture.store;
  await delegations.set(ACME);
  const { id } = await accounts.import({ ...ANN, refreshToken: null });
  const before = await vault.grant(id);
  await delegations.set({ ...ACME, domains: [], key: { ...KEY, privateKey: 'another key' } });
  const after = await vault.grant(id);
  expect([before, after]).toMatchObject([
    { kind: 'delegated', subject: ANN.email, key: { privateKey: KEY.privateKey }, version: 0 },
    { kind: 'delegated', key: { privateKey: 'another key' }, version: 1 },
  ]);
  expect(await delegations.remove('acme', 'acme')).toEqual({ accounts: 1 });
});

test('a rotation of the master key seals it again', async () => {
  await fixture.store.delegations.set(ACME);
  await fixture.store.close();
  const rotated = (open = await openStore(fixture.rt, {
    databaseUrl: fixture.database.url,
    masterKey: randomBytes(32),
    oldMasterKey: fixture.masterKey,
    poolSize: 3,
    takesOtherKey: true,
  }));
  const { masterKeyRotation: rotation } = rotated;
  await rotation.begin();
  for (let cursor = rotation.start(); cursor !== null;)
    ({ next: cursor } = await rotation.reseal(cursor, 10));
  expect(await rotation.remaining()).toEqual({ old: 0, lost: 0 });
  expect(await rotation.end()).toEqual([]);
  expect(await rotated.delegations.grantFor(ANN)).toMatchObject({
    grant: { key: { privateKey: KEY.privateKey } },
  });
});
