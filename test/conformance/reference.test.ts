import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../support/compose.js';
import { LOG_FIELDS } from '../../packages/runtime/src/log-fields.js';
import { loggedFields } from '../support/logged-fields.js';
import { compared, PARTS, variables } from '../support/reference.js';

/* docs/reference says what the code says. `UPDATE_REFERENCE=1 npm test -- test/conformance/reference.test.ts` writes the generated parts. */

test.each(PARTS)('docs/reference lists the %s of the code', async (part) => {
  const [written, generated] = await compared(part);
  expect(written).toBe(generated);
});

test('docs/reference/configuration.md names the default of every variable that has one', () => {
  const rows = new Map(
    page('docs/reference/configuration.md')
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+`/.test(line))
      .flatMap((line) => {
        const [, names = '', , defaults = ''] = line.split(/(?<!\\)\|/);
        const found = [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => String(name));
        // Each variable of a row has its own default, or all have the same.
        const split = defaults.split(/[,;] (?![^(]*\))/).map((text) => text.trim());
        return found.map((name, i) => [name, split[split.length === found.length ? i : 0] ?? '']);
      }),
  );
  const differing = [...variables()]
    .filter(([, value]) => value !== null && value !== '')
    .filter(([name, value]) => {
      const words = (rows.get(name) ?? '').replaceAll('`', '').split(' ');
      return words[0] !== value;
    });
  expect(differing).toEqual([]);
});

test('docs/reference/errors.md lists the log events of the code', () => {
  const written = [
    ...page('docs/reference/errors.md').matchAll(
      /^\| `([a-z_]+)` \| (?:info|warn|error|debug|fatal)/gm,
    ),
  ].map(([, event]) => String(event));
  const logged = sourceFiles()
    .map((file) => page(file).replaceAll(/\/\*[^]*?\*\//g, ''))
    .flatMap((source) => [
      ...source.matchAll(/\bevent:\s*(?:[\w.]+ \? '([a-z_-]+)' : )?'([a-z_-]+)'/g),
      ...source.matchAll(/\bnew ErrorLog\(\w+, (x)?'([a-z_-]+)'/g),
      ...source.matchAll(/\blogBug\(\w+, (x)?'([a-z_-]+)'/g),
    ])
    .flatMap(([, first, second]) => [first, second])
    .filter((event) => event !== undefined);
  expect(written).toEqual([...new Set(logged)].toSorted());
});

test('docs/reference/tables.md says of every table what bounds it', () => {
  const text = page('docs/reference/tables.md');
  const bounds = text.slice(text.indexOf('## What bounds'), text.indexOf('## Every table'));
  const bounded = bounds
    .split('\n')
    .flatMap((line) => [...(/^\|([^|]+)\|/.exec(line)?.[1] ?? '').matchAll(/`(\w+)`/g)])
    .map(([, name]) => String(name));
  const all = [...text.matchAll(/^### (\w+)$/gm)]
    .map(([, name]) => String(name))
    .filter((name) => /^[a-z]/.test(name));
  expect(bounded.toSorted()).toEqual(all.toSorted());
});

test('every field that the code logs is on the allow-list, and every field of the list is logged', () => {
  const sources = sourceFiles().map((file) => page(file));
  const logged = new Set(sources.filter((text) => /\blog\b/.test(text)).flatMap(loggedFields));
  const listed = Object.keys(LOG_FIELDS);
  expect([...logged].filter((field) => !listed.includes(field))).toEqual([]);
  expect(listed.filter((field) => !logged.has(field) && !SPREAD.has(field))).toEqual([]);
});

/** Fields of objects that are spread into a line, or are a line's only argument. */
const SPREAD = new Set([
  'attempt',
  'board',
  'changes',
  'code',
  'final',
  'full',
  'holder',
  'httpProxy',
  'httpsProxy',
  'jobs',
  'leases',
  'noProxy',
  'until',
]);

function page(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** The product's own sources: no tests, nothing of the simulator, and not the list of log fields. */
function sourceFiles(): string[] {
  return ['packages', 'apps'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'simulator')
      .map(({ name }) => `${folder}/${name}/src`)
      .flatMap((source) =>
        readdirSync(path.join(ROOT, source), { recursive: true, encoding: 'utf8' })
          .filter(
            (file) => /(?<!\.test|log-fields)\.ts$/.test(file) && !file.startsWith('generated'),
          )
          .map((file) => path.join(source, file)),
      ),
  );
}
