import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fillAddresses, verifyAccount, type MirrorPolicy } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

/* What is kept of a body is a policy, and backfill, incremental sync and verify agree on it. Whom the headers name is kept under each. */

let world: World;
afterEach(() => world.close());

const kept = async (): Promise<{
  text: number;
  html: number;
  messages: number;
  attachments: number;
}> =>
  (
    await world.database.pool.query(
      'SELECT count(text_plain)::int AS text, count(text_html)::int AS html, (SELECT count(*)::int FROM syncline.gmail_messages) AS messages, (SELECT count(*)::int FROM syncline.gmail_attachments) AS attachments FROM syncline.gmail_bodies',
    )
  ).rows[0];

/** A comma and an address within the name's encoded word. */
const NAMED = '=?utf-8?Q?Eve=2C_<boss@bank.example>?= <eve@elsewhere.example>';

interface Addressed {
  id: string;
  from_header: string;
  addresses: { from: { name: string | null; address: string | null }[] } | null;
}
const addressed = async (): Promise<Addressed[]> =>
  (
    await world.database.pool.query<Addressed>(
      'SELECT id, from_header, addresses FROM syncline.gmail_messages ORDER BY id',
    )
  ).rows;
const feed = async (): Promise<number> =>
  (await world.database.pool.query('SELECT count(*)::int AS n FROM syncline.changes')).rows[0].n;

/** The queries that docs/reference/tables.md shows for addresses. */
function documented(): string[] {
  const [, section = ''] = readFileSync(
    path.resolve(__dirname, '../../docs/reference/tables.md'),
    'utf8',
  ).split('### Addresses');
  const queries =
    /```sql\n([^`]+)```/
      .exec(section)?.[1]
      ?.split(/;\n/)
      .filter((query) => query !== '') ?? [];
  return queries.map((query) => query.replace('ada@example.com', 'eve@elsewhere.example'));
}

async function mirrored(mirror: Partial<MirrorPolicy>): Promise<void> {
  world = await startWorld({
    seed: 81,
    accounts: 1,
    messagesPerAccount: 80,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
    mirror,
  });
  await world.catchUp();
  const [account] = await world.control.accounts();
  for (let i = 0; i < 5; i++) await world.control.actAs(account!.email, { action: 'deliver' });
  await world.control.actAs(account!.email, { action: 'deliver', html: '<p>Only html</p>' });
  await world.control.actAs(account!.email, { action: 'deliver', text: 'Only text', from: NAMED });
  await world.catchUp();
}

test.each([
  ['full', (has: { text: number; html: number }) => has.text > 0 && has.html > 0],
  ['text', (has: { text: number; html: number }) => has.text > 0 && has.html === 0],
  ['none', (has: { text: number; html: number }) => has.text === 0 && has.html === 0],
] as const)('%s', async (bodies, asSaid) => {
  await mirrored({ bodies });
  const has = await kept();
  expect(has).toEqual(expect.objectContaining({ messages: 87, attachments: expect.any(Number) }));
  expect(has.attachments).toBeGreaterThan(0);
  expect(asSaid(has)).toBe(true);
  const accountId = (await world.store.accounts.list())[0]!.id;
  expect(
    await verifyAccount(world.rt, { ...world, mirror: { bodies } }, accountId, 'gmail'),
  ).toEqual({ resource: 'gmail', checked: 87, missing: [], extra: [], stale: [], unread: [] });

  expect((await world.store.quota.today()).map(({ method }) => method)).toEqual(
    expect.arrayContaining(['gmail.users.messages.get', 'gmail.users.threads.get']),
  );
  const rows = await addressed();
  expect(
    rows.filter(
      ({ from_header: header, addresses }) =>
        addresses?.from.length !== 1 ||
        !header.includes(addresses.from[0]!.address ?? '-') ||
        !header.includes(addresses.from[0]!.name ?? ''),
    ),
  ).toEqual([]);
  expect(rows.map(({ addresses }) => addresses?.from[0])).toContainEqual({
    name: 'Eve, <boss@bank.example>',
    address: 'eve@elsewhere.example',
  });
  expect(documented()).toHaveLength(2);
  for (const query of documented())
    expect((await world.database.pool.query(query, [accountId])).rows.length).toBeGreaterThan(0);
  // What an earlier version has mirrored gets the same from its stored headers, whatever is kept of bodies, and without events.
  const events = await feed();
  await world.database.pool.query('UPDATE syncline.gmail_messages SET addresses = NULL');
  expect(await fillAddresses(world.store, accountId, new AbortController().signal)).toBe(87);
  expect([
    await addressed(),
    await feed(),
    await fillAddresses(world.store, accountId, new AbortController().signal),
  ]).toEqual([rows, events, 0]);
});
