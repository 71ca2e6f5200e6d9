import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/compose.js';

/* The documents: their links, the files that they name, and their size. */

/** Directories that hold no document of this repository. */
const FOREIGN = /(?:^|\/)(?:node_modules|dist|\.git|\.syncline|shared)(?:\/|$)/;
const PAGES = documents('');

test('every relative link of every document leads to a file, and to a heading that it has', () => {
  const broken = PAGES.flatMap((page) =>
    linksOf(page)
      .filter((link) => !isReachable(page, link))
      .map((link) => `${page}: ${link}`),
  );
  expect(broken).toEqual([]);
});

test('a link to a file or a heading that is not there is found', () => {
  expect(
    ['docs/nowhere.md', 'README.md#no-such-heading', 'docs/tutorial.md#next'].map((link) =>
      isReachable('README.md', link),
    ),
  ).toEqual([false, false, true]);
});

test('every file and directory of the repository that a document names exists', () => {
  const missing = PAGES.filter((page) => page !== 'CHANGELOG.md').flatMap((page) =>
    [...read(page).matchAll(/`((?:apps|deploy|docs|packages|prisma|test)\/[\w./-]*\w)`/g)]
      .map(([, file]) => String(file))
      .filter((file) => !existsSync(path.join(ROOT, file)))
      .map((file) => `${page}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test('every document below docs can be reached from the README', () => {
  const seen = new Set(['README.md']);
  for (const page of seen)
    for (const link of linksOf(page)) {
      const target = path.join(path.dirname(page), link.split('#')[0] ?? '');
      if (target.endsWith('.md') && existsSync(path.join(ROOT, target))) seen.add(target);
    }
  expect(PAGES.filter((page) => page.startsWith('docs/') && !seen.has(page))).toEqual([]);
});

test('each decision has a number of its own, the four sections, and a line in the index', () => {
  const files = readdirSync(path.join(ROOT, 'docs/decisions')).filter((file) => /^\d/.test(file));
  const numbers = files.map((file) => file.slice(0, 4));
  expect(numbers).toEqual([...new Set(numbers)]);
  const incomplete = files.filter(
    (file) =>
      !read(`docs/decisions/${file}`).startsWith(`# ${file.slice(0, 4)}: `) ||
      !['Context', 'Decision', 'Alternatives', 'Consequences'].every((section) =>
        new RegExp(`^(?:## ${section}$|\\*\\*${section}\\.\\*\\*)`, 'm').test(
          read(`docs/decisions/${file}`),
        ),
      ),
  );
  expect(incomplete).toEqual([]);
  const listed = linksOf('docs/decisions/README.md').filter((link) => /^\d/.test(link));
  expect(listed.toSorted()).toEqual(files.toSorted());
});

test('the README has at most 200 lines, and ARCHITECTURE.md at most 2,000 words', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  expect(read('ARCHITECTURE.md').trim().split(/\s+/).length).toBeLessThanOrEqual(2_000);
});

test('the changelog has a dated section for the version of package.json', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  expect(read('CHANGELOG.md')).toMatch(
    new RegExp(`^## ${version.replaceAll('.', String.raw`\.`)} – \\d{4}-\\d{2}-\\d{2}$`, 'm'),
  );
});

function documents(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .map((entry) => ({ entry, file: path.join(folder, entry.name) }))
    .filter(({ file }) => !FOREIGN.test(file))
    .flatMap(({ entry, file }) => {
      if (entry.isDirectory()) return documents(file);
      return file.endsWith('.md') ? [file] : [];
    })
    .toSorted();
}

/** Targets of links that are not addresses, without code blocks. */
function linksOf(page: string): string[] {
  const prose = read(page)
    .replaceAll(/^ *```[^]*?^ *```/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => String(target))
    .filter((target) => !/^[a-z]+:/.test(target));
}

function isReachable(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? page : path.join(path.dirname(page), file);
  if (!existsSync(path.join(ROOT, target))) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    String(heading)
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}
