import type { NamedAccount } from '@syncline/store';
import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { findAccount } from './find.js';
import { pauseAccount, resumeAccount, confirmMailbox } from './pause.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

async function ada(): Promise<NamedAccount> {
  const named = await findAccount(fixture, { email: 'ada@example.com' });
  if (named.kind !== 'found') throw new Error(named.kind);
  return named.found;
}

test('an account is paused once, and a second pause says that it was paused already', async () => {
  expect(await pauseAccount(fixture, await ada())).toEqual({ kind: 'paused', already: false });
  expect(await ada()).toMatchObject({ state: 'paused' });
  expect(await pauseAccount(fixture, await ada())).toEqual({ kind: 'paused', already: true });
});

test('a paused account continues when it is resumed', async () => {
  await pauseAccount(fixture, await ada());
  expect(await resumeAccount(fixture, await ada())).toEqual({ kind: 'active' });
  expect(await ada()).toMatchObject({ state: 'active' });
});

test('an account that is being removed is neither paused nor resumed', async () => {
  const { id } = await fixture.store.accounts.import({
    email: 'ben@example.com',
    tenant: 'default',
    refreshToken: '1//secret',
  });
  await fixture.store.removal.begin(id);
  const named = await findAccount(fixture, { email: 'ben@example.com' });
  if (named.kind !== 'found') throw new Error(named.kind);
  expect(await pauseAccount(fixture, named.found)).toEqual({ kind: 'refused', state: 'removing' });
  expect(await resumeAccount(fixture, named.found)).toMatchObject({
    kind: 'refused',
    state: 'removing',
  });
});

test('an account that does not wait for it cannot be confirmed', async () => {
  expect(await confirmMailbox(fixture, await ada())).toBe('not-waiting');
});
