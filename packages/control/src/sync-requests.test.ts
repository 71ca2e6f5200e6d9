import type { NamedAccount } from '@syncline/store';
import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import {
  requestSync,
  waitUntilCaughtUp,
  type BehindCollection,
  type WaitProgress,
} from './sync-requests.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

async function ada(): Promise<NamedAccount> {
  return (await fixture.store.accounts.named(['ada@example.com']))[0]!;
}

const kindsOf = (waiting: readonly BehindCollection[]): string[] =>
  waiting.map(({ kind }) => kind).sort();

test('a request for one resource is about its collections only', async () => {
  const since = await fixture.store.schedule.requestSync([fixture.accountId]);
  const asked = await requestSync(fixture, await ada(), { resource: 'gmail', full: true });
  expect(asked).toMatchObject({
    kind: 'requested',
    requestedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  });
  expect(asked.kind === 'requested' && Date.parse(asked.requestedAt)).toBeGreaterThanOrEqual(
    Date.parse(`${since.slice(0, 10)}T00:00:00Z`),
  );
  const [view] = await fixture.store.accounts.list();
  const requested = view!.collections.map(({ kind, requestedAt }) => [kind, requestedAt] as const);
  const [mailbox, list] = ['gmail', 'calendar-list'].map(
    (kind) => requested.find(([one]) => one === kind)?.[1]?.getTime() ?? 0,
  );
  expect(mailbox).toBeGreaterThan(list!);
});

test('an account that is not active is not synced, and the state is the answer', async () => {
  await fixture.store.accounts.pause(fixture.accountId);
  expect(await requestSync(fixture, await ada())).toMatchObject({
    kind: 'not-active',
    state: 'paused',
  });
});

test('what is not caught up at the timeout is named', async () => {
  const seen: WaitProgress[] = [];
  const waiting = await waitUntilCaughtUp(
    fixture.rt,
    fixture,
    { accounts: [await ada()], timeoutMs: 250 },
    (progress) => void seen.push(progress),
  );
  expect(kindsOf(waiting)).toEqual(['calendar-list', 'gmail']);
  expect(seen.length).toBeGreaterThan(1);
  expect(seen[0]).toMatchObject({ total: 2 });
});

test('the waiting ends when every collection is caught up', async () => {
  const seen: WaitProgress[] = [];
  let syncing: Promise<unknown> = Promise.resolve();
  const waiting = await waitUntilCaughtUp(
    fixture.rt,
    fixture,
    { accounts: null, timeoutMs: 30_000 },
    (progress) => {
      if (seen.push(progress) === 1)
        // A run that began after the request writes the same.
        syncing = fixture.database.pool.query(
          "UPDATE syncline.collections SET caught_up_at = now(), phase = 'incremental'",
        );
    },
  );
  await syncing;
  expect(waiting).toEqual([]);
  expect(seen.at(-1)).toEqual({ waiting: [], total: 2 });
});
