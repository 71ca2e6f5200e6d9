import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { dropQuarantined, listQuarantine, retryQuarantined } from './quarantine.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
  await fixture.database.pool.query(
    `INSERT INTO syncline.quarantined_items (account_id, collection_id, item_id, reason)
     SELECT account_id, id, item, 'it cannot be read'
     FROM syncline.collections, unnest(ARRAY['m1', 'm2', 'm3']) AS item
     WHERE kind = 'gmail'`,
  );
});
afterEach(() => fixture.close());

const account = (): { id: string } => ({ id: fixture.accountId });
const left = async (): Promise<string[]> =>
  (await listQuarantine(fixture, [account()])).map(({ itemId }) => itemId).sort();

test('the list is that of the accounts, or of all', async () => {
  expect(await left()).toEqual(['m1', 'm2', 'm3']);
  expect(await listQuarantine(fixture, [])).toEqual([]);
  expect(await listQuarantine(fixture, null)).toHaveLength(3);
});

test('items are retried by name, and an unknown name is counted', async () => {
  expect(await retryQuarantined(fixture, account(), ['m1', 'nothing'])).toEqual({
    changed: 1,
    unknown: 1,
  });
});

test('without a name all items of the account are retried', async () => {
  expect(await retryQuarantined(fixture, account(), [])).toEqual({ changed: 3, unknown: 0 });
});

test('dropped items are no longer in quarantine', async () => {
  expect(await dropQuarantined(fixture, account(), ['m1', 'm2', 'nothing'])).toEqual({
    changed: 2,
    unknown: 1,
  });
  expect(await left()).toEqual(['m3']);
});
