import { GoogleError, type Google } from '@syncline/google';
import type { AccountView } from '@syncline/store';
import { startWorld, type World } from '../../../test/support/world.js';
import { findAccount } from './accounts/find.js';
import { fillAccountAddresses } from './addresses.js';
import { exportMirror } from './mirror.js';
import { removeAccount, removeResource, type RemovalStep } from './removal.js';
import { fetchAttachment } from './resources/gmail/attachment.js';
import { readSource } from './resources/gmail/source.js';
import { connectedResources, repairMirror, verifyMirror } from './verification.js';

/* Requests to Google go to the simulator; each test continues from the one before. */

const CONFIG: Parameters<typeof verifyMirror>[1]['config'] = {
  mirror: { bodies: 'full', exclude: [], windowDays: null },
  poll: { activeMs: 60_000, idleMs: 900_000 },
};

let world: World;
let verifying: Parameters<typeof verifyMirror>[1];
beforeAll(async () => {
  world = await startWorld({
    seed: 51,
    accounts: 2,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  await world.catchUp();
  verifying = { store: world.store, google: world.google, config: CONFIG };
});
afterAll(() => world.close());

async function first(): Promise<AccountView> {
  return (await world.store.accounts.list())[0]!;
}

async function ids(resource: 'gmail' | 'calendar'): Promise<string[]> {
  const found: string[] = [];
  for await (const row of exportMirror(world, await first(), resource))
    found.push(JSON.stringify(row));
  return found;
}

test('what an account has connected can be compared, and a complete mirror has no differences', async () => {
  const account = await first();
  expect(connectedResources(account)).toEqual(['gmail', 'calendar']);
  const checked: number[] = [];
  const verified = await verifyMirror(world.rt, verifying, { account, resource: 'gmail' }, (n) =>
    checked.push(n),
  );
  expect(verified).toMatchObject({ kind: 'compared', isEqual: true, report: { checked: 20 } });
  expect(checked.at(-1)).toBe(20);
});

test('what was lost is named, and the repair reads it again', async () => {
  const account = await first();
  const [lost] = (await ids('gmail')).map((row) => (JSON.parse(row) as { id: string }).id);
  await world.database.pool.query(
    'DELETE FROM syncline.gmail_messages WHERE account_id = $1 AND id = $2',
    [account.id, lost],
  );
  const verified = await verifyMirror(world.rt, verifying, { account, resource: 'gmail' });
  if (verified.kind !== 'compared') throw new Error(verified.kind);
  expect(verified).toMatchObject({ isEqual: false, report: { missing: [lost] } });
  expect(await repairMirror(world.rt, verifying, account, verified.report)).toEqual({
    kind: 'repaired',
  });
  expect(await ids('gmail')).toHaveLength(20);
});

test('the source of a message is not kept unless raw bodies are', async () => {
  const account = await first();
  const [row] = await ids('gmail');
  const { id } = JSON.parse(row!) as { id: string };
  expect(await readSource(world, account, id)).toEqual({ kind: 'no-source' });
  expect(await readSource(world, account, 'nothing')).toEqual({ kind: 'no-message' });
});

test('an attachment that Google does not have is no error', async () => {
  const [row] = await ids('gmail');
  const { id } = JSON.parse(row!) as { id: string };
  const needed = { messageId: id, partId: '99' };
  expect(await fetchAttachment(world.rt, world, await first(), needed)).toEqual({
    kind: 'no-attachment',
  });
});

test('messages that have their addresses are left as they are', async () => {
  expect(await fillAccountAddresses(world.rt, world, await first())).toBe(0);
});

test('a resource is removed with its rows, and the last one is not', async () => {
  const { email } = await first();
  const named = async (): Promise<Parameters<typeof removeResource>[2]['account']> => {
    const found = await findAccount(world, { email });
    if (found.kind !== 'found') throw new Error(found.kind);
    return found.found;
  };
  const remove = async (resource: 'gmail' | 'calendar'): ReturnType<typeof removeResource> =>
    removeResource(world.rt, world, { account: await named(), resource });
  expect(await remove('calendar')).toMatchObject({ kind: 'removed', resources: ['gmail'] });
  expect(await ids('calendar')).toEqual([]);
  expect(await remove('calendar')).toEqual({ kind: 'refused', because: 'not-mirrored' });
  expect(await remove('gmail')).toEqual({ kind: 'refused', because: 'last-resource' });
});

test('an account is removed with its grant, and every step is reported', async () => {
  const account = await first();
  const steps: RemovalStep[] = [];
  const input = { account, keepGrant: false };
  expect(await removeAccount(world.rt, world, input, (step) => steps.push(step))).toMatchObject({
    kind: 'removed',
    grant: 'revoked',
    sharedWith: [],
    rows: expect.any(Number),
  });
  expect(steps.map(({ step }) => step)).toContain('revoked');
  expect(await world.store.accounts.list()).toHaveLength(1);
});

test('a grant that cannot be revoked yet is named with the key that is missing, and the account is stopped', async () => {
  const account = await first();
  const missing = new GoogleError('oauth2.revoke', { kind: 'key-missing', keyId: 'k1' });
  const google: Google = { ...world.google, revoke: () => Promise.reject(missing) };
  const deps = { store: world.store, google };
  expect(await removeAccount(world.rt, deps, { account, keepGrant: false })).toEqual({
    kind: 'grant-not-revoked',
    error: missing,
    missingKey: 'k1',
  });
  expect(await first()).toMatchObject({ state: 'removing' });
});
