import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { PageCommit } from './commit-page.js';
import type { Phase } from './lease.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

const pageOf = (phase: Phase): PageCommit => ({ cursor: { phase }, phase, generation: 1, delta: { kind: 'none' } });

test('whoever follows does not wait for the pages of walks, which come one after the other then', async () => {
  const [mailbox, list] = [await claim(fixture, fixture.accountId, 'gmail'), await claim(fixture, fixture.accountId, 'calendar-list')];
  const hindrance = await fixture.database.pool.connect();
  const written: string[] = [];
  const write = (name: string, lease: typeof mailbox, phase: Phase): Promise<unknown> => fixture.store.commitPage(lease, pageOf(phase)).then(() => written.push(name));
  try {
    await hindrance.query('BEGIN');
    await hindrance.query('SELECT id FROM collections WHERE id = $1 FOR UPDATE', [mailbox.collectionId]);
    const walk = write('walk', mailbox, 'backfill');
    const following = write('following', list, 'follow');
    const nextWalk = write('next walk', list, 'backfill');
    await following;
    expect(written).toEqual(['following']);
    await hindrance.query('ROLLBACK');
    await Promise.all([walk, nextWalk]);
    expect(written).toEqual(['following', 'walk', 'next walk']);
  } finally {
    hindrance.release();
  }
});
