import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/* Access to calendars comes and goes, mostly behind the calendar list's back; it is never a matter of the whole account. */

let world: World;
let email: string;

beforeEach(async () => {
  world = await startWorld({
    seed: 61,
    accounts: 1,
    messagesPerAccount: 3,
    calendarsPerAccount: 3,
    eventsPerCalendar: 20,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
});
afterEach(() => world.close());

interface CollectionRow {
  external_id: string;
  state: string;
  error: string | null;
  generation: number;
}
const collections = async (): Promise<CollectionRow[]> =>
  (
    await world.database.pool.query(
      "SELECT external_id, state, error, generation FROM syncline.collections WHERE kind = 'calendar-events' ORDER BY external_id",
    )
  ).rows as CollectionRow[];
const collection = async (id: string): Promise<CollectionRow | undefined> =>
  (await collections()).find((row) => row.external_id === id);
const eventCount = async (id: string): Promise<number> =>
  Number(
    (
      (
        await world.database.pool.query(
          'SELECT count(*) FROM syncline.calendar_events WHERE calendar_id = $1',
          [id],
        )
      ).rows[0] as { count: string }
    ).count,
  );
const secondary = async (): Promise<string> =>
  (await collections()).find((row) => row.external_id.startsWith('c_'))!.external_id;
const listAgeRunsOut = (): Promise<unknown> =>
  world.database.pool.query(
    "UPDATE syncline.collections SET cursor = cursor || '{\"relistAtMs\":0}' WHERE kind = 'calendar-list'",
  );
const caughtUp = async (): Promise<void> => {
  // A refusal asks for the full list while the first round may have served the list already.
  await world.catchUp();
  await world.catchUp();
};

test('a calendar that is no longer shared is removed, and mirrored again when it is shared again', async () => {
  const id = await secondary();
  const others = (await collections()).filter((row) => row.external_id !== id);
  await world.control.actAs(email, { action: 'calendar-acl-loss', calendarId: id });
  await caughtUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await collection(id)).toMatchObject({
    state: 'gone',
    error: expect.stringContaining('calendar list'),
  });
  expect(await eventCount(id)).toBe(0);
  expect((await collections()).filter((row) => row.external_id !== id)).toEqual(others);
  await world.control.actAs(email, { action: 'calendar-acl-return', calendarId: id });
  await world.catchUp();
  expect((await collection(id))?.state).toBe('gone');
  await listAgeRunsOut();
  await caughtUp();
  expect(await collection(id)).toMatchObject({ state: 'active', error: null });
  expect(await eventCount(id)).toBeGreaterThan(0);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a role lowered to free/busy removes the details; a restored role restores them', async () => {
  const id = await secondary();
  const summaries = async (): Promise<number> =>
    Number(
      (
        (
          await world.database.pool.query(
            'SELECT count(summary) FROM syncline.calendar_events WHERE calendar_id = $1',
            [id],
          )
        ).rows[0] as { count: string }
      ).count,
    );
  const before = await summaries();
  expect(before).toBeGreaterThan(0);
  await world.control.actAs(email, {
    action: 'calendar-role',
    calendarId: id,
    role: 'freeBusyReader',
  });
  await listAgeRunsOut();
  await caughtUp();
  expect(await summaries()).toBe(0);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(
    (
      await world.database.pool.query('SELECT access_role FROM syncline.calendars WHERE id = $1', [
        id,
      ])
    ).rows,
  ).toEqual([{ access_role: 'freeBusyReader' }]);
  await world.control.actAs(email, { action: 'calendar-role', calendarId: id, role: 'writer' });
  await caughtUp();
  expect(await summaries()).toBe(before);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a refused calendar that is listed keeps its rows and is retried after a delay', async () => {
  const id = await secondary();
  const before = await eventCount(id);
  await world.database.pool.query(
    "UPDATE syncline.collections SET state = 'gone', gone_at = now(), error = 'refused' WHERE external_id = $1",
    [id],
  );
  await listAgeRunsOut();
  await caughtUp();
  expect(await collection(id)).toMatchObject({ state: 'gone', error: 'refused' });
  expect(await eventCount(id)).toBe(before);
  await world.database.pool.query(
    "UPDATE syncline.collections SET gone_at = now() - interval '2 hours' WHERE external_id = $1",
    [id],
  );
  await caughtUp();
  expect(await collection(id)).toMatchObject({ state: 'active' });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('hidden calendars are mirrored; deleted ones are removed with their events', async () => {
  const id = await secondary();
  await world.control.actAs(email, { action: 'calendar-hide', calendarId: id });
  await caughtUp();
  expect(await eventCount(id)).toBeGreaterThan(0);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  await world.control.actAs(email, { action: 'calendar-show', calendarId: id });
  await world.control.actAs(email, { action: 'calendar-delete', calendarId: id });
  await caughtUp();
  expect(await collection(id)).toMatchObject({ state: 'gone' });
  expect(await eventCount(id)).toBe(0);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
