import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/* SECURITY.md says of each check whether it holds, and by which test. */

const ROOT = path.resolve(__dirname, '../..');
const rows = readFileSync(path.join(ROOT, 'SECURITY.md'), 'utf8')
  .split('\n')
  .map((line) => /^\| (S\d+)[^|]*\|([^|]*)\|([^|]*)\|$/.exec(line))
  .filter((match) => match !== null)
  .map(([, check = '', state = '', by = '']) => ({ check, state: state.trim(), by }));

test('every check has a state, and each that holds has a test of its number in the first file of its row', () => {
  expect(rows.map(({ check }) => check)).toEqual(
    expect.arrayContaining([
      'S1',
      'S2',
      'S3',
      'S4',
      'S5',
      'S6',
      'S7',
      'S8',
      'S9',
      'S12',
      'S13',
      'S14',
      'S15',
    ]),
  );
  const held = rows.filter(({ state }) => state.startsWith('holds'));
  expect(held.length).toBeGreaterThan(8);
  for (const { check, by } of held) {
    const files = [...by.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file]) => file as string);
    expect([check, files.filter((file) => !existsSync(path.join(ROOT, file)))]).toEqual([
      check,
      [],
    ]);
    const named = readFileSync(path.join(ROOT, files[0] ?? 'SECURITY.md'), 'utf8');
    expect([check, new RegExp(`['"\`]${check}: `).test(named)]).toEqual([check, true]);
  }
});
