import { syncCollection } from '@syncline/sync';
import { onSentStatement } from '../support/sent-statements.js';
import { startWorld, type World } from '../support/world.js';

/* The statements of a sync without changes determine how many quiet accounts a fleet can have. */

let world: World;
const sent: string[] = [];
beforeAll(async () => {
  onSentStatement(({ name, text }) => sent.push(name.replace(/_[0-9a-f]{32}$/, '') || text));
  world = await startWorld({
    seed: 31,
    accounts: 1,
    messagesPerAccount: 10,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  await world.catchUp();
}, 60_000);
afterAll(async () => {
  jest.restoreAllMocks();
  await world.close();
});

test('a sync without changes claims the lease and finishes with one statement each', async () => {
  for (const id of await collections()) {
    await syncOnce(id);
    sent.length = 0;
    await syncOnce(id);
    const [first, ...others] = sent;
    expect([first, others.pop()]).toEqual(['lease-claim', 'collection-finish']);
    // Between them a new sync position is stored, when Google has returned one.
    expect([[], [expect.stringContaining('BEGIN'), 'commit-fence', 'COMMIT']]).toContainEqual(
      others,
    );
  }
});

test('a run that ends with an outcome leaves no row of crashes', async () => {
  for (const id of await collections()) await syncOnce(id);
  const { rows } = await world.database.pool.query('SELECT 1 FROM syncline.collection_crashes');
  expect(rows).toEqual([]);
});

async function collections(): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.collections ORDER BY kind',
  );
  return rows.map(({ id }) => id);
}

async function syncOnce(id: string): Promise<void> {
  const policy = { activeMs: 60_000, idleMs: 900_000 };
  const run = { sliceMs: 5_000, signal: new AbortController().signal };
  const outcome = await syncCollection(world.rt, { ...world, policy }, id, run);
  expect(outcome.kind).toBe('caught-up');
}
