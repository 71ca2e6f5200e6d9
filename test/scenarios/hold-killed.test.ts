import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* A sweep that waits for its second listing, through workers that are killed: the wait and its data are in Postgres. */

let world: FleetWorld;
afterEach(() => world.close());

const HELD = 'SELECT held_for AS waits FROM syncline.collections WHERE held_since IS NOT NULL';
const WAITING = [{ waits: 'second-listing' }];

test('a held sweep survives kills before, within and after the second listing, and deletes only what both listings lack', async () => {
  world = await startFleetWorld({
    seed: 117,
    accounts: 1,
    messagesPerAccount: 5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 60,
    largestPage: 7,
  });
  const [{ email, refreshToken } = { email: '', refreshToken: '' }] =
    await world.control.accounts();
  await world.import([{ email, refreshToken }]);
  world.start('scheduler');
  let worker = world.start('worker');
  expect((await world.cli('wait', email, '--timeout', '60')).code).toBe(0);
  /** @param listsAgainNow brings the second listing forward, which begins a minute after the first */
  const killed = async (listsAgainNow = false): Promise<void> => {
    worker.kill('SIGKILL');
    if (listsAgainNow)
      await world.rows(
        `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0'), held_until = now(), next_sync_at = now() WHERE cursor ? 'hold'`,
      );
    worker = world.start('worker');
  };
  const stored = async (): Promise<string[]> =>
    (await world.rows<{ id: string }>('SELECT id FROM syncline.calendar_events ORDER BY id')).map(
      ({ id }) => id,
    );
  const before = await stored();
  const events = (await world.control.truth(email, 'calendar')).filter(
    (row) => row['calendarId'] === email,
  ) as unknown as { event: { id: string; recurringEventId?: string } }[];
  const victims = events.filter(({ event }) => !event.recurringEventId).slice(0, 30);
  await world.order('faults', { kind: 'latency', method: 'events.list', ms: 400, probability: 1 });
  await world.control.fault({ kind: 'invalid-sync-token', email });
  for (const { event } of victims)
    await world.control.actAs(email, {
      action: 'event-delete',
      calendarId: email,
      eventId: event.id,
    });
  await world.untilRows(HELD, WAITING);
  await killed(true);
  expect(await stored()).toEqual(before);
  // Within the second listing: its pages strike out what they name.
  const listing = `SELECT count(*)::int AS n FROM syncline.collections WHERE cursor #> '{hold,listing,pageToken}' IS NOT NULL AND cursor #>> '{hold,listing,pageToken}' <> ''`;
  await world.untilRows(listing, [{ n: 1 }], 120_000);
  await killed();
  expect(await stored()).toEqual(before);
  await world.untilRows(
    `SELECT count(*)::int AS n FROM syncline.collections WHERE cursor #>> '{hold,waitsFor}' = 'sweep'`,
    [{ n: 1 }],
    60_000,
  );
  await killed();
  expect((await world.cli('wait', email, '--timeout', '60')).code).toBe(0);
  const truth = (await world.control.truth(email, 'calendar')).map(
    ({ event }) => (event as { id: string }).id,
  );
  expect(await stored()).toEqual(truth.sort());
  await world.untilRows('SELECT count(*)::int AS n FROM syncline.held_items', [{ n: 0 }]);
}, 240_000);
