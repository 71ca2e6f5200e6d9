import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Six walks a day is what a bookmark that Google disowns may cost. Walks that somebody wanted, and the calendar list's own full reads,
 * are not of that kind: they must not use the budget up.
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
): Promise<{ id: string; parked: string | null; generation: number; walks_today: number }> =>
  (
    await world.database.pool.query(
      'SELECT id, parked, generation, walks_today FROM syncline.collections WHERE kind = $1 ORDER BY external_id',
      [kind],
    )
  ).rows[0];

async function run(kind: string): Promise<void> {
  const { id } = await collection(kind);
  for (let ended = 'more'; ended === 'more';)
    ({ kind: ended } = await syncCollection(
      world.rt,
      { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } },
      id,
      { sliceMs: 5_000, signal: new AbortController().signal },
    ));
}

test('full reads of the calendar list leave its budget of walks alone, and an expired bookmark is still walked', async () => {
  for (let relist = 0; relist < 8; relist++) {
    await bend('calendar-list', { relistAtMs: 0 });
    await run('calendar-list');
  }
  expect(await collection('calendar-list')).toMatchObject({ generation: 9, walks_today: 0 });
  await bend('calendar-list', { bookmark: 'garbage' });
  await run('calendar-list');
  expect(await collection('calendar-list')).toMatchObject({
    parked: null,
    generation: 10,
    walks_today: 1,
  });
});

test('full syncs that somebody asked for leave it alone as well', async () => {
  for (const kind of ['gmail', 'calendar-events']) {
    for (let wish = 0; wish < 7; wish++) {
      await world.store.collections.wantWalk((await collection(kind)).id);
      await run(kind);
    }
    expect(await collection(kind)).toMatchObject({ parked: null, walks_today: 0 });
  }
  await bend('calendar-events', { bookmark: 'garbage' });
  await run('calendar-events');
  await bend('gmail', { after: '1' });
  await run('gmail');
  expect([await collection('gmail'), await collection('calendar-events')]).toMatchObject([
    { parked: null, generation: 9, walks_today: 1 },
    { parked: null, walks_today: 1 },
  ]);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
