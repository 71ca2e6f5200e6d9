import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import type { PageCommit } from './commit-page.js';
import type { Lease, Phase } from './lease.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
});
afterEach(() => fixture.close());

const pageOf = (phase: Phase, delta: PageCommit['delta'] = { kind: 'none' }): PageCommit => ({
  cursor: { phase },
  phase,
  generation: 1,
  delta,
});
const CHANGE: PageCommit['delta'] = {
  kind: 'calendar-list',
  removed: [],
  calendars: [
    {
      id: 'c',
      summary: 'C',
      timeZone: 'UTC',
      accessRole: 'owner',
      isPrimary: false,
      resource: '{}',
    },
  ],
};

/** More than enough for a page that waits for nobody. */
const LOOKS = 20;

/** What is written while the mailbox's row is held: `meanwhile` ends before the row is let go of, the walks it returns after that. @returns in which order */
async function writtenBeside(
  meanwhile: (
    write: (name: string, lease: Lease, page: PageCommit) => Promise<unknown>,
    mailbox: Lease,
    list: Lease,
  ) => Promise<Promise<unknown>[]>,
): Promise<string[]> {
  const [mailbox, list] = [
    await claim(fixture, fixture.accountId, 'gmail'),
    await claim(fixture, fixture.accountId, 'calendar-list'),
  ];
  const hindrance = await fixture.database.pool.connect();
  const written: string[] = [];
  try {
    await hindrance.query('BEGIN');
    await hindrance.query('SELECT id FROM syncline.collections WHERE id = $1 FOR UPDATE', [
      mailbox.collectionId,
    ]);
    const walks = await meanwhile(
      (name, lease, page) => fixture.store.commitPage(lease, page).then(() => written.push(name)),
      mailbox,
      list,
    );
    written.push('let go');
    await hindrance.query('ROLLBACK');
    await Promise.all(walks);
    return written;
  } finally {
    hindrance.release();
  }
}

test('whoever follows, or takes items one by one, does not wait for the pages of walks, which come one after the other when a change has just been followed', async () => {
  const written = await writtenBeside(async (write, mailbox, list) => {
    await write('change', list, pageOf('follow', CHANGE));
    const walks = [
      write('walk', mailbox, pageOf('backfill')),
      write('next walk', list, pageOf('backfill')),
    ];
    await write('following', list, pageOf('follow'));
    await write('careful', list, { ...pageOf('backfill'), careful: true });
    return walks;
  });
  expect(written).toEqual(['change', 'following', 'careful', 'let go', 'walk', 'next walk']);
});

test('a doorbell makes walks stand back before its change is found, a look that nobody asked for does not', async () => {
  // All sessions are open before: one that has to be opened first comes too late to be told from one that waits its turn.
  await Promise.all(Array.from({ length: 4 }, () => fixture.store.ping()));
  for (const rung of [false, true]) {
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = NULL, phase = 'follow', rung_at = CASE WHEN $1 THEN now() END WHERE kind = 'calendar-list'",
      [rung],
    );
    await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
    const written = await writtenBeside(async (write, mailbox, list) => {
      const walks = [
        write('walk', mailbox, pageOf('backfill')),
        write('next walk', list, pageOf('backfill')),
      ];
      if (!rung) await walks[1];
      // A walk that did not wait would be written among them.
      else for (let n = 0; n < LOOKS; n++) await write('following', list, pageOf('follow'));
      return walks;
    });
    expect(written).toEqual(
      rung
        ? [...Array<string>(LOOKS).fill('following'), 'let go', 'walk', 'next walk']
        : ['next walk', 'let go', 'walk'],
    );
  }
});
