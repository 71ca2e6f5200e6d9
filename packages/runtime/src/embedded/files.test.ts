import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OperatorError } from '../errors.js';
import { makeDir } from './files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-files-'));
  writeFileSync(path.join(folder, 'file'), '');
});
afterEach(() => rmSync(folder, { recursive: true }));

const CLI = path.resolve(__dirname, '../../../../apps/cli/dist/main.js');

/** Runs a command that needs the embedded servers. */
function run(word: string, dataDir: string): Promise<{ code: unknown; err: string }> {
  const env = {
    PATH: process.env['PATH'],
    SYNCLINE_DATA_DIR: dataDir,
    GOOGLE_CLIENT_ID: 'id',
    GOOGLE_CLIENT_SECRET: 'secret',
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...word.split(' ')], { env }, (error, _, stderr) =>
      resolve({ code: error?.code, err: stderr }),
    );
  });
}

test('directories are made with those above them, and again without harm', () => {
  for (let times = 0; times < 2; times++) makeDir(path.join(folder, 'a', 'b', 'c'));
  expect(statSync(path.join(folder, 'a', 'b', 'c')).isDirectory()).toBe(true);
});

test.each([
  ['a file is in the way', () => path.join(folder, 'file', 'data', 'deep')],
  ['it is a file itself', () => path.join(folder, 'file')],
  ['its parent is no place for directories', () => '/proc/no-such/data'],
])('a directory that cannot be made since %s is refused at once', (_, dir) => {
  expect(() => makeDir(dir())).toThrow(OperatorError);
});

test.each(['demo', 'up', 'migrate', 'accounts list', 'wait'])(
  '%s with a data directory that cannot be made says so in a sentence and ends with 1',
  async (word) => {
    for (const dir of ['/proc/no-such/data', path.join(folder, 'file', 'data')]) {
      const { code, err } = await run(word, dir);
      expect(err).toContain('cannot be written to');
      expect([code, err.trim().split('\n').length]).toEqual([1, 1]);
    }
  },
);
