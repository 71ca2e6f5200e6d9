import { OperatorError } from '@syncline/runtime';
import { testDatabase, type TestDatabase } from '../../../test/support/database.js';
import { isEarlierVersion } from './earlier-version.js';
import { migrate } from './migrate.js';

const KNOWN = new Map([
  ['20261129000000_initial', 'a'],
  ['20261201000000_second', 'b'],
]);

test.each([
  ['an empty schema', false, [], false],
  ['a schema that is up to date', true, [...KNOWN], false],
  ['a schema that lacks the newest migration', true, [...KNOWN].slice(0, 1), false],
  ['a newer version’s migration', true, [...KNOWN, ['20270101000000_newer', 'c']], false],
  ['tables without a record', true, [], true],
  ['a migration from before the initial one', true, [['20261121000000_first', 'x']], true],
  ['an initial migration with another text', true, [['20261129000000_initial', 'x']], true],
] as const)('distinguishes %s from an earlier version', (_what, hasTables, applied, expected) => {
  expect(isEarlierVersion(hasTables, new Map(applied), KNOWN)).toBe(expected);
});

const REFUSAL =
  /^The schema "syncline" was made by a development version, which cannot be upgraded; nothing was changed\.\n.*DROP SCHEMA "syncline" CASCADE; and then run: npm run migrate\n.*npm run demo -- --reset$/;
let database: TestDatabase;
beforeEach(async () => void (database = await testDatabase()));
afterEach(() => database.drop());

test.each([
  ['another checksum', "UPDATE syncline._prisma_migrations SET checksum = 'x'"],
  [
    'an older migration',
    "INSERT INTO syncline._prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', 'x', '20261121000000_first', now())",
  ],
  ['no record', 'DROP TABLE syncline._prisma_migrations'],
])(
  'migrate refuses a schema with %s, changes nothing, and works after the statement it names',
  async (_what, statement) => {
    await database.pool.query(statement);
    const before = await contents();
    const refused = await migrate(database.url).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OperatorError);
    expect((refused as Error).message).toMatch(REFUSAL);
    expect(await contents()).toEqual(before);
    await database.pool.query('DROP SCHEMA "syncline" CASCADE');
    expect(await migrate(database.url)).toHaveLength(1);
    expect(await migrate(database.url)).toEqual([]);
  },
);

async function contents(): Promise<unknown> {
  const tables = await database.pool.query(
    "SELECT table_name, (SELECT count(*)::int FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name) AS columns FROM information_schema.tables t WHERE table_schema = 'syncline' ORDER BY 1",
  );
  const feed = await database.pool.query('SELECT * FROM syncline.feed_state');
  return [tables.rows, feed.rows];
}
