import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { identityOf, isAlive, withFileLock } from '../file-lock.cjs';
import { endChildren, startScript } from '../test-support/child.js';

afterEach(endChildren);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'syncline-lock-'));
  writeFileSync(path.join(dir, 'count'), '0');
});

afterEach(() => rmSync(dir, { recursive: true }));

test('processes that lock one after the other lose no count, although owners are killed in between', async () => {
  const children = [
    startScript('lock-user.cjs', [dir, '30']),
    startScript('lock-user.cjs', [dir, 'die']),
    startScript('lock-user.cjs', [dir, '30']),
    startScript('lock-user.cjs', [dir, 'die']),
    startScript('lock-user.cjs', [dir, '30']),
  ];
  const ends = await Promise.all(children.map((child) => child.exited));
  expect(ends.map(({ code, signal }) => code ?? signal)).toEqual([0, 'SIGKILL', 0, 'SIGKILL', 0]);
  expect(readFileSync(path.join(dir, 'count'), 'utf8')).toBe('90');
});

test('waiting longer than the timeout is an error, and old claims do not accumulate', async () => {
  await withFileLock(dir, 'lock', { timeoutMs: 1_000 }, async () => {
    await expect(withFileLock(dir, 'lock', { timeoutMs: 100 }, () => 1)).rejects.toThrow(
      /another process has held/,
    );
  });
  for (let i = 0; i < 5; i++) await withFileLock(dir, 'lock', { timeoutMs: 1_000 }, () => i);
  expect(readdirSync(dir).filter((name) => name.startsWith('lock'))).toHaveLength(1);
});

test('the lock is free again after its body throws', async () => {
  await expect(
    withFileLock(dir, 'lock', { timeoutMs: 1_000 }, () => Promise.reject(new Error('body'))),
  ).rejects.toThrow('body');
  expect(await withFileLock(dir, 'lock', { timeoutMs: 1_000 }, () => 'again')).toBe('again');
});

test('a pid that another process got since is not the one that was noted', () => {
  const own = identityOf(process.pid) as string;
  expect(isAlive(own)).toBe(true);
  expect(isAlive(own.replace(/\S+$/, '1'))).toBe(false);
  expect(identityOf(2 ** 22 + 1)).toBeNull();
});
