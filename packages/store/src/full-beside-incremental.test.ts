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
const CHANGES_CHECKS = 20;

/**
 * What is written while the mailbox's row is held: `meanwhile` ends before the row is let go of,
 * the full syncs it returns after that.
 * @returns in which order
 */
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
    const fullSyncs = await meanwhile(
      (name, lease, page) => fixture.store.commitPage(lease, page).then(() => written.push(name)),
      mailbox,
      list,
    );
    written.push('let go');
    await hindrance.query('ROLLBACK');
    await Promise.all(fullSyncs);
    return written;
  } finally {
    hindrance.release();
  }
}

test('incremental pages, and items taken one by one, do not wait for pages of full syncs, which come one after the other when a change has just been applied', async () => {
  const written = await writtenBeside(async (write, mailbox, list) => {
    await write('change', list, pageOf('incremental', CHANGE));
    const fullSyncs = [
      write('full sync', mailbox, pageOf('full')),
      write('next full sync', list, pageOf('full')),
    ];
    await write('incremental', list, pageOf('incremental'));
    await write('crashIsolation', list, { ...pageOf('full'), crashIsolation: true });
    return fullSyncs;
  });
  expect(written).toEqual([
    'change',
    'incremental',
    'crashIsolation',
    'let go',
    'full sync',
    'next full sync',
  ]);
});

test('a notification makes full syncs yield before its change is found, a poll does not', async () => {
  // All sessions are open before: one that has to be opened first comes too late to be told from one that waits its turn.
  await Promise.all(Array.from({ length: 4 }, () => fixture.store.ping()));
  for (const notified of [false, true]) {
    await fixture.database.pool.query(
      "UPDATE syncline.collections SET lease_until = NULL, phase = 'incremental', notified_at = CASE WHEN $1 THEN now() END WHERE kind = 'calendar-list'",
      [notified],
    );
    await fixture.database.pool.query('UPDATE syncline.collections SET lease_until = NULL');
    const written = await writtenBeside(async (write, mailbox, list) => {
      const fullSyncs = [
        write('full sync', mailbox, pageOf('full')),
        write('next full sync', list, pageOf('full')),
      ];
      if (!notified) await fullSyncs[1];
      // A full sync that did not wait would be written among them.
      else
        for (let n = 0; n < CHANGES_CHECKS; n++)
          await write('incremental', list, pageOf('incremental'));
      return fullSyncs;
    });
    expect(written).toEqual(
      notified
        ? [
            ...Array<string>(CHANGES_CHECKS).fill('incremental'),
            'let go',
            'full sync',
            'next full sync',
          ]
        : ['next full sync', 'let go', 'full sync'],
    );
  }
});
