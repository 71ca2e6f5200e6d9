/**
 * The system user of the embedded servers. Postgres refuses to run as uid 0, and Redis needs no
 * root rights either: root starts the servers as `postgres` or `nobody`. These users cannot enter a
 * private home directory. When the data directory or the checkout is below one, the files they need
 * are placed in a spare directory that root owns.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirs } from '../../file-lock.cjs';
import { OperatorError } from '../errors.js';
import { serverEnvironment } from './environment.js';

/**
 * User and group for `spawn`; empty when the process is not root, so that the user does not change.
 */
export type ServerAccount = { uid?: number; gid?: number };

export function serverAccount(): ServerAccount {
  if (process.getuid?.() !== 0) return {};
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user =
    lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody');
  if (!user)
    throw new OperatorError(
      'The embedded servers do not run as root, and there is no user postgres or nobody to run them as: start Syncline as an ordinary user, or set DATABASE_URL and REDIS_URL.',
    );
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

/**
 * Whether the account can enter or execute `target`. The kernel decides, because parent
 * directories, ACLs and mounts matter.
 */
export function isReachable(target: string, account: ServerAccount): boolean {
  if (account.uid === undefined) return true;
  return (
    spawnSync('/bin/sh', ['-c', 'test -x "$1"', 'sh', target], {
      ...account,
      cwd: '/',
      env: serverEnvironment(),
    }).status === 0
  );
}

/**
 * Returns the directory of the account's servers: `dataDir`, or root's spare directory when the
 * account cannot reach `dataDir`.
 */
export function reachableHome(dataDir: string, account: ServerAccount): string {
  return isReachable(dataDir, account) ? dataDir : spareDir(dataDir);
}

/**
 * Returns a directory below /var/tmp, which survives a reboot. Another user may have created that
 * name first, so root must own it.
 */
export function spareDir(dataDir: string): string {
  const spare = path.join(
    '/var/tmp',
    `syncline-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`,
  );
  makeDirs(spare, 0o711);
  const made = lstatSync(spare);
  if (!made.isDirectory() || made.uid !== 0 || (made.mode & 0o022) !== 0) {
    throw new OperatorError(
      `${spare} must be a directory that belongs to root and that only root can write to: remove it, or set SYNCLINE_DATA_DIR to a directory that user postgres or nobody can enter.`,
    );
  }
  return spare;
}

/** Creates a directory that only the account can access. */
export function makePrivateDir(dir: string, account: ServerAccount): void {
  makeDirs(dir, 0o700);
  giveTo(dir, account);
}

/**
 * Only for files in directories that this process owns. In a directory of its own, the account
 * could replace a file by a link to any other file.
 */
export function giveTo(file: string, account: ServerAccount): void {
  if (account.uid !== undefined && account.gid !== undefined)
    chownSync(file, account.uid, account.gid);
}
