/**
 * Who the embedded servers run as. Postgres refuses uid 0, and Redis needs no rights either: root's servers run as
 * `postgres` or `nobody`. Such a user cannot enter a private home directory, so what it must reach is put into a spare
 * directory of root's when the data directory or the checkout lies below one.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirs } from '../../file-lock.cjs';
import { OperatorError } from '../errors.js';
import { serverEnvironment } from './environment.js';

/** For `spawn`; empty when the process is not root and stays itself. */
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

/** Whether the account can enter or execute `target`. Asked of the kernel: parents, ACLs and mounts all have a say. */
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

/** The directory in which the account's servers live: `dataDir`, or root's spare one when the account cannot get there. */
export function reachableHome(dataDir: string, account: ServerAccount): string {
  return isReachable(dataDir, account) ? dataDir : spareDir(dataDir);
}

/** Below /var/tmp, which outlives a reboot. Another user may have made the name first, so it must be root's own. */
export function spareDir(dataDir: string): string {
  const spare = path.join(
    '/var/tmp',
    `syncline-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`,
  );
  makeDirs(spare, 0o711);
  const made = lstatSync(spare);
  if (!made.isDirectory() || made.uid !== 0 || (made.mode & 0o022) !== 0) {
    throw new OperatorError(
      `${spare} belongs to somebody else: remove it, or point SYNCLINE_DATA_DIR at a directory that user postgres or nobody can enter.`,
    );
  }
  return spare;
}

/** A directory that only the account can look into. */
export function makePrivateDir(dir: string, account: ServerAccount): void {
  makeDirs(dir, 0o700);
  giveTo(dir, account);
}

/** Only for files in directories of our own: the account could swap a file in its own for a link to anything. */
export function giveTo(file: string, account: ServerAccount): void {
  if (account.uid !== undefined && account.gid !== undefined)
    chownSync(file, account.uid, account.gid);
}
