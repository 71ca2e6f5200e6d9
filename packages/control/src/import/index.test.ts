import { storeFixture, type StoreFixture } from '../../../../test/support/database.js';
import { importAccounts, type ImportStep } from './index.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

async function* contentOf(...lines: (object | string)[]): AsyncGenerator<string> {
  for (const line of lines) yield `${typeof line === 'string' ? line : JSON.stringify(line)}\n`;
}

test('accounts are connected or renewed, and a refused line is reported and keeps nothing back', async () => {
  const steps: ImportStep[] = [];
  const refreshToken = '1//secret-refresh-token';
  const summary = await importAccounts(
    fixture.rt,
    { store: fixture.store, google: null },
    {
      content: contentOf(
        { email: 'new@example.com', refreshToken },
        'not JSON',
        { email: 'ADA@example.com', refreshToken },
        { email: 'other@example.com', refreshToken, project: 'unknown' },
        { email: 'b@example.com', refreshToken, project: 'b' },
      ),
      projects: ['b'],
    },
    (step) => void steps.push(step),
  );
  expect(summary).toEqual({
    created: 2,
    updated: 1,
    failed: [
      { line: 2, problem: 'is not JSON' },
      { line: 4, problem: expect.stringContaining('project is not one that is configured') },
    ],
  });
  expect(steps.filter(({ step }) => step === 'refused')).toHaveLength(2);
  expect(steps.at(-1)).toEqual({ step: 'read', lines: 5 });
  expect(JSON.stringify(steps)).not.toContain(refreshToken);
  const known = await fixture.store.accounts.named(['new@example.com', 'b@example.com']);
  expect(known.map(({ email }) => email).sort()).toEqual(['b@example.com', 'new@example.com']);
});

test('two lines of one account are imported in their order', async () => {
  const summary = await importAccounts(
    fixture.rt,
    { store: fixture.store, google: null },
    {
      content: contentOf(
        { email: 'eve@example.com', refreshToken: '1//first' },
        { email: 'EVE@example.com', refreshToken: '1//second' },
      ),
    },
    () => undefined,
  );
  expect(summary).toEqual({ created: 1, updated: 1, failed: [] });
});
