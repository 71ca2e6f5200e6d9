import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { PageCommit } from './commit-page.js';
import type { Phase } from './lease.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture(); // Five sessions, so one page of a walk at a time.
});
afterAll(() => fixture.close());

const pageOf = (phase: Phase): PageCommit => ({ cursor: { phase }, phase, generation: 1, delta: { kind: 'none' } });

test('a page of a walk waits for its turn, and whoever follows does not wait for walks', async () => {
  const [mailbox, list] = [await claim(fixture, fixture.accountId, 'gmail'), await claim(fixture, fixture.accountId, 'calendar-list')];
  const hindrance = await fixture.database.pool.connect();
  const written: string[] = [];
  const write = (name: string, lease: typeof mailbox, phase: Phase): Promise<unknown> => fixture.store.commitPage(lease, pageOf(phase)).then(() => written.push(name));
  try {
    await hindrance.query('BEGIN');
    await hindrance.query('SELECT id FROM collections WHERE id = $1 FOR UPDATE', [mailbox.collectionId]);
    const walks = [write('first walk', mailbox, 'backfill'), write('second walk', list, 'backfill')];
    await write('following', list, 'follow');
    expect(written).toEqual(['following']);
    await hindrance.query('ROLLBACK');
    await Promise.all(walks);
    expect(written).toEqual(['following', 'first walk', 'second walk']);
  } finally {
    hindrance.release();
  }
});
