import { startFleetWorld, type FleetWorld } from '../support/fleet-world.js';

/* Contacts by the commands of an operator, with real processes. */

let world: FleetWorld;
let account: { email: string; refreshToken: string };
beforeEach(async () => {
  world = await startFleetWorld({
    seed: 305,
    accounts: 1,
    messagesPerAccount: 3,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
    contactsPerAccount: 15,
    scopes: [
      'openid',
      'userinfo.email',
      'gmail.readonly',
      'calendar.readonly',
      'contacts.readonly',
      'contacts.other.readonly',
    ],
  });
  [account] = (await world.control.accounts()) as [typeof account];
});
afterEach(() => world.close());

const CAUGHT_UP =
  "SELECT count(*)::int AS behind FROM syncline.collections WHERE state = 'active' AND (caught_up_at IS NULL OR error IS NOT NULL)";

async function imported(resources?: string[]): Promise<void> {
  const line = { ...account, ...(resources === undefined ? {} : { resources }) };
  expect(await world.import([line])).toMatchObject({ code: 0 });
}

async function lines(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await world.cli(...args);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('contacts are off by default; an import switches them on, and a removal erases them', async () => {
  await imported();
  world.start('scheduler');
  world.start('worker');
  await world.untilRows(CAUGHT_UP, [{ behind: 0 }], 60_000);
  expect(await world.rows('SELECT resources FROM syncline.accounts')).toEqual([
    { resources: ['calendar', 'gmail'] },
  ]);
  await imported(['gmail', 'calendar', 'contacts']);
  await world.untilRows(
    "SELECT count(*)::int AS mirrored FROM syncline.collections WHERE kind LIKE 'contacts-%' AND phase = 'incremental' AND caught_up_at IS NOT NULL",
    [{ mirrored: 3 }],
    60_000,
  );
  const { email } = account;
  const documents = await lines('export', email, '--resource', 'contacts');
  expect(documents).toEqual(await world.control.truth(email, 'contacts'));
  expect(new Set(documents.map(({ kind }) => kind))).toEqual(new Set(['person', 'other', 'group']));
  expect(await lines('verify', email, '--resource', 'contacts', '--json')).toEqual([
    {
      resource: 'contacts',
      checked: documents.length,
      missing: [],
      extra: [],
      stale: [],
      unread: [],
    },
  ]);
  const entities = new Set((await lines('changes', email)).map(({ entity }) => entity));
  for (const entity of ['contact', 'other_contact', 'contact_group'])
    expect(entities.has(entity)).toBe(true);
  expect((await world.cli('quota')).stdout).toMatch(/People requests this minute .* 1,000,000/);
  const { code } = await world.cli('accounts', 'resources', email, '--remove', 'contacts', '--yes');
  expect(code).toBe(0);
  expect(
    await world.rows(
      `SELECT (SELECT count(*)::int FROM syncline.contacts) + (SELECT count(*)::int FROM syncline.other_contacts) + (SELECT count(*)::int FROM syncline.contact_groups) AS rows,
              (SELECT count(*)::int FROM syncline.collections WHERE kind LIKE 'contacts-%') AS collections,
              (SELECT count(*)::int FROM syncline.gmail_messages) AS messages`,
    ),
  ).toEqual([{ rows: 0, collections: 0, messages: 3 }]);
  const changes = await lines('changes', email);
  expect(changes.filter(({ entity, op }) => entity === 'contact' && op === 'deleted')).toHaveLength(
    15,
  );
}, 240_000);
