/**
 * The embedded servers belong to a data directory, not to a process. The first process starts them,
 * later processes find them running, and the last process that releases them stops them. A killed
 * process leaves them running, and the next start takes them over. Each user of the servers has a
 * file under `users/`. The file of a process that no longer exists is ignored.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { identityOf, isAlive, makeDirs, withFileLock, writeWhole } from '../../file-lock.cjs';
import { must } from '../assert.js';
import { keptMasterKey, makeDir } from './files.js';
import { startPostgres, stopPostgres } from './postgres.js';
import { startRedis, stopRedis } from './redis.js';

/** Longer than a first start that includes apt-get. */
const LOCK_TIMEOUT_MS = 300_000;

export interface EmbeddedOptions {
  dataDir: string;
  /** A server with a URL is not started. */
  databaseUrl?: string | null;
  redisUrl?: string | null;
  /** Receives each completed action as a plain sentence. */
  log?: (line: string) => void;
  /** Aborting it ends the start; servers that were started are stopped. */
  signal?: AbortSignal;
}

export interface Embedded {
  databaseUrl: string;
  /** URL of the superuser of the embedded Postgres, for tests; null when Postgres is given. */
  administratorUrl: string | null;
  /**
   * Creates another database of the same role, which has no right to do so itself; null when
   * Postgres is given.
   */
  createDatabase: ((name: string) => Promise<void>) | null;
  redisUrl: string;
  /** 32 bytes. */
  masterKey: Buffer;
  /**
   * Ends this process's use of the servers. Stops them when no other process uses them. May be
   * called twice.
   */
  release(): Promise<void>;
}

/**
 * @throws OperatorError when the machine lacks something that a person has to install; the signal's
 * reason when it is aborted
 */
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
        // Both starts must settle first, so that the failure of one also stops the other server.
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
  if (liveProcesses(dataDir) > 0) return;
  await Promise.all([stopPostgres(dataDir), stopRedis(dataDir)]);
}

function register(dataDir: string): string {
  const dir = path.join(dataDir, 'users');
  makeDirs(dir, 0o700);
  const file = path.join(dir, `${process.pid}-${randomUUID()}`);
  writeWhole(file, must(identityOf(process.pid), 'a running process can be identified'));
  return file;
}

/**
 * Returns the number of processes that use the servers, and removes the files of processes that
 * have ended.
 */
function liveProcesses(dataDir: string): number {
  const dir = path.join(dataDir, 'users');
  let living = 0;
  for (const name of readdirSync(dir)) {
    const file = path.join(dir, name);
    if (isAlive(readFileSync(file, 'utf8'))) living++;
    else rmSync(file, { force: true });
  }
  return living;
}
