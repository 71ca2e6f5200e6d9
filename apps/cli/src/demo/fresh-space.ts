/**
 * A database and a Redis number of the demo's own, empty at its start: it must not touch what an operator has on the same
 * servers, and a second demo must not find the first one's accounts.
 */
import { openFleet } from '@syncline/fleet';
import { type Runtime, OperatorError } from '@syncline/runtime';
import { dropDatabase, migrate } from '@syncline/store';

export interface Space {
  databaseUrl: string;
  redisUrl: string;
  /** Removes both. */
  remove(): Promise<void>;
}

const DATABASE = 'syncline_demo';
/** Redis has 16 numbered databases unless it is told otherwise. */
const REDIS_DATABASES = 16;
/** A killed demo's processes drain in less than this. */
const OTHERS_TIMEOUT_MS = 30_000;
const ASK_EVERY_MS = 500;

/**
 * Makes both, dropping what an earlier demo left.
 * @throws OperatorError when another demo is at work on the same servers
 */
export async function makeFreshSpace(
  rt: Runtime,
  servers: { databaseUrl: string; redisUrl: string },
  say: (line: string) => void,
): Promise<Space> {
  const [databaseUrl, redisUrl] = [demoDatabase(servers.databaseUrl), demoRedis(servers.redisUrl)];
  await dropWhenUnused(rt, databaseUrl, say);
  await migrate(databaseUrl);
  await emptyQueues(rt, redisUrl);
  return {
    databaseUrl,
    redisUrl,
    remove: async () => {
      await emptyQueues(rt, redisUrl);
      // A session that a killed process left must not keep it: whose else could it be?
      await dropDatabase(databaseUrl, { force: true });
    },
  };
}

export function demoDatabase(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.pathname = `/${DATABASE}`;
  return url.href;
}

/** The number after the one that the operator uses. */
export function demoRedis(redisUrl: string): string {
  const url = new URL(redisUrl);
  url.pathname = `/${(Number(url.pathname.slice(1)) + 1) % REDIS_DATABASES}`;
  return url.href;
}

/** Only our queues, never FLUSHDB: somebody else may live in that number. Quota that is still counted there errs on the safe side. */
async function emptyQueues(rt: Runtime, redisUrl: string): Promise<void> {
  const fleet = await openFleet(rt, { redisUrl });
  try {
    for (const queue of fleet.queues()) await queue.obliterate({ force: true });
  } finally {
    await fleet.close();
  }
}

async function dropWhenUnused(
  rt: Runtime,
  databaseUrl: string,
  say: (line: string) => void,
): Promise<void> {
  const deadlineMs = rt.clock.nowMs() + OTHERS_TIMEOUT_MS;
  for (let told = false; !(await dropDatabase(databaseUrl)); told = true) {
    if (rt.clock.nowMs() >= deadlineMs)
      throw new OperatorError(
        'Another demo is running here. End it first, or give this one a SYNCLINE_DATA_DIR of its own.',
      );
    if (!told) say('waiting for an earlier demo to end');
    await rt.clock.sleep(ASK_EVERY_MS, rt.signal);
  }
}
