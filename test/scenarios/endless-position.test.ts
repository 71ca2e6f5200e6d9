import { syncCollection } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Google gives no sync position, or an absurd one. What it gave is stored, and the mirror stays
 * right, slower where nothing else is left.
 */

let world: World;
let email: string;
afterEach(() => world.close());

async function begin(options: Parameters<typeof startWorld>[0] = {}): Promise<void> {
  world = await startWorld({
    seed: 43,
    accounts: 1,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 8,
    ...options,
  });
  email = (await world.control.accounts())[0]!.email;
}

interface Row {
  id: string;
  phase: string;
  generation: number;
  parked: string | null;
  error: string | null;
  failures: number;
  full_syncs_today: number;
  cursor: Record<string, unknown>;
  next_in_ms: number;
  as_of_full_sync: boolean;
}

async function row(kind: string): Promise<Row> {
  const found = await world.database.pool.query<Row>(
    `SELECT id, phase, generation, parked, error, failures, full_syncs_today, cursor,
            (extract(epoch FROM next_sync_at - now()) * 1000)::int AS next_in_ms, caught_up_at <= full_sync_started_at AS as_of_full_sync
       FROM syncline.collections WHERE kind = $1 AND external_id NOT LIKE '%holiday%' ORDER BY external_id LIMIT 1`,
    [kind],
  );
  return found.rows[0]!;
}

const calls = async (method: string): Promise<number> =>
  (await world.control.ledger()).methods[method]?.calls ?? 0;

describe.each([
  ['calendar-events', 'events.list'],
  ['calendar-list', 'calendarList.list'],
] as const)('%s whose last page never has a sync token', (kind, method) => {
  test('is stored and caught up by full syncs at a slow pace that do not count in the budget', async () => {
    await begin();
    await world.control.fault({ kind: 'no-sync-token', method });
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    const first = await row(kind);
    expect(first).toMatchObject({
      phase: 'incremental',
      parked: null,
      failures: 0,
      full_syncs_today: 0,
      error: 'Google gives no sync token here; it is synced in full about every 30 minutes',
    });
    expect(first.next_in_ms).toBeGreaterThan(26 * 60_000);

    world.simulator.actAtRandom(40);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    const second = await row(kind);
    expect(second).toMatchObject({ failures: 0, full_syncs_today: 0, parked: null });
    expect(second.generation).toBe(first.generation + 1);

    await world.control.clearFaults();
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    const healed = await row(kind);
    expect(healed).toMatchObject({ phase: 'incremental', error: null });
    expect(typeof healed.cursor['syncToken']).toBe('string');
    world.simulator.actAtRandom(10);
    await world.catchUp();
    expect(await row(kind)).toMatchObject({ generation: healed.generation });
  });

  test('keeps its token when a later listing ends without one', async () => {
    await begin();
    await world.catchUp();
    const before = await row(kind);
    await world.control.fault({ kind: 'no-sync-token', method });
    world.simulator.actAtRandom(30);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect(await row(kind)).toMatchObject({
      generation: before.generation,
      failures: 0,
      error: 'Google gave no new sync token; changes are read again from the last one',
    });
    await world.control.clearFaults();
    world.simulator.actAtRandom(30);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect(await row(kind)).toMatchObject({ generation: before.generation, error: null });
  });
});

test('a full sync without a token over several runs is caught up as of its beginning, not as of its last run', async () => {
  await begin({ largestPage: 2 });
  const slice = async (kind: string, sliceMs: number): Promise<string> =>
    (
      await syncCollection(
        world.rt,
        {
          store: world.store,
          google: world.google,
          policy: { activeMs: 60_000, idleMs: 900_000 },
        },
        (await row(kind)).id,
        { sliceMs, signal: new AbortController().signal },
      )
    ).kind;
  await slice('calendar-list', 10_000);
  await world.control.fault({ kind: 'no-sync-token', method: 'events.list' });
  let runs = 0;
  while ((await slice('calendar-events', 0)) === 'more') runs += 1;
  expect(runs).toBeGreaterThan(2);
  expect(await row('calendar-events')).toMatchObject({
    phase: 'incremental',
    as_of_full_sync: true,
  });
  expect(await slice('calendar-events', 0)).toBe('snoozed');
});

test.each(['no-history-id', 'garbled-history-id'])(
  'a mailbox whose responses all have %s is mirrored by full syncs that fetch nothing twice',
  async (kind) => {
    await begin();
    await world.control.fault({ kind });
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect(await row('gmail')).toMatchObject({
      phase: 'incremental',
      parked: null,
      failures: 0,
      full_syncs_today: 0,
      error:
        'Google gives no history id for this mailbox; it is synced in full about every 6 hours',
    });
    const fetched = await calls('messages.get');
    await world.control.actAs(email, { action: 'deliver' });
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect((await calls('messages.get')) - fetched).toBeLessThan(4);
    await world.control.clearFaults();
    await world.catchUp();
    expect(await row('gmail')).toMatchObject({ error: null, full_syncs_today: 0 });
    expect((await row('gmail')).cursor['after']).not.toBe('0');
  },
);

test('without a history id in the profile, history is read from the newest message', async () => {
  await begin();
  await world.control.fault({ kind: 'no-history-id', method: 'getProfile' });
  await world.catchUp();
  world.simulator.actAtRandom(30);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await row('gmail')).toMatchObject({ generation: 1, error: null, phase: 'incremental' });
});

test.each(['no-history-id', 'garbled-history-id', 'old-history-id'])(
  'history with %s is applied by its records, and the position never decreases',
  async (kind) => {
    await begin({ largestPage: 5 });
    await world.catchUp();
    const before = BigInt(String((await row('gmail')).cursor['after']));
    await world.control.fault({ kind, method: 'history.list' });
    world.simulator.actAtRandom(40);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    const after = await row('gmail');
    expect(after).toMatchObject({ generation: 1, error: null });
    expect(BigInt(String(after.cursor['after']))).toBeGreaterThanOrEqual(before);
    await world.control.clearFaults();
    world.simulator.actAtRandom(10);
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    expect(await row('gmail')).toMatchObject({ generation: 1 });
  },
);
