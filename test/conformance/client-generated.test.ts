import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DOCUMENT } from '../support/api-contract.js';
import { ROOT } from '../support/compose.js';

/*
 * The generated sources of packages/client are those of the route table. After a change of a route:
 * `UPDATE_REFERENCE=1 npm test -- test/conformance/client-generated.test.ts`.
 */

const GENERATED = path.join(ROOT, 'packages/client/src/generated');

test('the generated sources of the client are those of the route table', () => {
  const made = mkdtempSync(path.join(tmpdir(), 'syncline-generated-'));
  try {
    generate(made);
    if (process.env['UPDATE_REFERENCE']) generate(GENERATED);
    expect(readdirSync(GENERATED)).toEqual(readdirSync(made));
    const differing = readdirSync(made).filter(
      (name) => read(GENERATED, name) !== read(made, name),
    );
    // The test's comment has the command that writes them.
    expect(differing).toEqual([]);
  } finally {
    rmSync(made, { recursive: true });
  }
});

function generate(directory: string): void {
  const { status, stderr } = spawnSync(
    process.execPath,
    [path.join(ROOT, 'packages/client/generate.mjs'), directory],
    { input: JSON.stringify(DOCUMENT), encoding: 'utf8' },
  );
  expect([stderr, status]).toEqual(['', 0]);
}

function read(directory: string, name: string): string {
  return readFileSync(path.join(directory, name), 'utf8');
}
