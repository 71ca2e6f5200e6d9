import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/* docs/explanation/lessons.md says for every lesson which test shows it; a test that was renamed or removed must not leave a promise behind. */

const ROOT = path.resolve(__dirname, '../..');
const LESSONS = readFileSync(path.join(ROOT, 'docs/explanation/lessons.md'), 'utf8');
const COUNT = 143;
const ROWS = [...LESSONS.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, number, lesson, does, shown]) => ({
    number: Number(number),
    lesson: String(lesson),
    does: String(does),
    shown: String(shown).split('<br>'),
  }),
);
const NAMED = /^`([^`]+\.test\.ts)` › (.+)$/;

test('every lesson has its row, in order, with what is done', () => {
  expect(ROWS.map(({ number }) => number)).toEqual(
    Array.from({ length: COUNT }, (_, index) => index + 1),
  );
  expect(ROWS.filter(({ lesson, does }) => !/[.?]$/.test(lesson) || !does.endsWith('.'))).toEqual(
    [],
  );
});

test('every row names a test, or says that it does not apply or is open, and why', () => {
  const unclear = ROWS.flatMap(({ number, shown }) =>
    shown
      .filter((proof) => !NAMED.test(proof) && !/^(open|does not apply): .{10,}/.test(proof))
      .map((proof) => ({ number, proof })),
  );
  expect(unclear).toEqual([]);
});

test('every test that is named exists', () => {
  const missing = ROWS.flatMap(({ number, shown }) =>
    shown.flatMap((proof) => {
      const [, file = '', title = ''] = NAMED.exec(proof) ?? [];
      return file === '' ||
        (existsSync(path.join(ROOT, file)) && titlesOf(file).some((known) => known.includes(title)))
        ? []
        : [{ number, proof }];
    }),
  );
  expect(missing).toEqual([]);
});

test('every test of the files that were written for lessons is named', () => {
  const files = ['mail', 'calendar', 'grants', 'database'].map(
    (topic) => `test/scenarios/lessons-${topic}.test.ts`,
  );
  expect(
    files.flatMap((file) => titlesOf(file).filter((title) => !LESSONS.includes(title))),
  ).toEqual([]);
});

/** The titles of a file's tests, as written in it; of a table of tests, the pattern of its titles. */
function titlesOf(file: string): string[] {
  return [
    ...readFileSync(path.join(ROOT, file), 'utf8').matchAll(
      /(?:^\s*test|\))\(\s*(['"`])(.+?)\1,\s*(?:async )?\(/gm,
    ),
  ].map(([, , title]) => String(title));
}
