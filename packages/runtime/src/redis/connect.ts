/**
 * Connections to the Redis of this deployment, whichever kind of server it is. A server says itself that it is a node of a cluster; sentinels are told by
 * the URL.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { InsecureKind } from '../insecure.js';
import type { Runtime } from '../runtime.js';
import { tlsRefusal } from '../tls-refusal.js';
import type { RedisAddress } from './address.js';
import type { ServerRule } from './announced.js';
import { masterConnector, serverConnector } from './connectors.js';

/** Of `rediss:` URLs. PEM texts. */
export interface RedisTls {
  /** Who may have signed the server's certificate; null is the system's list. */
  ca: string | null;
  /** The client's certificate with its key. */
  client: { cert: string; key: string } | null;
}

/** Where this deployment's keys are. */
export interface RedisSettings {
  redisUrl: string;
  /** Every key begins with it and a colon. */
  redisPrefix: string;
  redisTls?: RedisTls | null;
  /** Of which kinds a server beyond loopback may be; by default of none. */
  allowInsecure?: readonly InsecureKind[];
  /** What Postgres calls this deployment (`Store.feed.name`); null where nothing is compared, as in tests of one part. */
  deployment: string | null;
}

/** A process's own, of what it was configured with. */
export function redisSettings(
  { redisUrl, redisPrefix, redisTls, allowInsecure }: Omit<RedisSettings, 'deployment'>,
  deployment: string,
): RedisSettings {
  return {
    redisUrl,
    redisPrefix,
    redisTls: redisTls ?? null,
    allowInsecure: allowInsecure ?? [],
    deployment,
  };
}

/** A server, the master that sentinels name, or a cluster. */
export type RedisConnection = Redis | Cluster;

/** What a connection is for decides about these; the rest follows from the server. */
export type ConnectionOptions = Pick<
  RedisOptions,
  | 'connectionName'
  | 'maxRetriesPerRequest'
  | 'enableOfflineQueue'
  | 'commandTimeout'
  | 'socketTimeout'
  | 'connectTimeout'
  | 'autoResendUnfulfilledCommands'
> & { retryStrategy: (attempt: number) => number };

/** How long a node may take to list the cluster's slots. */
const SLOTS_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
const ALERT_WAIT_MS = 1_000;
/** Of a server that is asked what it is. */
const SILENCE_LIMIT_MS = 5_000;

/** What a URL and its files say, and which servers they may lead to. */
export interface RedisTarget {
  address: RedisAddress;
  tls: RedisTls | null;
  /** Null where every server may be connected to. */
  rule: ServerRule | null;
}

/**
 * Opens a connection that reconnects for ever. Errors are emitted: `onRedisError` hears all of
 * them. A server that the rule refuses is not connected to: its commands reject with RefusedServer,
 * which is also emitted.
 */
export function connectTo(
  target: RedisTarget,
  isCluster: boolean,
  options: ConnectionOptions,
): RedisConnection {
  const { address } = target;
  const { retryStrategy, enableOfflineQueue = true, ...rest } = options;
  if (isCluster) return new Cluster(address.hosts, clusterOptions(target, options));
  const connection = new Redis({
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...rest,
    ...serverOptions(target),
    enableOfflineQueue,
    retryStrategy,
    // A demoted primary answers READONLY for ever on the old connection (measured: 5,250 errors a second): 2 = connect again and resend.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    db: address.database,
  });
  // ioredis would go on in database 0, which may be another program's.
  connection.on('error', (error: Error & { command?: { name?: string } }) => {
    if (error.command?.name === 'select') connection.disconnect(true);
  });
  return connection;
}

/** One connection that is not made anew, in no particular database; `connect` rejects when the server cannot be reached. */
export function probeOf(target: RedisTarget): Redis {
  return new Redis({
    ...serverOptions(target),
    lazyConnect: true,
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // It would print a warning where the user may not ask INFO; `find` waits for a server that loads by itself.
    enableReadyCheck: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
  });
}

/**
 * The alert by which one of the hosts refuses our TLS connection, for instance because of a
 * client's certificate; null when there is none, or no TLS. Commands are sent too early to see it
 * (tls-refusal.ts).
 */
export async function tlsAlert(address: RedisAddress, tls: RedisTls | null): Promise<Error | null> {
  if (!address.tls) return null;
  const alerts = await Promise.all(
    address.hosts.map((host) => tlsRefusal({ ...host, ...tlsOptions(tls) }, ALERT_WAIT_MS)),
  );
  return alerts.find((alert) => alert !== null) ?? null;
}

/** Every error of a connection, also those of a cluster's single nodes. */
export function onRedisError(connection: RedisConnection, report: (error: Error) => void): void {
  connection.on('error', report);
  if (connection instanceof Cluster) connection.on('node error', report);
}

/** Closes without a word. On a connection that has ended already, ioredis would leave a timer that keeps the process for 2 s. */
export function endConnection(connection: RedisConnection): void {
  if (connection.status !== 'end') connection.disconnect();
}

/** The masters among which the keys are spread; of a single server itself. */
export function mastersOf(connection: RedisConnection): Redis[] {
  return connection instanceof Cluster ? connection.nodes('master') : [connection];
}

/** Up to the cap, doubled from 50 ms, a quarter more or less by chance. */
export function reconnectDelayMs(rt: Runtime, attempt: number, capMs: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), capMs) * (0.75 + rt.random.next() / 2);
}

function serverOptions({ address, tls, rule }: RedisTarget): RedisOptions {
  const { sentinel, hosts } = address;
  const secure = address.tls ? { tls: tlsOptions(tls) } : {};
  const login = loginOf(address);
  if (sentinel === null) return { ...hosts[0], ...login, ...secure, ...keepRule(rule) };
  return {
    ...(rule === null ? {} : { Connector: masterConnector(rule) }),
    sentinels: hosts,
    name: sentinel.master,
    ...(sentinel.username === null ? {} : { sentinelUsername: sentinel.username }),
    ...(sentinel.password === null ? {} : { sentinelPassword: sentinel.password }),
    ...(address.tls ? { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true } : {}),
    ...login,
    ...secure,
  };
}

/** ioredis copies it to the connections that it makes of this one. */
function keepRule(rule: ServerRule | null): Pick<RedisOptions, 'Connector'> {
  return rule === null ? {} : { Connector: serverConnector(rule) };
}

function clusterOptions(
  { address, tls, rule }: RedisTarget,
  { retryStrategy, enableOfflineQueue = true, ...rest }: ConnectionOptions,
): ClusterOptions {
  return {
    enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
    // Connecting by name and not by its address lets TLS compare the name with the certificate.
    dnsLookup: (host, found) => found(null, host),
    redisOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      ...rest,
      ...loginOf(address),
      ...(address.tls ? { tls: tlsOptions(tls) } : {}),
      ...keepRule(rule),
    },
  };
}

function loginOf({
  username,
  password,
}: RedisAddress): Pick<RedisOptions, 'username' | 'password'> {
  return {
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
  };
}

/** Node compares the certificate with the host that it connects to unless told otherwise. */
function tlsOptions(tls: RedisTls | null): NonNullable<RedisOptions['tls']> {
  return {
    rejectUnauthorized: true,
    ...(tls?.ca ? { ca: tls.ca } : {}),
    ...tls?.client,
  };
}
