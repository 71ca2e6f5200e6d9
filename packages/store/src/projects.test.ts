import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const ada = {
  email: 'ada@example.com',
  refreshToken: '1//b',
  tenant: 'default',
  resources: ['gmail' as const, 'calendar' as const],
};
const projectOf = async (): Promise<string | undefined> =>
  (await fixture.store.accounts.list(['ada@example.com']))[0]?.project;

test('an account is in the default project, moves with a token of another, and stays there when a token is renewed', async () => {
  expect(await projectOf()).toBe('default');
  await fixture.store.accounts.import({ ...ada, project: 'b' });
  expect(await projectOf()).toBe('b');
  await fixture.store.accounts.import(ada);
  expect(await projectOf()).toBe('b');
  expect((await claim(fixture, fixture.accountId, 'gmail')).project).toBe('b');
});

test("a token is given to its own project only: another's client would spoil the grant's name at Google", async () => {
  await fixture.store.accounts.import({ ...ada, project: 'b' });
  expect(await fixture.store.vault.grant(fixture.accountId, 'b')).toMatchObject({
    refreshToken: '1//b',
  });
  await expect(fixture.store.vault.grant(fixture.accountId, 'default')).rejects.toThrow(
    'belongs to the Google project "b", but was requested for the project "default"',
  );
});

test('the ledger of the day knows the project of what was spent', async () => {
  await fixture.store.accounts.import({ ...ada, project: 'b' });
  await fixture.store.quota.record(fixture.accountId, [
    { method: 'gmail.users.messages.get', calls: 2, units: 40 },
  ]);
  expect(await fixture.store.quota.today()).toMatchObject([
    { email: 'ada@example.com', project: 'b', units: 40 },
  ]);
});
