import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/*
 * `accounts resources EMAIL --remove R`: a resource leaves an account, with its rows and its change
 * events.
 */

let world: FleetWorld;
let accounts: { email: string; refreshToken: string }[];
beforeEach(async () => {
  world = await startFleetWorld({
    seed: 214,
    accounts: 2,
    messagesPerAccount: 12,
    calendarsPerAccount: 2,
    eventsPerCalendar: 6,
  });
  accounts = await world.control.accounts();
  const { code, stderr } = await world.import(accounts);
  if (code !== 0) throw new Error(`the import failed: ${stderr}`);
  world.start('scheduler');
  world.start('worker');
  await world.untilRows(
    "SELECT count(*)::int AS behind FROM syncline.collections WHERE state = 'active' AND (caught_up_at IS NULL OR error IS NOT NULL)",
    [{ behind: 0 }],
    60_000,
  );
});
afterEach(() => world.close());

/** Rows by table and account, in the order of addresses. */
async function counts(...tables: string[]): Promise<Record<string, number>[]> {
  return world.rows(
    `SELECT ${tables.map((table) => `(SELECT count(*)::int FROM syncline.${table} t WHERE t.account_id = a.id) AS ${table}`).join(', ')} FROM syncline.accounts a ORDER BY a.email`,
  );
}

/**
 * What the feed folded from its beginning says is alive, per account and entity, beside the rows
 * that are.
 */
const FOLDED = `
  WITH last AS (SELECT DISTINCT ON (account_id, entity, calendar_id, entity_id) account_id, entity, op FROM syncline.changes ORDER BY account_id, entity, calendar_id, entity_id, seq DESC)
  SELECT a.email, count(*) FILTER (WHERE entity = 'event')::int AS events, count(*) FILTER (WHERE entity = 'calendar')::int AS calendars, count(*) FILTER (WHERE entity = 'message')::int AS messages
    FROM syncline.accounts a LEFT JOIN last ON last.account_id = a.id AND last.op <> 'deleted' GROUP BY a.email ORDER BY a.email`;

test('erases the rows of that resource only, with a change event for each', async () => {
  const [{ email }] = accounts as [(typeof accounts)[0]];
  const tables = ['gmail_messages', 'calendars', 'calendar_events'];
  const [before, neighbour] = await counts(...tables);
  expect(before!['calendar_events']).toBeGreaterThan(0);
  const unsaid = await world.cli('accounts', 'resources', email, '--remove', 'calendar');
  expect(unsaid).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  const { code, stdout } = await world.cli(
    'accounts',
    'resources',
    email,
    '--remove',
    'calendar',
    '--yes',
    '--json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ resources: ['gmail'], removed: 'calendar' });
  expect(await counts(...tables)).toEqual([
    { ...before, calendars: 0, calendar_events: 0 },
    neighbour,
  ]);
  expect(await world.rows(FOLDED)).toEqual([
    { email, events: 0, calendars: 0, messages: before!['gmail_messages'] },
    {
      email: accounts[1]!.email,
      events: neighbour!['calendar_events'],
      calendars: neighbour!['calendars'],
      messages: neighbour!['gmail_messages'],
    },
  ]);
  expect(
    await world.rows(
      "SELECT count(*)::int AS left FROM syncline.collections c JOIN syncline.accounts a ON a.id = c.account_id WHERE a.email = $1 AND c.kind <> 'gmail'",
      [email],
    ),
  ).toEqual([{ left: 0 }]);
  const last = await world.cli('accounts', 'resources', email, '--remove', 'gmail', '--yes');
  expect(last).toMatchObject({ code: 1, stderr: expect.stringContaining('accounts remove') });
  // It comes back with an import that names it.
  const again = { ...accounts[0]!, resources: ['gmail', 'calendar'] };
  expect(await world.import([again])).toMatchObject({ code: 0 });
  await world.untilRows(
    `SELECT count(*)::int AS events FROM syncline.calendar_events e JOIN syncline.accounts a ON a.id = e.account_id WHERE a.email = '${email}'`,
    [{ events: before!['calendar_events']! }],
  );
}, 240_000);

test('is finished by workers when its command was killed, and an import of the resource is refused meanwhile', async () => {
  const [{ email }] = accounts as [(typeof accounts)[0]];
  await world.rows(
    "UPDATE syncline.accounts SET erasing = '{gmail}', resources = '{calendar}', updated_at = now() + interval '1 hour' WHERE email = $1",
    [email],
  );
  const meanwhile = await world.import([{ ...accounts[0]!, resources: ['gmail', 'calendar'] }]);
  expect(meanwhile).toMatchObject({ code: 1, stderr: expect.stringContaining('being erased') });
  await world.rows(
    "UPDATE syncline.accounts SET updated_at = now() - interval '1 hour' WHERE email = $1",
    [email],
  );
  await world.untilRows(
    `SELECT erasing, (SELECT count(*)::int FROM syncline.gmail_messages m WHERE m.account_id = a.id) AS messages, (SELECT count(*)::int FROM syncline.gmail_bodies m WHERE m.account_id = a.id) AS bodies FROM syncline.accounts a WHERE email = '${email}'`,
    [{ erasing: [], messages: 0, bodies: 0 }],
  );
  const [folded] = await world.rows<{ messages: number }>(FOLDED);
  expect(folded).toMatchObject({ messages: 0 });
}, 180_000);
