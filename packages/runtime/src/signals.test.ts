import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Child, endChildren, startProgram } from '../test-support/child.js';

/**
 * Tests npm's handling of signals with the real npm. The script uses `exec`, like the scripts of
 * this repository: without it the signal would end only the shell in between.
 */
let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'syncline-npm-'));
  const script = `exec node ${path.join(__dirname, '..', 'test-support', 'service.cjs')} drains`;
  writeFileSync(
    path.join(dir, 'package.json'),
    JSON.stringify({ name: 'probe', version: '1.0.0', scripts: { worker: script } }),
  );
});
afterAll(() => rmSync(dir, { recursive: true }));

afterEach(endChildren);

async function startUnderNpm(): Promise<Child> {
  const env = {
    DATABASE_URL: 'postgres://u@127.0.0.1:1/x',
    REDIS_URL: 'redis://127.0.0.1:1',
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    GOOGLE_API_URL: 'http://127.0.0.1:1',
  };
  const child = startProgram('npm', ['--prefix', dir, 'run', '--silent', 'worker'], env);
  await child.says('"event":"ready"');
  return child;
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to npm alone drains its script, and npm ends with 0',
  async (signal) => {
    const npm = await startUnderNpm();
    npm.process.kill(signal);
    expect(await npm.exited).toEqual({ code: 0, signal: null });
    expect(npm.output().stdout).toBe('drained\n');
  },
);

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s to the whole process group, as a terminal sends it, drains too',
  async (signal) => {
    const npm = await startUnderNpm();
    process.kill(-(npm.process.pid as number), signal);
    expect(await npm.exited).toEqual({ code: 0, signal: null });
    expect(npm.output().stdout).toBe('drained\n');
  },
);

test('a script whose npm was killed drains instead of running on unseen', async () => {
  const npm = await startUnderNpm();
  npm.process.kill('SIGKILL');
  // `exited` resolves when no process holds the output of npm open any more.
  expect(await npm.exited).toEqual({ code: null, signal: 'SIGKILL' });
  expect(npm.output().stdout).toBe('drained\n');
});
