import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/*
 * Every SQL text names its tables as `syncline.TABLE`. The servers of the tests have a
 * `search_path` that finds nothing, so that each test proves it of the statements that it runs;
 * this file proves it of the rest.
 */

const ROOT = path.resolve(__dirname, '..', '..');
const TABLES = readdirSync(path.join(ROOT, 'prisma', 'schema'))
  .flatMap((file) => [
    ...readFileSync(path.join(ROOT, 'prisma', 'schema', file), 'utf8').matchAll(
      /@@map\("(\w+)"\)/g,
    ),
  ])
  .map(([, table]) => table as string)
  .concat('_prisma_migrations');

/** What a table's name follows in SQL; a function's or column's does not. */
const BEFORE_A_TABLE =
  '(?:FROM|JOIN|INTO|UPDATE|USING|ONLY|TRUNCATE|REFERENCES|ANALYZE|VACUUM|COPY|(?:ALTER|LOCK|DROP|CREATE|TRUNCATE)\\s+TABLE(?:\\s+IF\\s+(?:NOT\\s+)?EXISTS)?)';
const BARE_NAME = new RegExp(
  `(?<![\\w-])${BEFORE_A_TABLE}\\s+"?(?:${TABLES.join('|')})"?(?![\\w-])(?!\\s*\\()`,
  'g',
);
/** A name that is put in: the prefix precedes it. */
const BARE_PLACEHOLDER = /(?<![\w-])(?:DELETE FROM|INSERT INTO|ALTER TABLE|TRUNCATE) \$\{/g;

test('no SQL text names a table of ours without its schema', () => {
  const files = ['packages', 'apps', 'test'].flatMap((folder) => sourcesBelow(folder));
  expect(files.length).toBeGreaterThan(200);
  expect(
    files.flatMap((file) =>
      bareNames(readFileSync(path.join(ROOT, file), 'utf8')).map((found) => `${file}: ${found}`),
    ),
  ).toEqual([]);
});

test.each([
  ['SELECT 1 FROM accounts'],
  ['UPDATE collections c SET x = 1'],
  ['SELECT 1 FROM syncline.accounts a JOIN\n  "watches" w ON true'],
  ['ALTER TABLE gmail_messages ADD x int'],
  ['SELECT 1 FROM _prisma_migrations'],
  ['DELETE FROM ${table} WHERE true'],
])('a bare name is found: %s', (text) => {
  expect(bareNames(text)).toHaveLength(1);
});

function bareNames(text: string): string[] {
  return [...text.matchAll(BARE_NAME), ...text.matchAll(BARE_PLACEHOLDER)].map(([found]) => found);
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'generated'].includes(entry.name) ? [] : sourcesBelow(name);
    return /\.(ts|mjs|cjs)$/.test(entry.name) && entry.name !== path.basename(__filename)
      ? [name]
      : [];
  });
}
