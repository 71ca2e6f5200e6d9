/**
 * Checks the Redis of REDIS_URL before anything is started on it: the kind of server, and whether
 * it is suitable for this deployment.
 */
import type { Redis } from 'ioredis';
import { must } from '../assert.js';
import { OperatorError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { isLoopback } from '../insecure.js';
import {
  type RedisAddress,
  type RedisHost,
  parseRedisUrl,
  redisHost,
  redisHosts,
} from './address.js';
import { type ServerRule, announcedNodes, serverRuleOf } from './announced.js';
import { acceptsAnonymous } from './anonymous.js';
import {
  type ConnectionOptions,
  type RedisConnection,
  type RedisSettings,
  type RedisTarget,
  connectTo,
  endConnection,
  probeOf,
  tlsAlert,
} from './connect.js';
import { RedisUnreachable, refusalOf } from './refusal.js';
import { lackOf, missingRights } from './rights.js';

const TIMEOUT_MS = 5_000;
const LOADING_PAUSE_MS = 100;
const ASKED_AT_ONCE = 16;
const MIN_VERSION = [6, 2] as const;

export interface FoundRedis {
  isCluster: boolean;
  /** `host:port` of the hosts in the URL, for messages. */
  hosts: string;
  connect(options: ConnectionOptions): RedisConnection;
}

export interface FindOptions {
  /** Timeout for an answer. Default 5 s. */
  timeoutMs?: number;
  /** Whether to check the user's rights, and to refuse a server that would lose jobs. */
  isForQueues: boolean;
}

/**
 * @throws RedisUnreachable when the server does not answer in time
 * @throws OperatorError when the server refuses the credentials, the database number or a command,
 * or is beyond loopback and not secured; for queues also when it is older than 6.2 or evicts keys
 */
export async function findRedis(
  rt: Runtime,
  settings: RedisSettings,
  { timeoutMs = TIMEOUT_MS, isForQueues }: FindOptions,
): Promise<FoundRedis> {
  const target = targetOf(settings);
  const { address } = target;
  const hosts = redisHosts(address);
  const reached: RedisHost[] = [];
  const probe = probeOf({ ...target, rule: recordingNodes(reached, target) });
  // An emitted error is more specific than the error that ends the attempt.
  let emitted: Error | undefined;
  probe.on('error', (error: Error) => (emitted = error));
  const waited = new AbortController();
  try {
    const info = await Promise.race([
      connectOnce(rt, probe, address, waited.signal),
      rt.clock
        .sleep(timeoutMs, waited.signal)
        .then(() =>
          Promise.reject(new RedisUnreachable(hosts, `no answer within ${timeoutMs / 1_000} s`)),
        ),
    ]);
    const isCluster = /^cluster_enabled:1/m.test(info);
    await refuseUnusable(probe, {
      target,
      reached,
      hosts,
      info,
      isCluster,
      isForQueues,
      settings,
      rt,
    });
    return {
      isCluster,
      hosts,
      connect: (options) => connectTo(target, isCluster, options),
    };
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    const refusal = refusalOf(emitted ?? error, address);
    const alert = refusal instanceof RedisUnreachable ? await tlsAlert(address, target.tls) : null;
    throw alert === null ? refusal : refusalOf(alert, address);
  } finally {
    waited.abort(new Error('answered'));
    endConnection(probe);
  }
}

/** Returns the rule of the target, extended to record the servers that it checks. */
function recordingNodes(reached: RedisHost[], { rule }: RedisTarget): ServerRule {
  return (server) => {
    reached.push(server);
    return rule?.(server) ?? null;
  };
}

/**
 * For a server that cannot be reached at the start. It is treated as a single server, and problems
 * are reported when it is reachable.
 */
export function undiscoveredRedis(settings: RedisSettings): FoundRedis {
  const target = targetOf(settings);
  const connect = (options: ConnectionOptions): RedisConnection =>
    connectTo(target, false, options);
  return { isCluster: false, hosts: redisHosts(target.address), connect };
}

function targetOf({ redisUrl, redisTls = null, allowInsecure = [] }: RedisSettings): RedisTarget {
  const address = must(parseRedisUrl(redisUrl), 'the configuration has checked REDIS_URL');
  const rule = serverRuleOf(address, Boolean(redisTls?.client), allowInsecure);
  return { address, tls: redisTls, rule };
}

/**
 * Logs in and selects the database. Returns INFO, or '' when the user lacks the right to run it.
 */
async function connectOnce(
  rt: Runtime,
  probe: Redis,
  { database }: RedisAddress,
  signal: AbortSignal,
): Promise<string> {
  await probe.connect();
  for (;;) {
    const info = await probe.info().catch((error: unknown) => {
      if (lackOf(error) === null) throw error;
      return '';
    });
    if (!/^loading:1/m.test(info)) {
      if (database !== 0) await probe.select(database);
      return info;
    }
    await rt.clock.sleep(LOADING_PAUSE_MS, signal);
  }
}

interface ProbedRedis {
  rt: Runtime;
  target: RedisTarget;
  /** Every server that the probe was directed to; the last one answered. */
  reached: readonly RedisHost[];
  hosts: string;
  info: string;
  isCluster: boolean;
  isForQueues: boolean;
  settings: RedisSettings;
}

/** Without queues only the reply to INFO is required. */
async function missingRightsOf(probe: Redis, probed: ProbedRedis): Promise<string[]> {
  const { rt, info, isCluster, isForQueues, settings } = probed;
  if (!isForQueues) return info === '' ? ['+info'] : [];
  const key = `probe:${rt.random.uuid()}`;
  return missingRights(probe, settings.redisPrefix, { isCluster, key });
}

async function refuseUnusable(probe: Redis, probed: ProbedRedis): Promise<void> {
  const { rt, target, hosts, info, isCluster, isForQueues } = probed;
  const user = target.address.username ?? 'default';
  const missing = await missingRightsOf(probe, probed);
  if (missing.length > 0)
    throw new OperatorError(
      `Redis at ${hosts} denies the user ${user} permissions that Syncline needs. Type: ACL SETUSER ${user} ${missing.join(' ')}`,
    );
  await refuseOpenServers(probed, isCluster ? await allowedNodes(probe, target) : []);
  if (!isForQueues) return;
  const problem = redisProblem(info);
  if (problem !== null) throw new OperatorError(`Redis at ${hosts} ${problem}`);
  if (!/^maxmemory_policy:/m.test(info))
    rt.log.warn(
      { event: 'redis_policy_unknown' },
      'Redis does not report its maxmemory-policy, which must be noeviction',
    );
}

/**
 * Checks every node. The client would refuse a node too, but only when it connects to that node.
 * @throws RefusedServer
 */
async function allowedNodes(probe: Redis, { rule }: RedisTarget): Promise<RedisHost[]> {
  const nodes = await announcedNodes(probe);
  for (const node of nodes) {
    const refused = rule?.(node) ?? null;
    if (refused !== null) throw refused;
  }
  return nodes;
}

/** Refuses a Redis of which a server beyond loopback requires no password. */
async function refuseOpenServers(
  { target, reached, hosts, settings }: ProbedRedis,
  nodes: readonly RedisHost[],
): Promise<void> {
  if (settings.allowInsecure?.includes('redis-password')) return;
  const { address } = target;
  const key = `${settings.redisPrefix}:deployment`;
  const servers = [
    ...reached.slice(-1).flatMap((server) => (isLoopback(server.host) ? [] : [{ hosts, address }])),
    ...nodes
      .filter(({ host }) => !isLoopback(host))
      .map((node): { hosts: string; address: RedisAddress } => ({
        hosts: redisHost(node),
        address: { ...address, hosts: [node], sentinel: null },
      })),
  ];
  const open = await firstOpenServer(servers, (server) =>
    acceptsAnonymous({ ...target, address: server.address }, key),
  );
  if (open === null) return;
  throw new OperatorError(
    `Redis at ${open.hosts} accepts connections without a password and is beyond loopback: anyone who can reach it can read and change its jobs. Set requirepass, or disable the user that needs no password: ACL SETUSER default off. SYNCLINE_ALLOW_INSECURE=redis-password allows it.`,
  );
}

/** Asks several servers at a time, because one that does not answer takes seconds. */
async function firstOpenServer<Server>(
  servers: readonly Server[],
  isOpen: (server: Server) => Promise<boolean>,
): Promise<Server | null> {
  for (let at = 0; at < servers.length; at += ASKED_AT_ONCE) {
    const some = servers.slice(at, at + ASKED_AT_ONCE);
    const answers = await Promise.all(some.map((server) => isOpen(server)));
    const open = some.find((_, i) => answers[i]);
    if (open !== undefined) return open;
  }
  return null;
}

/**
 * Returns the reason why the Redis of this INFO reply cannot be used, as the end of a sentence, or
 * null.
 */
export function redisProblem(info: string): string | null {
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  if (version !== null) {
    const [major, minor] = [Number(version[1]), Number(version[2])];
    const old = major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1]);
    if (old)
      return `is version ${major}.${minor}; Syncline needs ${MIN_VERSION.join('.')} or newer (or Valkey).`;
  }
  if (/^role:slave/m.test(info))
    return 'is a replica, which takes no writes. REDIS_URL must name the master, or the sentinels that know it.';
  const policy = /^maxmemory_policy:([a-z-]+)/m.exec(info)?.[1];
  if (policy === undefined || policy === 'noeviction') return null;
  // Measured with allkeys-lru at 70 %: half of the jobs ran without their data.
  return `evicts keys when it is full (maxmemory-policy ${policy}), which loses jobs. Set it: CONFIG SET maxmemory-policy noeviction, and in redis.conf or your provider's parameters.`;
}
