/**
 * Creates a database and a Redis prefix of the demo's own, both empty: the demo must not touch the
 * operator's data on the same servers, and a second demo must not find the first one's accounts.
 */
import {
  type Resolved,
  type ResolvedConfig,
  type Runtime,
  OperatorError,
  erasePrefix,
} from '@syncline/runtime';
import { dropDatabase, migrate } from '@syncline/store';

export interface DemoStorage {
  databaseUrl: string;
  redisUrl: string;
  redisPrefix: string;
  /** Removes the database and the keys. */
  remove(): Promise<void>;
}

const DATABASE = 'syncline_demo';
const PREFIX_SUFFIX = '-demo';
const PREFIX_LENGTH_LIMIT = 64;
/** The processes of a killed demo drain in less than this. */
const OTHERS_TIMEOUT_MS = 30_000;
const ASK_EVERY_MS = 500;

/**
 * Creates both, and drops what an earlier demo left.
 * @param createDatabase used where the role of `databaseUrl` may not create databases
 * @throws OperatorError when another demo runs on the same servers
 */
export async function createDemoStorage(
  rt: Runtime,
  config: Pick<
    ResolvedConfig,
    'databaseUrl' | 'redisUrl' | 'redisPrefix' | 'redisTls' | 'allowInsecure'
  >,
  createDatabase: Resolved['createDatabase'],
  report: (line: string) => void,
): Promise<DemoStorage> {
  const { redisUrl, redisTls, allowInsecure } = config;
  const databaseUrl = demoDatabase(config.databaseUrl);
  const redisPrefix = demoPrefix(config.redisPrefix);
  const keys = { redisUrl, redisTls, allowInsecure, redisPrefix, deployment: null };
  await dropWhenUnused(rt, databaseUrl, {
    report,
    waiting: 'waiting for an earlier demo to end',
    inUse:
      'Another demo is running here. End it first, or give this one a SYNCLINE_DATA_DIR of its own.',
  });
  await createDatabase?.(DATABASE);
  await migrate(databaseUrl, { signal: rt.signal, clock: rt.clock, report });
  await erasePrefix(rt, keys);
  return {
    databaseUrl,
    redisUrl,
    redisPrefix,
    remove: async () => {
      await erasePrefix(rt, keys);
      // Only a killed process can have left a session on this database, and it must not prevent the
      // drop.
      await dropDatabase(databaseUrl, { force: true });
    },
  };
}

/**
 * Recreates the database of `npm run up` on the embedded Postgres, and erases its keys in Redis: a
 * schema of a development version cannot be upgraded.
 * @throws OperatorError when Postgres is not embedded, or a process still uses the database
 */
export async function resetEmbedded(
  rt: Runtime,
  config: Parameters<typeof createDemoStorage>[1],
  createDatabase: Resolved['createDatabase'],
  report: (line: string) => void,
): Promise<void> {
  const { databaseUrl, redisUrl, redisTls, allowInsecure, redisPrefix } = config;
  if (createDatabase === null)
    throw new OperatorError(
      '--reset is for the embedded Postgres, and DATABASE_URL names another one: drop the schema there, and run: npm run migrate',
    );
  await dropWhenUnused(rt, databaseUrl, {
    report,
    waiting: 'waiting for other processes to leave the embedded database',
    inUse: 'The embedded database is in use: end `npm run up` first.',
  });
  await createDatabase(decodeURIComponent(new URL(databaseUrl).pathname.slice(1)));
  await migrate(databaseUrl, { signal: rt.signal, clock: rt.clock, report });
  await erasePrefix(rt, { redisUrl, redisTls, allowInsecure, redisPrefix, deployment: null });
}

export function demoDatabase(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${DATABASE}`;
  return url.href;
}

/** Returns the demo's prefix, which differs from the operator's. */
export function demoPrefix(redisPrefix: string): string {
  return `${redisPrefix.slice(0, PREFIX_LENGTH_LIMIT - PREFIX_SUFFIX.length)}${PREFIX_SUFFIX}`;
}

interface DropWords {
  report: (line: string) => void;
  waiting: string;
  /** The error when the database is still in use at the deadline. */
  inUse: string;
}

async function dropWhenUnused(rt: Runtime, databaseUrl: string, words: DropWords): Promise<void> {
  const deadlineMs = rt.clock.nowMs() + OTHERS_TIMEOUT_MS;
  for (let reported = false; !(await dropDatabase(databaseUrl)); reported = true) {
    if (rt.clock.nowMs() >= deadlineMs) throw new OperatorError(words.inUse);
    if (!reported) words.report(words.waiting);
    await rt.clock.sleep(ASK_EVERY_MS, rt.signal);
  }
}
