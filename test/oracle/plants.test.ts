import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

/*
 * Planted bugs test the oracle itself. `npm run oracle -- --planted` runs all of them; this file
 * tests that the mechanism works.
 */

const ROOT = path.resolve(__dirname, '../..');

test('the text of every planted bug is in the source exactly once, and its replacement differs', async () => {
  const { code, stdout } = await node([
    '--input-type=module',
    '-e',
    `
    import { readFileSync } from 'node:fs';
    import { plant, PLANTS } from './test/oracle/plants.mjs';
    for (const one of PLANTS) { const source = readFileSync(one.file, 'utf8'); if (plant(one, source) === source) throw new Error(one.name); }
    console.log(PLANTS.length);`,
  ]);
  expect(code).toBe(0);
  expect(Number(stdout)).toBeGreaterThanOrEqual(15);
});

test('a plant whose text is missing is refused by name', async () => {
  const { code, stderr } = await node([
    '--input-type=module',
    '-e',
    `
    import { plant } from './test/oracle/plants.mjs';
    plant({ name: 'lost', file: 'some.ts', text: 'no such text', bug: '' }, ${JSON.stringify(readFileSync(__filename, 'utf8').slice(0, 20))});`,
  ]);
  expect(code).not.toBe(0);
  expect(stderr).toContain('planted bug lost: its text occurs 0 times in some.ts');
});

test('two planted bugs are caught, each by the expected check', async () => {
  const { code, stdout } = await node([
    path.join(__dirname, 'run.mjs'),
    '--planted',
    'labels-removed-ignored',
    'next-page-ignored',
  ]);
  expect(stdout).toMatch(/next-page-ignored +\| +\d+ \| /);
  expect(stdout).toMatch(/labels-removed-ignored +\| +\d+ \| mirror ≡ source/);
  expect(stdout).toContain('2 of 2 planted bugs caught');
  expect(code).toBe(0);
}, 900_000);

function node(args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}
