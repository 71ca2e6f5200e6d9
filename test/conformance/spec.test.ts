import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/* SPEC.md names a test for every invariant; a test that was renamed or removed must not leave a promise behind. */

const ROOT = path.resolve(__dirname, '../..');
const SPEC = readFileSync(path.join(ROOT, 'packages/sync/SPEC.md'), 'utf8');
const NAMED = [...SPEC.matchAll(/^ *Test: `([^`]+)` "([^"]+)"\.$/gm)].map(([, file, name]) => ({ file: String(file), name: String(name) }));

test('every test that SPEC.md names exists', () => {
  const missing = NAMED.filter(({ file, name }) => !existsSync(path.join(ROOT, file)) || !namesOf(file).some((title) => title.includes(name)));
  expect(missing).toEqual([]);
});

test('every line of SPEC.md that names a test is read, and every invariant names one', () => {
  expect(NAMED).toHaveLength(SPEC.split('\n').filter((line) => line.includes('Test:')).length);
  const invariants = SPEC.split('## Invariants')[1]?.split(/^\d+\. /m).slice(1) ?? [];
  expect(invariants).toHaveLength(10);
  expect(invariants.filter((text) => !text.includes('Test: `'))).toEqual([]);
});

/** The titles of a file's tests, as they stand in it. */
function namesOf(file: string): string[] {
  return [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(/^\s*test(?:\.each\(.*\))?\(\s*(['"`])(.+?)\1,/gm)].map(([, , title]) => String(title));
}
