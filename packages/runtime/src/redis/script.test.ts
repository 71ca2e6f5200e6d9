import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OperatorError } from '../errors.js';
import { loadScript } from './script.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-lua-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a script is its constants and its files in order, and is named by the digest of that text', () => {
  writeFileSync(path.join(directory, 'first.lua'), 'local one = SLOT\n');
  writeFileSync(path.join(directory, 'second.lua'), 'return one + KEEP\n');
  const { lua, sha } = loadScript(directory, ['first', 'second'], { SLOT: 250, KEEP: 61_000 });
  expect(lua).toBe('local SLOT = 250\nlocal KEEP = 61000\nlocal one = SLOT\nreturn one + KEEP\n');
  expect(sha).toBe(createHash('sha1').update(lua).digest('hex'));
});

test('a missing file is an error that names it and what to do', () => {
  const missing = path.join(directory, 'missing.lua');
  const load = (): unknown => loadScript(directory, ['missing']);
  expect(load).toThrow(OperatorError);
  expect(load).toThrow(
    `The installation is incomplete: the Redis script ${missing} cannot be read (Error ENOENT). Install it again`,
  );
});
