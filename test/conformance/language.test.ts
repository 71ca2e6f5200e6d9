import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

/*
 * The terms of the project have replaced others. None of those comes back as a
 * part of a name: identifiers, columns, keys of JSON, metrics, log events, job and statement names,
 * files, test titles. Comments and documents are not read here.
 */

const REPLACED: readonly { use: string; words: string }[] = [
  { use: 'full sync', words: 'walk walks walked walking' },
  { use: 'full sync (in prose: backfill)', words: 'backfill backfills' },
  { use: 'incremental sync', words: 'follow follows followed following look looks looked looking' },
  { use: 'sync position', words: 'bookmark bookmarks' },
  { use: 'step', words: 'turn turns' },
  {
    use: 'notification, sync message',
    words:
      'doorbell doorbells bell bells ring rings rang rung ringing greet greeting greetings greeted',
  },
  { use: 'sync request', words: 'wish wishes wanted' },
  { use: 'caught up', words: 'level served unserved' },
  { use: 'transient error', words: 'weather' },
  { use: 'retry, backoff, pause, parked', words: 'rest rests rested' },
  { use: 'outcome', words: 'verdict verdicts remedy remedies disposition dispositions ended' },
  { use: 'finish', words: 'settle settles settled settling settlement settlements' },
  { use: 'release of dead workers', words: 'bury buries buried burial burials' },
  { use: 'crash isolation', words: 'careful carefully' },
  { use: 'prefetched', words: 'ahead' },
  { use: 'pending', words: 'owe owes owed' },
  { use: 'extend the window', words: 'deepen deepens deepened deepening' },
  { use: 'unreported, reported', words: 'told untold' },
  { use: 'yield to the event loop', words: 'breath breaths breathe breathes breathing' },
  { use: 'process group, exit with parent, TTL set', words: 'herd herds leash forgetful' },
];

/** Names of other people's, in which a replaced word stays. */
const PLATFORM: readonly { name: RegExp; where?: RegExp; why: string }[] = [
  {
    name: /log-?_?level|^level$|^\{"level"$/i,
    why: 'the severity of a log line, as pino and LOG_LEVEL name it',
  },
  { name: /^requiredAccessLevel$/, why: "a reason code of Google's" },
  { name: /^(?:all)?settled$/i, why: 'Promise.allSettled' },
  { name: /^(?:writable|readable)Ended$/, why: "a property of Node's streams" },
  { name: /^rest$/, why: 'the remaining properties or parameters, as ECMAScript names them' },
  { name: /key-?_?ring|^ring$/i, why: 'a key ring: the master keys that a process holds' },
  { name: /disposition/i, why: 'the header Content-Disposition (RFC 2183)' },
  {
    name: /follow/i,
    where: /^packages\/client\/|^examples\/|^test\/client\//,
    why: 'reading a change feed as it grows, as the client calls it',
  },
  {
    name: /backfill/i,
    where: /^test\/bench\/|\/quota[-/][\w.-]*$|\/commands\/quota/,
    why: 'the first full sync of an account, as the benchmark and `syncline quota` call it',
  },
];

const ROOT = path.resolve(__dirname, '..', '..');
const FOLDERS = ['apps', 'packages', 'prisma', 'test', 'deploy', 'docs'];
const OUTSIDE = /(?:^|\/)(?:node_modules|dist|generated|corpus|fixtures)(?:\/|$)/;
const USE = new Map(
  REPLACED.flatMap(({ use, words }) => words.split(' ').map((word) => [word, use])),
);

const TESTS = new Set(['test', 'it', 'describe']);

interface Found {
  where: string;
  name: string;
  word: string;
}

test('no name has a word that a term of the project has replaced', () => {
  const files = filesBelow(FOLDERS).filter((file) => !file.endsWith('/language.test.ts'));
  expect(files.length).toBeGreaterThan(500);
  const allowed = new Map<string, Set<string>>();
  const found = files.flatMap((file) => [
    ...namesOf(file, file.split('/').at(-1) ?? ''),
    ...namesIn(file, readFileSync(path.join(ROOT, file), 'utf8')),
  ]);
  const kept = found.filter(({ name, where }) => {
    const rule = PLATFORM.find((one) => one.name.test(name) && (one.where?.test(where) ?? true));
    if (rule) allowed.set(rule.why, (allowed.get(rule.why) ?? new Set()).add(name));
    return !rule;
  });
  expect(kept.map(({ where, name, word }) => `${where}: ${name} (${USE.get(word)})`)).toEqual([]);
  printAllowed(allowed);
});

test('no title of a test has such a word', () => {
  const titles = filesBelow(['apps', 'packages', 'test'])
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => titlesIn(file, readFileSync(path.join(ROOT, file), 'utf8')));
  expect(titles.length).toBeGreaterThan(1_000);
  expect(titles.filter(({ title }) => wordsOf(title).some((word) => USE.has(word)))).toEqual([]);
});

test.each([
  ['an identifier', 'a.ts', 'const nextWalkAt = 1;', 'nextWalkAt'],
  ['a key of JSON', 'a.ts', "const row = { 'wanted': true };", 'wanted'],
  ['a column in SQL', 'a.ts', 'query(`SELECT served_at FROM syncline.collections`);', 'served_at'],
  [
    'an alias in SQL',
    'a.ts',
    "query('SELECT count(*) AS unserved FROM syncline.collections');",
    'unserved',
  ],
  ['a log event', 'a.ts', "log.info({ event: 'worker_buried' }, 'a sentence');", 'worker_buried'],
  ['a metric', 'a.ts', "counter('syncline_doorbells_total', 'Help');", 'syncline_doorbells_total'],
  ['a statement', 'a.ts', "query({ name: 'walk-next' });", 'walk-next'],
  ['a model', 'a.prisma', 'model WalkItem {\n}', 'WalkItem'],
  ['a table', 'a.sql', 'CREATE TABLE "walk_items" ();', 'walk_items'],
  ['a variable of Lua', 'a.lua', 'local told = 1 -- a walk', 'told'],
])('finds %s', (_what, file, text, name) => {
  expect(namesIn(file, text).map((one) => one.name)).toEqual([name]);
});

test('finds a file and a title, and no word within another', () => {
  expect(namesOf('a', 'walk-turns.ts')).toHaveLength(2);
  expect(titlesIn('a.test.ts', "test('a walk ends', () => {});")).toEqual([
    { where: 'a.test.ts', title: 'a walk ends' },
  ]);
  expect(namesIn('a.ts', "const returnTo = 'a sentence about a walk'; // walk")).toEqual([]);
});

function filesBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      if (OUTSIDE.test(name)) return [];
      return entry.isDirectory() ? filesBelow([name]) : [name];
    }),
  );
}

function namesIn(file: string, text: string): Found[] {
  if (/\.(?:ts|cts|mjs|cjs)$/.test(file)) return namesInCode(file, text);
  if (!/\.(?:prisma|sql|lua)$/.test(file)) return [];
  const code = text.replaceAll(/(?:--|\/\/).*$/gm, '');
  return (code.match(/[A-Za-z]\w*/g) ?? []).flatMap((name) => namesOf(file, name));
}

function namesInCode(file: string, text: string): Found[] {
  const found: Found[] = [];
  visit(parsed(text), (node) => {
    if (typeof node.value !== 'string' && node.type !== 'TemplateElement') return;
    if (node.type === 'Identifier' || node.type === 'PrivateName')
      found.push(...namesOf(file, String(node.value)));
    else if (node.type === 'StringLiteral' && !/\s/.test(String(node.value)))
      found.push(...namesOf(file, String(node.value)));
    else
      for (const name of namesInText(String(node.raw ?? node.value)))
        found.push(...namesOf(file, name));
  });
  return found;
}

/** Of a text: what can only be a name, and what SQL gives or reads by a name. */
function namesInText(text: string): string[] {
  const names = (text.match(/[A-Za-z]\w*/g) ?? []).filter((name) =>
    /[a-z][A-Z]|[A-Za-z]_[A-Za-z]/.test(name),
  );
  const given = [...text.matchAll(/(?:\bAS|->>?) ?["']?([a-z]+)\b/g)].map(([, name = '']) => name);
  return [...names, ...given];
}

function titlesIn(file: string, text: string): { where: string; title: string }[] {
  const titles: { where: string; title: string }[] = [];
  visit(parsed(text), (node) => {
    const first = node.arguments?.[0]?.expression;
    if (node.type !== 'CallExpression' || !first || !TESTS.has(rootOf(node.callee))) return;
    if (first.type === 'StringLiteral') titles.push({ where: file, title: String(first.value) });
    if (first.type === 'TemplateLiteral')
      titles.push({ where: file, title: (first.quasis ?? []).map(({ raw }) => raw).join(' ') });
  });
  return titles;
}

/** `test` of `test`, `test.each(rows)` and `test.skip`. */
function rootOf(callee: Node | undefined): string {
  if (callee?.type === 'Identifier') return String(callee.value);
  return callee ? rootOf(callee.object ?? callee.callee ?? callee.tag) : '';
}

function namesOf(where: string, name: string): Found[] {
  return wordsOf(name).flatMap((word) => (USE.has(word) ? [{ where, name, word }] : []));
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z\d])([A-Z])|([A-Z])([A-Z][a-z])/g, '$1$3 $2$4')
    .toLowerCase()
    .split(/[^a-z]+/);
}

/** What of a syntax tree is read here. */
interface Node {
  type?: string;
  value?: unknown;
  raw?: string;
  callee?: Node;
  object?: Node;
  tag?: Node;
  quasis?: { raw: string }[];
  arguments?: { expression: Node }[];
}

function parsed(text: string): Node {
  return parseSync(text, { syntax: 'typescript', target: 'es2024' }) as Node;
}

function visit(value: unknown, each: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const one of value) visit(one, each);
    return;
  }
  each(value as Node);
  for (const part of Object.values(value)) visit(part, each);
}

function printAllowed(allowed: ReadonlyMap<string, ReadonlySet<string>>): void {
  const lines = [...allowed].map(([why, names]) => `  ${why}: ${[...names].sort().join(', ')}`);
  process.stdout.write(`words of platforms and others that stay:\n${lines.join('\n')}\n`);
}
