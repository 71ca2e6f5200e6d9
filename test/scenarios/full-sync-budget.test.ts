import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Six full syncs a day is what a sync position that Google disowns may cost. Full syncs that
 * somebody wanted, and the calendar list's own full reads, are not of that kind: they must not use
 * the budget up.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld({
    seed: 73,
    accounts: 1,
    messagesPerAccount: 5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 5,
  });
  await world.catchUp();
});
afterAll(() => world.close());

const bend = (kind: string, patch: object): Promise<unknown> =>
  world.database.pool.query(
    'UPDATE syncline.collections SET cursor = cursor || $2::jsonb, next_sync_at = now() WHERE kind = $1',
    [kind, JSON.stringify(patch)],
  );
const collection = async (
  kind: string,
): Promise<{ id: string; parked: string | null; generation: number; full_syncs_today: number }> =>
  (
    await world.database.pool.query(
      'SELECT id, parked, generation, full_syncs_today FROM syncline.collections WHERE kind = $1 ORDER BY external_id',
      [kind],
    )
  ).rows[0];

async function run(kind: string): Promise<void> {
  const { id } = await collection(kind);
  for (let outcomeKind = 'more'; outcomeKind === 'more';)
    ({ kind: outcomeKind } = await syncCollection(
      world.rt,
      { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } },
      id,
      { sliceMs: 5_000, signal: new AbortController().signal },
    ));
}

test('full reads of the calendar list do not count in its budget, and an expired sync position still causes a full sync', async () => {
  for (let relist = 0; relist < 8; relist++) {
    await bend('calendar-list', { relistAtMs: 0 });
    await run('calendar-list');
  }
  expect(await collection('calendar-list')).toMatchObject({ generation: 9, full_syncs_today: 0 });
  await bend('calendar-list', { syncToken: 'garbage' });
  await run('calendar-list');
  expect(await collection('calendar-list')).toMatchObject({
    parked: null,
    generation: 10,
    full_syncs_today: 1,
  });
});

test('requested full syncs do not count in the budget', async () => {
  for (const kind of ['gmail', 'calendar-events']) {
    for (let request = 0; request < 7; request++) {
      await world.store.schedule.requestRepair((await collection(kind)).id);
      await run(kind);
    }
    expect(await collection(kind)).toMatchObject({ parked: null, full_syncs_today: 0 });
  }
  await bend('calendar-events', { syncToken: 'garbage' });
  await run('calendar-events');
  await bend('gmail', { after: '1' });
  await run('gmail');
  expect([await collection('gmail'), await collection('calendar-events')]).toMatchObject([
    { parked: null, generation: 9, full_syncs_today: 1 },
    { parked: null, full_syncs_today: 1 },
  ]);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
