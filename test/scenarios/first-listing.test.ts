import { syncCollection, type Outcome } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

const CAUGHT_UP = { kind: 'caught-up', changes: expect.any(Number) };

/* The first full listing of a mailbox has no stored rows that it could lack: the profile's count says whether it is complete. */

let world: World;
afterEach(() => world.close());

async function begin(messagesPerAccount: number): Promise<void> {
  world = await startWorld({
    seed: 67,
    accounts: 1,
    messagesPerAccount,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
  });
}

/** Runs until the mailbox rests. */
async function run(): Promise<Outcome> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
  );
  for (;;) {
    const outcome = await syncCollection(
      world.rt,
      {
        store: world.store,
        google: world.google,
        policy: { activeMs: 60_000, idleMs: 900_000, confirmAfterMs: 60_000 },
      },
      rows[0]!.id,
      { sliceMs: 60_000, signal: new AbortController().signal },
    );
    if (outcome.kind !== 'more') return outcome;
  }
}

/** The wait for another listing is over. */
async function minuteLater(): Promise<void> {
  await world.database.pool.query(
    `UPDATE syncline.collections SET held_until = now() - interval '1 s', cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
  );
}

async function mailbox(): Promise<Record<string, unknown>> {
  const { rows } = await world.database.pool.query<Record<string, unknown>>(
    `SELECT held_rows, held_for, (SELECT count(*)::int FROM syncline.gmail_messages) AS messages FROM syncline.collections WHERE kind = 'gmail'`,
  );
  return rows[0]!;
}

const calls = async (method: string): Promise<number> =>
  (await world.control.ledger()).methods[method]?.calls ?? 0;

test('an empty first listing of a mailbox that counts messages is held, and the mailbox is listed again', async () => {
  await begin(30);
  await world.control.fault({ kind: 'empty-listing', method: 'messages.list', count: 1 });
  expect(await run()).toMatchObject({
    kind: 'held',
    reason: 'held: a full listing lacked 30 items; nothing is deleted until it is listed again',
  });
  expect(await mailbox()).toEqual({ held_rows: 30, held_for: 'new-listing', messages: 0 });
  expect(await calls('getProfile')).toBe(1);
  await minuteLater();
  expect(await run()).toEqual(CAUGHT_UP);
  expect(await mailbox()).toEqual({ held_rows: null, held_for: null, messages: 30 });
});

test('a first listing that lacks most of the counted messages is held, and the listed ones are stored', async () => {
  await begin(30);
  await world.control.fault({
    kind: 'omitting-listing',
    method: 'messages.list',
    share: 0.7,
    count: 1,
  });
  expect(await run()).toMatchObject({ kind: 'held' });
  expect((await mailbox())['messages']).toBeGreaterThan(0);
  await minuteLater();
  expect(await run()).toEqual(CAUGHT_UP);
  expect(await mailbox()).toEqual({ held_rows: null, held_for: null, messages: 30 });
});

test('a second listing that is equally short counts as complete, whatever the profile counts', async () => {
  await begin(6);
  await world.control.fault({
    kind: 'altered-answer',
    method: 'getProfile',
    patch: { messagesTotal: 1_000 },
  });
  expect(await run()).toMatchObject({ kind: 'held' });
  await minuteLater();
  expect(await run()).toEqual(CAUGHT_UP);
  expect(await mailbox()).toEqual({ held_rows: null, held_for: null, messages: 6 });
});

test('a mailbox that counts no messages is caught up by one empty listing', async () => {
  await begin(0);
  expect(await run()).toEqual(CAUGHT_UP);
  expect(await calls('messages.list')).toBe(1);
});
