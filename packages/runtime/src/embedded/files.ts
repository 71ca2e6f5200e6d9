import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirs, writeWhole } from '../../file-lock.cjs';
import { OperatorError } from '../errors.js';
import { isGuessable } from '../master-key.js';

/** How a server that belongs to a data directory is reached. Kept there, mode 0600, and reused by every later start. */
export interface ServerRecord {
  port: number;
  password: string;
  /** Of the application's role in Postgres. Absent in what an earlier version has written. */
  applicationPassword?: string;
}

export function readRecord(file: string): ServerRecord | null {
  if (!existsSync(file)) return null;
  return JSON.parse(readFileSync(file, 'utf8')) as ServerRecord;
}

export function writeRecord(file: string, record: ServerRecord): void {
  writeWhole(file, `${JSON.stringify(record)}\n`);
}

/** URL-safe, so that it can stand in a connection URL as it is. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** The key that seals refresh tokens: made once for a data directory, and kept there. Losing it means reconnecting every account. */
export function keptMasterKey(dataDir: string): Buffer {
  const file = path.join(dataDir, 'master.key');
  if (!existsSync(file)) writeWhole(file, `${randomBytes(32).toString('base64')}\n`);
  const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
  if (key.length !== 32 || isGuessable(key))
    throw new OperatorError(
      `${file} does not hold 32 random bytes in base64: restore the file, or set SYNCLINE_MASTER_KEY.`,
    );
  return key;
}

/**
 * Makes a directory of ours. Root's are passable (0711), so that a server can reach its own folder without root's rights.
 * @throws OperatorError when it cannot be written to.
 */
export function makeDir(dir: string): void {
  try {
    makeDirs(dir, process.getuid?.() === 0 ? 0o711 : 0o700);
    accessSync(dir, constants.W_OK);
  } catch (error) {
    throw new OperatorError(
      `${dir} cannot be written to (${(error as NodeJS.ErrnoException).code}): set SYNCLINE_DATA_DIR to a directory of yours.`,
    );
  }
}
