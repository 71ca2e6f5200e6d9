import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/*
 * A resource (Gmail, Calendar, Contacts) is known by its own modules and by the registries that name
 * all of them. Everything else goes through a registry, so that another resource touches few files.
 */

const ROOT = path.resolve(__dirname, '../..');

/** Production files that may name a resource although they are neither its modules nor registries. */
const MOST_FILES = 10;

/** Each names every resource, in exhaustive records or lists, and does nothing else. */
const REGISTRIES = [
  'apps/api/src/notifications/index.ts',
  'apps/api/src/routes/index.ts',
  'apps/cli/src/demo/resources.ts',
  'apps/cli/src/resource-commands.ts',
  'packages/client/src/entities.ts',
  'packages/contract/src/resources.ts',
  'packages/contract/src/routes/index.ts',
  'packages/contract/src/schemas/plan.ts',
  'packages/contract/src/scopes.ts',
  'packages/control/src/resources/index.ts',
  'packages/fleet/src/queues.ts',
  'packages/google/src/apis/facts.ts',
  'packages/google/src/apis/index.ts',
  'packages/google/src/apis/push.ts',
  'packages/runtime/src/resources/index.ts',
  'packages/store/src/mirrors/index.ts',
  'packages/store/src/mirrors/public.ts',
  'packages/store/src/mirrors/resources.ts',
  'packages/sync/src/resources/cursors.ts',
  'packages/sync/src/resources/facts.ts',
  'packages/sync/src/resources/identity.ts',
  'packages/sync/src/resources/index.ts',
  'packages/sync/src/resources/prices.ts',
];

/** `resources/gmail/full-sync.ts`, `resources/gmail.ts`; `apis/people` are the calls of contacts. */
const RESOURCE_MODULE = /\/(gmail|calendar|contacts|people)(\/|\.(ts|lua)$)/;
const PRODUCTION = /\.(ts|tsx|mjs|cjs|lua|sql)$/;
const NO_PRODUCTION =
  /\.test\.ts$|(^|\/)(test|test-support|dist|generated|node_modules)\/|^packages\/simulator\//;

/** The column of the feed that names a calendar, and Gmail's mail domain, are not the resource. */
const OTHER_WORDS = /calendar_?id\b|\b(gmail|googlemail)\.com\b/gi;
const RESOURCE_NAME = /gmail|Gmail|GMAIL|calendar|Calendar|CALENDAR|contacts|Contacts|CONTACTS/;

test('few production files beside resource modules and registries name a resource', () => {
  const naming = productionFiles().filter(
    (file) =>
      !RESOURCE_MODULE.test(`/${file}`) &&
      !REGISTRIES.includes(file) &&
      namesResource(readFileSync(path.join(ROOT, file), 'utf8'), file),
  );
  process.stderr.write(`name a resource:\n${naming.map((file) => `  ${file}\n`).join('')}`);
  expect(naming.length).toBeLessThanOrEqual(MOST_FILES);
});

test('every registry is there', () => {
  const files = productionFiles();
  expect(REGISTRIES.filter((file) => !files.includes(file))).toEqual([]);
});

test.each<[string, string, boolean]>([
  ['a branch', "if (lease.kind === 'gmail') return;", true],
  ['an identifier', 'const calendarIds = [];', true],
  ['SQL', 'const TEXT = `SELECT id FROM syncline.gmail_messages`;', true],
  ['an import', "import { full sync } from './resources/gmail/full sync.js';", true],
  ['a comment', '/** Gmail drops these. */\nconst a = 1; // calendars too', false],
  ['a text', "const title = 'Gmail';", true],
  ['letters of two words', 'notifyMailboxes();', false],
  ['the column of the feed', 'const { calendarId } = row; // calendar_id', false],
])('what counts as naming a resource: %s', (_what, source, names) => {
  expect(namesResource(source, 'some.ts')).toBe(names);
});

function productionFiles(): string[] {
  return ['apps', 'packages'].flatMap((folder) => filesIn(folder)).sort();
}

function filesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = `${folder}/${entry.name}`;
    if (NO_PRODUCTION.test(entry.isDirectory() ? `${file}/` : file)) return [];
    if (entry.isDirectory()) return filesIn(file);
    return PRODUCTION.test(file) ? [file] : [];
  });
}

function namesResource(source: string, file: string): boolean {
  const code = file.endsWith('.lua')
    ? source.replaceAll(/--.*/g, '')
    : source.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*/g, '');
  return RESOURCE_NAME.test(code.replaceAll(OTHER_WORDS, ''));
}
