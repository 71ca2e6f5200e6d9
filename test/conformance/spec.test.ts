import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ERROR_OUTCOMES } from '../../packages/sync/src/error-outcomes.js';

/* SPEC.md names a test for every invariant; a test that was renamed or removed must not leave a promise behind. */

const ROOT = path.resolve(__dirname, '../..');
const SPEC = readFileSync(path.join(ROOT, 'packages/sync/SPEC.md'), 'utf8');
const NAMED = [...SPEC.matchAll(/^ *Test: `([^`]+)` "([^"]+)"\.$/gm)].map(([, file, name]) => ({
  file: String(file),
  name: String(name),
}));

test('every test that SPEC.md names exists', () => {
  const missing = NAMED.filter(
    ({ file, name }) =>
      !existsSync(path.join(ROOT, file)) || !namesOf(file).some((title) => title.includes(name)),
  );
  expect(missing).toEqual([]);
});

test('every line of SPEC.md that names a test is read, and every transition and invariant names one', () => {
  expect(NAMED).toHaveLength(SPEC.split('\n').filter((line) => line.includes('Test:')).length);
  for (const [section, least] of [
    ['Transitions', 18],
    ['Invariants', 15],
  ] as const) {
    const numbered = sectionOf(section)
      .split(/^\d+\. /m)
      .slice(1);
    expect(numbered.length).toBeGreaterThanOrEqual(least);
    expect(numbered.filter((text) => !text.includes('Test: `'))).toEqual([]);
  }
});

test('the table of error outcomes in SPEC.md is the one in the code, pair by pair', () => {
  const written = Object.fromEntries(
    [
      ...sectionOf('Phase and answer').matchAll(
        /^\| ([a-z-]+(?:, one calendar)?) \| ([a-z-]+) \| ([a-z-]+) \| ([a-z-]+) \|$/gm,
      ),
    ].map(([, answer, ...outcomes]) => [answer, outcomes]),
  );
  const phases = ['pending', 'full', 'incremental'] as const;
  const answers = Object.keys(
    ERROR_OUTCOMES.gmail.pending,
  ) as (keyof typeof ERROR_OUTCOMES.gmail.pending)[];
  const inCode = Object.fromEntries(
    answers.map((answer) => [answer, phases.map((phase) => ERROR_OUTCOMES.gmail[phase][answer])]),
  );
  expect(written).toEqual({
    ...inCode,
    'not-found, one calendar': phases.map(
      (phase) => ERROR_OUTCOMES['calendar-events'][phase]['not-found'],
    ),
  });
  const differs = (kind: 'calendar-list' | 'calendar-events'): string[] =>
    phases.flatMap((phase) =>
      answers.filter(
        (answer) => ERROR_OUTCOMES[kind][phase][answer] !== ERROR_OUTCOMES.gmail[phase][answer],
      ),
    );
  expect([differs('calendar-list'), differs('calendar-events')]).toEqual([
    [],
    ['not-found', 'not-found', 'not-found'],
  ]);
});

function sectionOf(title: string): string {
  return SPEC.split(`## ${title}\n`)[1]?.split(/^## /m)[0] ?? '';
}

/** The titles of a file's tests, as written in it. */
function namesOf(file: string): string[] {
  return [
    ...readFileSync(path.join(ROOT, file), 'utf8').matchAll(
      /^\s*(?:test(?:\.each\(.*\))?|.*[\]})]?\))\(\s*(['"`])(.+?)\1,/gm,
    ),
  ].map(([, , title]) => String(title));
}
