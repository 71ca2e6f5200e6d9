import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { Lease } from './index.js';

/*
 * Texts of Google outside the mirror: reasons and errors are cleaned, so that the outcome of a run
 * can always be written.
 */

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const HOSTILE = `no\0 \ud800 ${'x'.repeat(5_000)}`;
const words = expect.stringMatching(/^no \ufffd x{1990,1996}$/);

async function sql<Row extends object>(text: string): Promise<Row[]> {
  return (await fixture.database.pool.query<Row>(text)).rows;
}
const mailbox = (): Promise<Lease> => claim(fixture, fixture.accountId, 'gmail');

test.each<[string, (lease: Lease) => Promise<unknown>]>([
  [
    'an error at the end of a run',
    (lease) =>
      fixture.store.leases.finish(lease, { result: 'failed', nextInMs: 0, error: HOSTILE }),
  ],
  [
    'the reason of a parked collection',
    (lease) =>
      fixture.store.leases.park(lease, { cause: 'forbidden', reason: HOSTILE, nextInMs: 0 }),
  ],
  ['the reason of a gone collection', (lease) => fixture.store.leases.finishGone(lease, HOSTILE)],
  [
    'the reason of a refused grant',
    (lease) =>
      fixture.store.leases.requireReauth(lease, {
        reason: HOSTILE,
        code: 'grant-refused',
        probeInMs: null,
      }),
  ],
])('%s is cleaned and bounded', async (_, write) => {
  const lease = await mailbox();
  await write(lease);
  expect(
    await sql(`SELECT error FROM syncline.collections WHERE id = '${lease.collectionId}'`),
  ).toEqual([{ error: words }]);
});

test('a watch takes an address, an error and a resource id of any form', async () => {
  const lease = await mailbox();
  await fixture.store.watches.request(lease);
  const held = (await fixture.store.watches.hold(lease.collectionId, 60_000))!;
  await fixture.store.watches.noteAddress(held, 'A\0da@example.com');
  await fixture.store.watches.addChannel(held, 'channel-1', new Date(8.64e14));
  await fixture.store.watches.confirmChannel(held, 'channel-1', 'r\0', new Date(8.64e14));
  await fixture.store.watches.finish(held, {
    state: 'refused',
    nextInMs: 0,
    error: HOSTILE,
    failed: true,
  });
  expect(await sql('SELECT address, error FROM syncline.watches')).toEqual([
    // A text that is not an address is not stored as one. Without the NUL it could be another
    // person's address.
    { address: null, error: words },
  ]);
  expect(await sql('SELECT id, resource_id FROM syncline.channels')).toEqual([
    { id: 'channel-1', resource_id: null },
  ]);
});

test('a reason of quarantine is cleaned and bounded', async () => {
  await fixture.store.leases.commitPage(await mailbox(), {
    cursor: { phase: 'pending' },
    phase: 'pending',
    generation: 1,
    delta: { kind: 'none' },
    progress: { done: Number.NaN, total: Infinity },
    items: { quarantined: [{ id: 'm1', reason: HOSTILE, cause: 'unstorable-id' }] },
  });
  expect(await sql('SELECT item_id, reason FROM syncline.quarantined_items')).toEqual([
    { item_id: 'm1', reason: words },
  ]);
});
