import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { findAccounts } from './find.js';
import { accountPages, eachAccount } from './list.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  const account = { email: 'ben@example.com', refreshToken: '1//secret' };
  await fixture.store.accounts.import({ ...account, tenant: 'acme' });
});
afterAll(() => fixture.close());

async function emailsOf(accounts: AsyncIterable<{ email: string }>): Promise<string[]> {
  const emails: string[] = [];
  for await (const { email } of accounts) emails.push(email);
  return emails;
}

test('the pages of accounts are those of the filter', async () => {
  const emails: string[] = [];
  for await (const page of accountPages(fixture, { tenant: 'acme' }))
    emails.push(...page.map(({ email }) => email));
  expect(emails).toEqual(['ben@example.com']);
});

test('each account is one of those that were found, or every one when none was named', async () => {
  const found = await findAccounts(fixture, { emails: ['ada@example.com'] });
  if (found.kind !== 'found') throw new Error(found.kind);
  expect(await emailsOf(eachAccount(fixture, found.found))).toEqual(['ada@example.com']);
  expect(await emailsOf(eachAccount(fixture, null))).toEqual([
    'ben@example.com',
    'ada@example.com',
  ]);
});
