import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeDirs, writeWhole } from '../../file-lock.cjs';
import { OperatorError } from '../errors.js';
import { isGuessable } from '../master-key.js';

/**
 * How to reach a server of a data directory. The record is stored in that directory with mode 0600
 * and reused by every later start.
 */
export interface ServerRecord {
  port: number;
  password: string;
  /**
   * Password of the application's Postgres role. Absent in records that an earlier version wrote.
   */
  applicationPassword?: string;
}

export function readRecord(file: string): ServerRecord | null {
  if (!existsSync(file)) return null;
  return JSON.parse(readFileSync(file, 'utf8')) as ServerRecord;
}

export function writeRecord(file: string, record: ServerRecord): void {
  writeWhole(file, `${JSON.stringify(record)}\n`);
}

/** Returns a URL-safe password, which needs no encoding in a connection URL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/**
 * Returns the key that encrypts refresh tokens. It is generated once for a data directory and
 * stored there. When it is lost, every account has to be connected again.
 */
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
 * Creates a directory of Syncline. A directory of root has mode 0711, so that a server can reach
 * its own folder without root rights.
 * @throws OperatorError when it cannot be written to.
 */
export function makeDir(dir: string): void {
  try {
    makeDirs(dir, process.getuid?.() === 0 ? 0o711 : 0o700);
    accessSync(dir, constants.W_OK);
  } catch (error) {
    throw new OperatorError(
      `${dir} cannot be written to (${(error as NodeJS.ErrnoException).code}): set SYNCLINE_DATA_DIR to a directory that this user can write to.`,
    );
  }
}
