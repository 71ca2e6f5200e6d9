import type { Lease, PageCommit } from '@syncline/store';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { throttleWrites } from './write-throttle.js';

let fixture: StoreFixture;
beforeEach(async () => {
  fixture = await storeFixture();
  fixture.store = throttleWrites(fixture.rt, fixture.store, 5);
});
afterEach(async () => {
  await fixture.store.close();
  await fixture.database.drop();
});

const pageOf = (
  phase: Lease['phase'],
  delta: PageCommit['delta'] = { kind: 'none' },
): PageCommit => ({
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

/** More checks than a page without a wait needs. */
const CHANGES_CHECKS = 20;

/**
 * Runs writes while the mailbox's row is locked. `meanwhile` ends before the lock is released; the
 * full syncs that it returns end after it.
 * @returns the order of the writes
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
  const blocker = await fixture.database.pool.connect();
  const written: string[] = [];
  try {
    await blocker.query('BEGIN');
    await blocker.query('SELECT id FROM syncline.collections WHERE id = $1 FOR UPDATE', [
      mailbox.collectionId,
    ]);
    const fullSyncs = await meanwhile(
      (name, lease, page) =>
        fixture.store.leases.commitPage(lease, page).then(() => written.push(name)),
      mailbox,
      list,
    );
    written.push('let go');
    await blocker.query('ROLLBACK');
    await Promise.all(fullSyncs);
    return written;
  } finally {
    blocker.release();
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
  // All sessions are opened before. A session that opens later would be indistinguishable from one
  // that waits for its turn.
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
      // A full sync that did not wait would be written between the checks.
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
