import { removeAccount, type RemovalStep } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

/*
 * Google has one grant for a person and client. A removal keeps it while an account that was not
 * checked yet may need it, also when the removed account itself is checked.
 */

let world: World;
let person: { email: string; refreshToken: string };
let checkedId: string;

/** One account, whose grant is checked. */
async function begin(): Promise<void> {
  world = await startWorld({
    seed: 71,
    accounts: 1,
    messagesPerAccount: 5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
  });
  [person] = (await world.control.accounts()) as [typeof person];
  await world.catchUp();
  checkedId = (await world.store.accounts.list())[0]!.id;
}
afterEach(() => world.close());

async function importUnchecked(email: string, tenant = 'two', refreshToken = person.refreshToken) {
  await world.store.accounts.import({ email, refreshToken, tenant, resources: ['gmail'] });
}

/** Grants access again, with these scopes. */
async function consent(email: string, scopes: string[]): Promise<string> {
  const answer = await fetch(`${world.simulator.url}/sim/accounts/${email}/consent`, {
    method: 'POST',
    body: JSON.stringify({ scopes }),
  });
  return ((await answer.json()) as { refreshToken: string }).refreshToken;
}

async function remove(): Promise<object | undefined> {
  const steps: RemovalStep[] = [];
  await removeAccount(world.rt, world, checkedId, (step) => steps.push(step));
  return steps.find(({ step }) => step === 'revoked');
}

const states = async (): Promise<object[]> =>
  (await world.store.accounts.list()).map(({ email, tenant, state }) => ({ email, tenant, state }));

const MAIL_ALONE = ['https://www.googleapis.com/auth/gmail.readonly'];

test.each(['two', 'default'])(
  'keeps the grant for an unchecked account of the same person under a new address, in tenant %s',
  async (tenant) => {
    await begin();
    await world.control.rename(person.email, 'renamed@demo.example');
    await importUnchecked('Renamed@demo.example', tenant);
    expect(await remove()).toMatchObject({ how: 'shared', sharedWith: [tenant] });
    await world.catchUp();
    expect(await states()).toMatchObject([{ tenant, state: 'active' }]);
  },
);

test('keeps the grant for an unchecked account under another spelling of a Gmail address', async () => {
  await begin();
  await world.control.rename(person.email, 'ann.lee@gmail.com');
  await importUnchecked('annlee@gmail.com');
  expect(await remove()).toMatchObject({ how: 'shared', sharedWith: ['two'] });
  await world.catchUp();
  expect(await states()).toMatchObject([{ tenant: 'two', state: 'active' }]);
});

test('keeps the grant for a checked account of the same person whose grant does not name it by sub', async () => {
  await begin();
  await world.control.rename(person.email, 'renamed@demo.example');
  await importUnchecked(
    'renamed@demo.example',
    'two',
    await consent('renamed@demo.example', MAIL_ALONE),
  );
  const second = (await world.store.accounts.list()).find(({ tenant }) => tenant === 'two')!;
  await world.store.identities.bind(second.id, second.grant.number, {
    sub: null,
    address: 'renamed@demo.example',
  });
  expect(await remove()).toMatchObject({ how: 'shared', sharedWith: ['two'] });
});

test('revokes the grant beside an unchecked account of another person', async () => {
  await begin();
  const other = await world.control.addAccount({ email: 'ben@demo.example' });
  await importUnchecked(other.email, 'two', other.refreshToken);
  expect(await remove()).toMatchObject({ how: 'revoked', sharedWith: [] });
  await world.catchUp();
  expect(await states()).toMatchObject([{ email: other.email, state: 'active' }]);
});

test('removes an account whose grant Google refuses, beside an unchecked account of another person', async () => {
  await begin();
  const other = await world.control.addAccount({ email: 'ben@demo.example' });
  await importUnchecked(other.email, 'two', other.refreshToken);
  await world.control.fault({ kind: 'revoke-grant', email: person.email });
  expect(await remove()).toMatchObject({ how: 'already-gone', sharedWith: [] });
});

test('keeps the grant when its owner is unknown and an unchecked account exists', async () => {
  await begin();
  const other = await world.control.addAccount({ email: 'ben@demo.example' });
  await importUnchecked(other.email, 'two', other.refreshToken);
  const { email, tenant } = (await world.store.accounts.list([person.email]))[0]!;
  const refreshToken = await consent(person.email, [
    'https://www.googleapis.com/auth/drive.readonly',
  ]);
  await world.store.accounts.import({ email, tenant, refreshToken });
  const { grant } = (await world.store.accounts.list([email]))[0]!;
  await world.store.identities.bind(checkedId, grant.number, { sub: null, address: email });
  expect(await remove()).toMatchObject({ how: 'maybe-shared', sharedWith: [] });
});
