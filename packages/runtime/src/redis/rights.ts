/**
 * The rights that an ACL user needs, and the check for missing ones. Each command is tried on a key
 * that does not exist, because `ACL DRYRUN` is reserved for administrators. Redis checks the rights
 * of a user before anything else.
 */
import type { Redis } from 'ioredis';

/** Placeholder of a key in the arguments below. */
const KEY = Symbol('key');
/** Placeholder of a channel, which has the name of the key. */
const CHANNEL = Symbol('channel');
type Arguments = readonly (string | number | typeof KEY | typeof CHANNEL)[];

/**
 * Every command that Syncline and BullMQ send or run in their scripts, with harmless arguments.
 * docs/how-to/deployment.md has the same list (test/conformance/redis-rights.test.ts compares
 * them).
 */
export const REDIS_COMMANDS: Readonly<Record<string, Arguments>> = {
  ping: [],
  info: ['server'],
  time: [],
  'client|list': [],
  'client|setname': ['syncline-probe'],
  multi: [],
  exec: [],
  eval: ['return 0', 0],
  evalsha: ['0000000000000000000000000000000000000000', 0],
  scan: ['0', 'COUNT', 1],
  type: [KEY],
  exists: [KEY],
  del: [KEY],
  unlink: [KEY],
  expire: [KEY, 1],
  pexpire: [KEY, 1],
  pexpireat: [KEY, 1],
  persist: [KEY],
  pttl: [KEY],
  get: [KEY],
  set: [KEY, 'probe', 'PX', 1],
  incr: [KEY],
  incrby: [KEY, 1],
  hset: [KEY, 'probe', 1],
  hmset: [KEY, 'probe', 1],
  hsetnx: [KEY, 'probe', 1],
  hget: [KEY, 'probe'],
  hmget: [KEY, 'probe'],
  hgetall: [KEY],
  hexists: [KEY, 'probe'],
  hincrby: [KEY, 'probe', 1],
  hlen: [KEY],
  hdel: [KEY, 'probe'],
  lpush: [KEY, 'probe'],
  rpush: [KEY, 'probe'],
  lset: [KEY, 0, 'probe'],
  lindex: [KEY, 0],
  llen: [KEY],
  lpos: [KEY, 'probe'],
  lrange: [KEY, 0, 0],
  lrem: [KEY, 0, 'probe'],
  ltrim: [KEY, 0, 0],
  lpop: [KEY],
  rpop: [KEY],
  rpoplpush: [KEY, KEY],
  rename: [KEY, KEY],
  sadd: [KEY, 'probe'],
  scard: [KEY],
  sismember: [KEY, 'probe'],
  smembers: [KEY],
  srem: [KEY, 'probe'],
  zadd: [KEY, 1, 'probe'],
  zcard: [KEY],
  zcount: [KEY, 0, 1],
  zrange: [KEY, 0, 0],
  zrangebyscore: [KEY, 0, 1],
  zrevrange: [KEY, 0, 0],
  zrevrangebyscore: [KEY, 1, 0],
  zscore: [KEY, 'probe'],
  zrem: [KEY, 'probe'],
  zremrangebyrank: [KEY, 0, 0],
  zremrangebyscore: [KEY, 0, 1],
  zpopmin: [KEY],
  bzpopmin: [KEY, 0.01],
  xadd: [KEY, '*', 'probe', 1],
  xlen: [KEY],
  xrange: [KEY, '-', '+'],
  xtrim: [KEY, 'MAXLEN', 0],
  publish: [CHANNEL, ''],
};

/** Needed too, and not tried: it would change what the connection may do. */
export const UNTRIED_COMMANDS = ['subscribe'] as const;

/** Additional commands in a cluster, with which the client finds the nodes. */
export const CLUSTER_COMMANDS: Readonly<Record<string, Arguments>> = {
  'cluster|slots': [],
  'cluster|info': [],
};

/**
 * Returns the missing rights of this connection's user in the syntax of `ACL SETUSER`:
 * `+client|list`, `~syncline:*`, `&syncline:*`.
 */
export async function missingRights(
  probe: Redis,
  prefix: string,
  { isCluster, key }: { isCluster: boolean; key: string },
): Promise<string[]> {
  const commands = { ...REDIS_COMMANDS, ...(isCluster ? CLUSTER_COMMANDS : {}) };
  const tried = await Promise.all(
    Object.entries(commands).map(async ([name, args]) => ({
      name,
      takesKey: args.includes(KEY),
      lack: await lackIn(probe, name, args, `${prefix}:${key}`),
    })),
  );
  // Each of these commands removes the keys that the attempts created. There are three because the
  // user may lack the right to one of them.
  const made = `${prefix}:${key}`;
  await Promise.allSettled([probe.del(made), probe.unlink(made), probe.pexpire(made, 1)]);
  const missing = tried.filter(({ lack }) => lack === 'command').map(({ name }) => `+${name}`);
  // Redis checks the right to a key only after the right to the command. Without a permitted
  // command that takes a key, the right to the key is unknown and therefore listed.
  const reachesKeys = tried.some(({ takesKey, lack }) => takesKey && lack === null);
  if (!reachesKeys) missing.push(`~${prefix}:*`);
  // The right to a channel is checked in the same way; it is needed to publish and to subscribe.
  const publishing = tried.find(({ name }) => name === 'publish')?.lack;
  if (publishing === 'command') missing.push(...UNTRIED_COMMANDS.map((name) => `+${name}`));
  if (publishing != null) missing.push(`&${prefix}:*`);
  return missing;
}

type Lack = 'command' | 'key' | 'channel';

async function lackIn(
  probe: Redis,
  name: string,
  args: Arguments,
  key: string,
): Promise<Lack | null> {
  const [command = '', ...subcommand] = name.split('|');
  try {
    await probe.call(
      command,
      ...subcommand,
      ...args.map((arg) => (typeof arg === 'symbol' ? key : arg)),
    );
    return null;
  } catch (error) {
    return lackOf(error);
  }
}

/** The error of EXEC has a prefix. */
const NO_PERMISSION = /^(?:EXECABORT .*)?NOPERM\b/;

/**
 * Returns the kind of the missing right. Returns null when the error does not concern rights: a key
 * of another type, a slot of another node.
 */
export function lackOf(error: unknown): Lack | null {
  if (!(error instanceof Error) || !NO_PERMISSION.test(error.message)) return null;
  if (/access (?:a|one of the) channel/i.test(error.message)) return 'channel';
  return /access (?:a|one of the) key/i.test(error.message) ? 'key' : 'command';
}
