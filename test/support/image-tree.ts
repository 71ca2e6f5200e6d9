import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The content of the image below /app, assembled by the Dockerfile's own command. */
export interface ImageTree {
  root: string;
  /** Every file and link, by its path below the root, with its size in bytes. */
  files(): Map<string, number>;
  /** Removes all write permissions. */
  makeReadOnly(): void;
  remove(): void;
}

const ROOT = path.resolve(__dirname, '../..');

/** Returns the instructions of the Dockerfile, without comments and with continued lines joined. */
export function dockerfile(): string[] {
  return readFileSync(path.join(ROOT, 'deploy/Dockerfile'), 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line !== '');
}

export function assembleImage(): ImageTree {
  const run = dockerfile().find((line) => line.startsWith('RUN node deploy/assemble.mjs '));
  if (run === undefined) throw new Error('the Dockerfile does not assemble the tree');
  const folder = mkdtempSync(path.join(tmpdir(), 'syncline-image-'));
  // The programs run as another user, which must be able to read the directory.
  chmodSync(folder, 0o755);
  const [command, script] = run.split(' ').slice(1) as [string, string, string];
  const root = path.join(folder, 'app');
  execFileSync(command, [script, root], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  return {
    root,
    files: () =>
      new Map(entriesOf(root).map((name) => [name, lstatSync(path.join(root, name)).size])),
    makeReadOnly: () => {
      for (const name of ['.', ...entriesOf(root, true)]) {
        const at = path.join(root, name);
        if (!lstatSync(at).isSymbolicLink()) chmodSync(at, lstatSync(at).mode & 0o555);
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function entriesOf(root: string, withFolders = false): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => withFolders || !entry.isDirectory())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}
