/**
 * Servers that REDIS_URL does not name: the nodes of a cluster announce each other, and sentinels
 * name the master and further sentinels. They receive passwords and jobs too, so each is checked
 * before a connection to it is opened, at the start and whenever the servers change.
 */
import type { Redis } from 'ioredis';
import { OwnError } from '../errors.js';
import { type InsecureKind, type RedisInsecurity, isLoopback, lacksOf } from '../insecure.js';
import { type RedisAddress, type RedisHost, redisHost, redisHosts } from './address.js';
import { lackOf } from './rights.js';

/**
 * No connection is opened to this server. The error is logged as it is; at the start it becomes an
 * OperatorError.
 */
export class RefusedServer extends OwnError {
  override name = 'RefusedServer';
}

/** Checks a server before a connection to it is opened; null permits it. */
export type ServerRule = (server: RedisHost) => RefusedServer | null;

/** Returns null when the configuration permits connections to every server. */
export function serverRuleOf(
  address: RedisAddress,
  hasCertificate: boolean,
  allowInsecure: readonly InsecureKind[],
): ServerRule | null {
  const [lack] = lacksOf(address, hasCertificate).filter((kind) => !allowInsecure.includes(kind));
  if (lack === undefined) return null;
  return (server) =>
    isLoopback(server.host)
      ? null
      : new RefusedServer(
          `Redis at ${redisHosts(address)} leads to ${redisHost(server)}, which is beyond loopback: ${ADVICE[lack]}`,
        );
}

const ADVICE: Record<RedisInsecurity, string> = {
  redis:
    'REDIS_URL must begin with rediss: (or rediss+sentinel:), since passwords and jobs are sent there, or the server must be announced by an address of loopback; SYNCLINE_ALLOW_INSECURE=redis allows plaintext.',
  'redis-password':
    'REDIS_URL must have a password (or REDIS_CERT_FILE name a certificate of this client), since jobs are kept there; SYNCLINE_ALLOW_INSECURE=redis-password allows none.',
};

/**
 * Returns the nodes that a cluster announces, including replicas; empty when the user lacks the
 * right to ask.
 */
export async function announcedNodes(probe: Redis): Promise<RedisHost[]> {
  const ranges = await probe.cluster('SLOTS').catch((error: unknown) => {
    if (lackOf(error) === null) throw error;
    return [];
  });
  return (ranges as [number, number, ...[string | null, number][]][])
    .flatMap(([, , ...nodes]) => nodes)
    .flatMap(([host, port]) => (host === null || NAMELESS.has(host) ? [] : { host, port }));
}

/**
 * Names of a node that has no host name to announce (`cluster-preferred-endpoint-type hostname`).
 * Connections to it are impossible.
 */
const NAMELESS: ReadonlySet<string> = new Set(['', '?']);
