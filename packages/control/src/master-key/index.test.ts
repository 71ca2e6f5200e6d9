import { randomBytes } from 'node:crypto';
import { openStore, type Store } from '@syncline/store';
import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { retireLostKey, rotateMasterKey, type RotationStep } from './index.js';

const NEW_KEY = randomBytes(32);

let fixture: StoreFixture;
const stores: Store[] = [];
beforeEach(async () => {
  fixture = await storeFixture();
  stores.push(fixture.store);
});

/** Ends the registration of the process that sealed the values. */
async function endOldProcess(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()));
}
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await fixture.database.drop();
});

async function storeWith(oldMasterKey: Buffer | null): Promise<Store> {
  const store = await openStore(fixture.rt, {
    databaseUrl: fixture.database.url,
    masterKey: NEW_KEY,
    oldMasterKey,
    poolSize: 3,
    takesOtherKey: true,
  });
  stores.push(store);
  return store;
}

function depsOf(store: Store): Parameters<typeof rotateMasterKey>[1] {
  return {
    store,
    openTokens: async () => ({ reseal: async () => 1, close: () => undefined }),
  };
}

test('every stored value is sealed with the new key, and each pass is reported', async () => {
  const steps: RotationStep[] = [];
  await endOldProcess();
  const deps = depsOf(await storeWith(fixture.masterKey));
  expect(
    await rotateMasterKey(fixture.rt, deps, { rate: 1_000 }, (step) => steps.push(step)),
  ).toEqual({
    kind: 'rotated',
    rotated: {
      resealed: 1,
      unreadable: 0,
      resealedAccessTokens: 1,
      renewedChannels: 0,
      remaining: 0,
    },
  });
  expect(steps).toEqual([
    { step: 'values', resealed: 1 },
    { step: 'access-tokens', resealed: 1 },
  ]);
});

test('without the previous key the rotation stops, and says how many values are under it', async () => {
  await endOldProcess();
  const deps = depsOf(await storeWith(null));
  expect(await rotateMasterKey(fixture.rt, deps, { rate: 1_000 })).toEqual({
    kind: 'stopped',
    stop: { kind: 'old-key-missing', values: 1 },
  });
});

test('a process that lacks the new key stops the rotation, and is named', async () => {
  const deps = depsOf(await storeWith(fixture.masterKey));
  expect(await rotateMasterKey(fixture.rt, deps, { rate: 1_000 })).toMatchObject({
    kind: 'stopped',
    stop: { kind: 'blocked', by: [{ pid: process.pid, lacksKey: true }] },
  });
});

test('a rotation that is running elsewhere is named', async () => {
  const store = await storeWith(fixture.masterKey);
  const held = await fixture.store.alone('rotate-master', () =>
    rotateMasterKey(fixture.rt, depsOf(store), { rate: 1_000 }),
  );
  expect(held).toMatchObject({
    kind: 'done',
    result: { kind: 'running-elsewhere', holder: { pid: process.pid } },
  });
});

test('a key that a process has is not lost', async () => {
  const { rows } = await fixture.database.pool.query<{ key_id: string }>(
    'SELECT key_id FROM syncline.credentials',
  );
  await expect(retireLostKey(fixture, rows[0]!.key_id)).rejects.toThrow('is not lost');
});
