import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * A sync position from which Google never answers, while it answers otherwise, is replaced by a
 * full sync. What the hour before that leaves in the collection's row is written there by the
 * tests.
 */

let world: World;
let email: string;
afterEach(() => world.close());

const KINDS = ['gmail', 'calendar-list', 'calendar-events'] as const;
type Kind = (typeof KINDS)[number];
const METHODS: Record<Kind, string> = {
  gmail: 'history.list',
  'calendar-list': 'calendarList.list',
  'calendar-events': 'events.list',
};

async function begin(): Promise<void> {
  world = await startWorld({
    seed: 141,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
}

interface Row {
  id: string;
  generation: number;
  phase: string;
  error: string | null;
  full_syncs_today: number;
}

async function row(kind: Kind): Promise<Row> {
  const found = await world.database.pool.query<Row>(
    `SELECT id, generation, phase, error, full_syncs_today FROM syncline.collections
      WHERE kind = $1 AND external_id NOT LIKE '%holiday%' ORDER BY external_id = $2 DESC`,
    [kind, email],
  );
  return found.rows[0]!;
}

/** Until it does not continue at once. */
async function run(kind: Kind): Promise<string> {
  const { id } = await row(kind);
  const deps = {
    store: world.store,
    google: world.google,
    policy: { activeMs: 60_000, idleMs: 900_000 },
    mirror: world.mirror,
  };
  for (;;) {
    const outcome: Outcome | 'failed' = await syncCollection(world.rt, deps, id, {
      sliceMs: 60_000,
      signal: new AbortController().signal,
    }).catch(() => 'failed' as const);
    if (outcome === 'failed' || outcome.kind !== 'more')
      return outcome === 'failed' ? outcome : outcome.kind;
  }
}

/** As after so many failed runs in a row. */
async function after(
  kind: Kind,
  failures: number,
  more = "last_synced_at = now() - interval '2 hours'",
) {
  await world.database.pool.query(
    `UPDATE syncline.collections SET failures = $2, ${more} WHERE id = $1`,
    [(await row(kind)).id, failures],
  );
}

async function change(kind: Kind): Promise<void> {
  if (kind === 'gmail') await world.control.actAs(email, { action: 'deliver', subject: 'new' });
  else if (kind === 'calendar-list')
    await world.control.actAs(email, { action: 'calendar-rename', calendarId: email });
  else await world.control.actAs(email, { action: 'event-create', calendarId: email });
}

describe.each(KINDS)('of %s', (kind) => {
  const fault = (of: string): object => ({ kind: of, method: METHODS[kind], incremental: true });

  test.each(['500', 'malformed-json'])(
    'a sync position that always gives %s is replaced by a full sync after an hour, which stores the changes',
    async (of) => {
      await begin();
      await world.control.fault(fault(of));
      await change(kind);
      await after(kind, 59);
      await run(kind);
      expect(await row(kind)).toMatchObject({
        generation: 1,
        error: expect.stringContaining('a full sync replaces it') as string,
      });
      await after(kind, 60);
      await run(kind);
      expect(await row(kind)).toMatchObject({
        generation: 2,
        phase: 'incremental',
        full_syncs_today: 1,
      });
      expect(await world.drift()).toMatchObject(NO_DRIFT);
    },
  );

  test('an outage of any length replaces no sync position', async () => {
    await begin();
    await world.control.fault({ kind: '500' });
    await after(kind, 500);
    await run(kind);
    expect(await row(kind)).toMatchObject({
      generation: 1,
      phase: 'incremental',
      full_syncs_today: 0,
    });
  });

  test('the full syncs that replace sync positions count in the budget of the day', async () => {
    await begin();
    await world.control.fault(fault('500'));
    await after(kind, 60, 'last_synced_at = NULL, full_syncs_today = 6, full_syncs_since = now()');
    await run(kind);
    expect(await row(kind)).toMatchObject({
      generation: 1,
      full_syncs_today: 6,
      error: expect.stringContaining('6 times within a day') as string,
    });
  });

  test('failures of requested syncs do not replace a sync position within the hour', async () => {
    await begin();
    await world.control.fault(fault('500'));
    await after(kind, 500, "last_synced_at = now() - interval '50 minutes'");
    await run(kind);
    expect(await row(kind)).toMatchObject({ generation: 1, full_syncs_today: 0 });
  });
});

test('a history that always gives 403 is replaced after the mailbox was parked for hours', async () => {
  await begin();
  await world.control.fault({ kind: '403-permission', method: 'history.list' });
  await change('gmail');
  await after('gmail', 3);
  expect(await run('gmail')).toBe('parked');
  await after('gmail', 4);
  await run('gmail');
  expect(await row('gmail')).toMatchObject({ generation: 2, full_syncs_today: 1 });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
