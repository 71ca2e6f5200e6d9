import { renamer, schemaOf } from './schema-name.js';

test('the schema is syncline unless the URL names another', () => {
  expect(schemaOf('postgresql://u@h/db')).toBe('syncline');
  expect(schemaOf('postgresql://u@h/db?sslmode=require&schema=mirror')).toBe('mirror');
  expect(schemaOf('postgresql://u@h/db?schema=My%20Mirror')).toBe('My Mirror');
});

test('with the default schema a text is sent as it is', () => {
  const text = 'SELECT 1 FROM syncline.accounts';
  expect(renamer('syncline')(text)).toBe(text);
});

test.each([
  ['SELECT * FROM syncline.accounts a', 'SELECT * FROM "mirror".accounts a'],
  ['SELECT 1 FROM syncline."accounts"', 'SELECT 1 FROM "mirror"."accounts"'],
  ["SELECT to_regclass('syncline.accounts')", `SELECT to_regclass('"mirror".accounts')`],
  ['DELETE FROM syncline.a USING syncline.b', 'DELETE FROM "mirror".a USING "mirror".b'],
  ["SELECT 'mysyncline.accounts', x.syncline.y", "SELECT 'mysyncline.accounts', x.syncline.y"],
  ['SELECT 1 FROM "syncline"."accounts"', 'SELECT 1 FROM "syncline"."accounts"'],
])('another schema takes the place of the prefix: %s', (text, renamed) => {
  const rename = renamer('mirror');
  expect(rename(text)).toBe(renamed);
  expect(rename(text)).toBe(renamed); // The second call returns the stored result.
});

test('a name with quotes and dollar signs is put in as one identifier', () => {
  expect(renamer('a"$&b')('SELECT 1 FROM syncline.t')).toBe('SELECT 1 FROM "a""$&b".t');
});

test('renames every statement when there are more than the cache holds', () => {
  const rename = renamer('mirror');
  for (let i = 0; i < 5_000; i++)
    expect(rename(`SELECT ${i} FROM syncline.t`)).toBe(`SELECT ${i} FROM "mirror".t`);
});
