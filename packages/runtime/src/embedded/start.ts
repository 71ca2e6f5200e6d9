/**
 * The embedded servers belong to a data directory, not to a process: whoever starts first starts them, everybody else
 * finds them, and the last one that leaves orderly stops them. A process that was killed leaves them running, and the
 * next start takes them over. Who uses them is a file per user under `users/`; a dead owner's file does not count.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { identityOf, isAlive, makeDirs, withFileLock, writeWhole } from '../../file-lock.cjs';
import { must } from '../assert.js';
import { keptMasterKey, makeDir } from './files.js';
import { startPostgres, stopPostgres } from './postgres.js';
import { startRedis, stopRedis } from './redis.js';

/** Longer than a first start with apt-get in it. */
const LOCK_TIMEOUT_MS = 300_000;

export interface EmbeddedOptions {
  dataDir: string;
  /** Given: that server is not started. */
  databaseUrl?: string | null;
  redisUrl?: string | null;
  /** Told what is really done, a plain sentence at a time. */
  log?: (line: string) => void;
  /** Ends the start when it is aborted; what was started is stopped then. */
  signal?: AbortSignal;
}

export interface Embedded {
  databaseUrl: string;
  /** Of the superuser of the embedded Postgres, for tests; null when Postgres is given. */
  administratorUrl: string | null;
  /** Makes another database of the same role, which may not do so itself; null when Postgres is given. */
  createDatabase: ((name: string) => Promise<void>) | null;
  redisUrl: string;
  /** 32 bytes. */
  masterKey: Buffer;
  /** Gives up the use; stops the servers when nobody else uses them. May be called twice. */
  release(): Promise<void>;
}

/** @throws OperatorError when the machine lacks something that a person has to install; the signal's reason when it is aborted */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const dataDir = path.resolve(options.dataDir);
  const log = options.log ?? (() => {});
  const signal = options.signal ?? new AbortController().signal;
  signal.throwIfAborted();
  makeDir(dataDir);
  return withFileLock(
    dataDir,
    'lock',
    {
      timeoutMs: LOCK_TIMEOUT_MS,
      signal,
      onWait: () => log('waiting for another process that starts or stops the embedded servers'),
    },
    async () => {
      const registration = register(dataDir);
      try {
        const postgres = options.databaseUrl
          ? Promise.resolve(givenPostgres(options.databaseUrl))
          : startPostgres(dataDir, log, signal);
        const redis = options.redisUrl
          ? Promise.resolve(options.redisUrl)
          : startRedis(dataDir, log, signal);
        // Both have settled before either's failure stops what did start.
        await Promise.allSettled([postgres, redis]);
        return {
          ...(await postgres),
          redisUrl: await redis,
          masterKey: keptMasterKey(dataDir),
          release: () => release(dataDir, registration),
        };
      } catch (error) {
        await leave(dataDir, registration);
        throw error;
      }
    },
  );
}

function givenPostgres(
  databaseUrl: string,
): Pick<Embedded, 'databaseUrl' | 'administratorUrl' | 'createDatabase'> {
  return { databaseUrl, administratorUrl: null, createDatabase: null };
}

async function release(dataDir: string, registration: string): Promise<void> {
  await withFileLock(dataDir, 'lock', { timeoutMs: LOCK_TIMEOUT_MS }, () =>
    leave(dataDir, registration),
  );
}

async function leave(dataDir: string, registration: string): Promise<void> {
  rmSync(registration, { force: true });
  if (livingUsers(dataDir) > 0) return;
  await Promise.all([stopPostgres(dataDir), stopRedis(dataDir)]);
}

function register(dataDir: string): string {
  const dir = path.join(dataDir, 'users');
  makeDirs(dir, 0o700);
  const file = path.join(dir, `${process.pid}-${randomUUID()}`);
  writeWhole(file, must(identityOf(process.pid), 'a running process can be identified'));
  return file;
}

/** How many processes use the servers; forgets those that died. */
function livingUsers(dataDir: string): number {
  const dir = path.join(dataDir, 'users');
  let living = 0;
  for (const name of readdirSync(dir)) {
    const file = path.join(dir, name);
    if (isAlive(readFileSync(file, 'utf8'))) living++;
    else rmSync(file, { force: true });
  }
  return living;
}
