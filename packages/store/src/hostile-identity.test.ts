import { readFileSync } from 'node:fs';
import path from 'node:path';
import { comparableAddress } from '@syncline/runtime';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { cleanText } from './clean-text.js';
import type { Lease } from './lease.js';
import type { HeldWatch } from './watches.js';

/*
 * Writes hostile values to every text column of the tables with identities, through the functions
 * that write them, in a real Postgres. The columns are read from the database: a column that is
 * neither listed as Syncline's own nor written below fails the first test.
 */

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  await fixture.store.watches.request(await leaseOfMailbox());
});
beforeEach(() => bind({ sub: '7', address: 'ada@example.com' }));
afterAll(() => fixture.close());

/** Schema files of these tables. */
const SCHEMAS = ['account', 'identity', 'watch'];
/** Columns that never contain text from Google. */
const OURS = [
  'accounts.tenant',
  'accounts.state',
  'accounts.reason_code',
  'accounts.resources',
  'accounts.project',
  'accounts.erasing',
  'accounts.connect_outcome',
  'channels.id',
  'channels.key_id',
  'credentials.key_id',
  'identities.project',
  'identity_keys.project',
  'identity_keys.kind',
  'master_keys.key_id',
  'process_keys.process',
  'process_keys.service',
  'process_keys.host',
  'process_keys.key_ids',
  'process_keys.sealing_key',
  'watches.state',
  'watches.target',
];

const GOOGLE_SAYS: Record<string, (value: string) => Promise<unknown>> = {
  'accounts.email': (address) => bind({ sub: '7', address }),
  'accounts.address': (address) => bind({ sub: '7', address }),
  'accounts.google_sub': (sub) => bind({ sub, address: null }),
  'accounts.reason': hold,
  'account_aliases.address': async (address) => {
    await bind({ sub: '7', address });
    await bind({ sub: '7', address: 'ada@example.com' });
  },
  'identity_keys.value': async (value) => {
    await bind({ sub: value, address: value });
    await fixture.store.identities.find('default', { sub: value, address: value });
    await fixture.store.removal.grantUse(fixture.accountId, { sub: value, address: value });
  },
  'channels.resource_id': channel,
  'watches.address': async (address) =>
    fixture.store.watches.noteAddress(await heldWatch(), address),
  'watches.error': async (error) =>
    fixture.store.watches.finish(await heldWatch(), { state: 'on', nextInMs: 0, error }),
};

/**
 * Characters that do not compress, because Postgres compresses an index entry before it checks its
 * size.
 */
const NOISE = Array.from({ length: 1_000 }, (_, n) =>
  String.fromCodePoint(0x4e00 + ((n * 7_919 + n * n) % 20_000)),
).join('');
const VALUES = [
  '\0',
  'a\0b@example.com',
  '\ud800@example.com',
  'half \udc00 pair',
  '\u{10ffff}@example.com',
  '"\\{},NULL\'@example.com',
  '\\u0000@example.com',
  `${NOISE}@example.com`,
  `${'x'.repeat(300_000)}@example.com`,
];

test('every text of the tables that say whose mail it is is ours or reached by a value of this file', async () => {
  const tables = SCHEMAS.flatMap((file) => [
    ...readFileSync(path.join(__dirname, `../../../prisma/schema/${file}.prisma`), 'utf8').matchAll(
      /@@map\("(\w+)"\)/g,
    ),
  ]).map(([, table]) => table);
  const { rows } = await fixture.database.pool.query<{ column: string }>(
    `SELECT table_name || '.' || column_name AS column FROM information_schema.columns
      WHERE table_schema = 'syncline' AND table_name = ANY($1) AND data_type IN ('text', 'ARRAY', 'jsonb')`,
    [tables],
  );
  expect(rows.map(({ column }) => column).sort()).toEqual(
    [...OURS, ...Object.keys(GOOGLE_SAYS)].sort(),
  );
});

test.each(Object.entries(GOOGLE_SAYS))(
  '%s: a hostile value is cleaned, or changes nothing',
  async (column, say) => {
    for (const value of VALUES) {
      const before = await valuesIn(column);
      await say(value);
      const allowed = [value, cleanText(value), cleanText(value).slice(0, 2_000)];
      const known = new Set([...before, ...allowed, ...allowed.map(comparableAddress)]);
      expect((await valuesIn(column)).filter((stored) => !known.has(stored))).toEqual([]);
    }
  },
);

async function valuesIn(name: string): Promise<string[]> {
  const [table, column] = name.split('.');
  const { rows } = await fixture.database.pool.query<{ value: string }>(
    `SELECT ${column} AS value FROM syncline.${table} WHERE ${column} IS NOT NULL`,
  );
  return rows.map(({ value }) => value);
}

async function bind(keys: { sub: string | null; address: string | null }): Promise<void> {
  expect(await fixture.store.identities.bind(fixture.accountId, 0, keys)).toMatchObject({
    kind: 'bound',
  });
}

async function hold(reason: string): Promise<void> {
  const { store, accountId } = fixture;
  const held = { state: 'reauth_required', code: 'grant-refused', reason } as const;
  expect(await store.grantChecks.hold(accountId, 0, held)).toBe(true);
  expect(await store.grantChecks.note(accountId, held)).toBe(true);
  expect(await store.accounts.resume(accountId)).toBe(true);
}

async function channel(resourceId: string): Promise<void> {
  const { watches } = fixture.store;
  const held = await heldWatch();
  const expiresAt = new Date(Date.now() + 60_000);
  expect(await watches.addChannel(held, 'ours', expiresAt)).toBe(true);
  await watches.confirmChannel(held, 'ours', resourceId, expiresAt);
  await watches.dropChannel('ours');
}

async function heldWatch(): Promise<HeldWatch> {
  const { pool } = fixture.database;
  await pool.query('UPDATE syncline.watches SET held_until = NULL');
  const [{ id }] = (await pool.query<{ id: string }>(MAILBOX)).rows as [{ id: string }];
  const held = await fixture.store.watches.hold(id, 60_000);
  if (!held) throw new Error('nobody holds the watch');
  return held;
}

const MAILBOX = "SELECT id FROM syncline.collections WHERE kind = 'gmail'";

function leaseOfMailbox(): Promise<Lease> {
  return claim(fixture, fixture.accountId, 'gmail');
}
