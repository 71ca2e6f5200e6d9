import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/*
 * The name `syncline` on the registry is not ours: a command that fetches it would run the code of somebody else. No text of the repository contains
 * such a command, and no package of ours can be published by mistake.
 */

const ROOT = path.resolve(__dirname, '../..');
/** Made by tools, or not ours. */
const SKIPPED = new Set([
  '.git',
  '.syncline',
  '.turbo',
  'coverage',
  'dist',
  'fixtures',
  'generated',
  'node_modules',
]);
const FILES = filesBelow('.').filter(
  (file) => !/\.(?:eml|ics|png|svg)$|package-lock\.json$/.test(file),
);
const PACKAGE = String.raw`(?:@syncline/[\w-]+|syncline)(?![\w/-])`;
/** Everything that fetches a package and runs it, or installs it. */
const FETCHES = new RegExp(
  String.raw`\b(?:npx|bunx|pnpx|(?:npm|pnpm|yarn)\s+(?:exec|x|dlx|i|install|add|create)|yarn\s+global\s+add|bun\s+(?:x|add|install)|deno\s+run\s+npm:)(?:\s+--?[\w-]+(?:=\S+)?)*\s+(?:--\s+)?${PACKAGE}`,
  'i',
);

test('no file contains a command that fetches a package of the name syncline', () => {
  const found = FILES.filter((file) => !file.endsWith('package-runners.test.ts')).flatMap((file) =>
    readFileSync(path.join(ROOT, file), 'utf8')
      .split('\n')
      .filter((line) => FETCHES.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  );
  expect(FILES.length).toBeGreaterThan(500);
  expect(found).toEqual([]);
});

test.each([
  'npx syncline accounts list',
  'npx --yes syncline',
  'npx -y @syncline/cli why',
  'npm exec -- syncline why',
  'npm install -g syncline',
  'npm i --global syncline',
  'pnpm dlx syncline',
  'yarn dlx syncline',
  'bunx syncline',
])('such a command is found: %s', (line) => {
  expect(FETCHES.test(line)).toBe(true);
});

test.each(['npm run syncline -- why', 'npm run -s syncline', 'npx tsc -b', 'npm install'])(
  'another command is not: %s',
  (line) => {
    expect(FETCHES.test(line)).toBe(false);
  },
);

test('no package of ours can be published', () => {
  const manifests = FILES.filter((file) => path.basename(file) === 'package.json');
  expect(manifests.length).toBeGreaterThan(5);
  for (const file of manifests)
    expect([file, JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'))]).toEqual([
      file,
      expect.objectContaining({ private: true }),
    ]);
});

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (SKIPPED.has(entry.name)) return [];
    if (entry.isDirectory()) return filesBelow(name);
    return entry.isFile() ? [name] : [];
  });
}
