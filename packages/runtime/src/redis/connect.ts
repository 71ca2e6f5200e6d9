/**
 * Connections to the Redis of this deployment, for every kind of server. A server reports that it
 * is a node of a cluster; sentinels follow from the URL.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import type { InsecureKind } from '../insecure.js';
import type { Runtime } from '../runtime.js';
import { tlsRefusal } from '../tls-refusal.js';
import type { RedisAddress } from './address.js';
import type { ServerRule } from './announced.js';
import { masterConnector, serverConnector } from './connectors.js';

/** TLS settings of `rediss:` URLs, as PEM texts. */
export interface RedisTls {
  /** Certificate authorities of the server's certificate; null means the system's list. */
  ca: string | null;
  /** The client certificate with its key. */
  client: { cert: string; key: string } | null;
}

/** The Redis and the key prefix of this deployment. */
export interface RedisSettings {
  redisUrl: string;
  /** Every key begins with this prefix and a colon. */
  redisPrefix: string;
  redisTls?: RedisTls | null;
  /** The insecure kinds that are allowed for a server beyond loopback; default: none. */
  allowInsecure?: readonly InsecureKind[];
  /**
   * The name of this deployment in Postgres (`Store.feed.name`). Null where names are not compared,
   * as in tests of a single component.
   */
  deployment: string | null;
}

/** Returns the Redis settings of a process from its configuration. */
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

/** A single server, the master that sentinels name, or a cluster. */
export type RedisConnection = Redis | Cluster;

/** Options that depend on the purpose of a connection. All others depend on the server. */
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

/** Timeout for a node to list the cluster's slots. */
const SLOTS_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 5_000;
const ALERT_WAIT_MS = 1_000;
/** Timeout for a server that is asked for its kind. */
const SILENCE_LIMIT_MS = 5_000;

/** The content of a URL and its files, and the rule for the servers that they may lead to. */
export interface RedisTarget {
  address: RedisAddress;
  tls: RedisTls | null;
  /** Null when connections to every server are permitted. */
  rule: ServerRule | null;
}

/**
 * Opens a connection that reconnects without a limit. Errors are emitted; `onRedisError` receives
 * all of them. No connection is made to a server that the rule refuses: its commands reject with
 * RefusedServer, which is also emitted.
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
    // A demoted primary answers READONLY permanently on the old connection (measured: 5,250 errors
    // a second). 2 means: reconnect and resend.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    db: address.database,
  });
  // After a failed SELECT, ioredis would continue in database 0, which may belong to another
  // program.
  connection.on('error', (error: Error & { command?: { name?: string } }) => {
    if (error.command?.name === 'select') connection.disconnect(true);
  });
  return connection;
}

/**
 * Returns one connection without a selected database that does not reconnect. Its `connect` rejects
 * when the server is unreachable.
 */
export function probeOf(target: RedisTarget): Redis {
  return new Redis({
    ...serverOptions(target),
    lazyConnect: true,
    retryStrategy: null,
    sentinelRetryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // The ready check would print a warning when the user lacks the right to run INFO. `find`
    // itself waits for a server that is loading.
    enableReadyCheck: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_LIMIT_MS,
  });
}

/**
 * Returns the alert with which one of the hosts refuses the TLS connection, for instance because of
 * the client certificate. Returns null when there is no alert or no TLS. A connection that sends
 * commands misses the alert (tls-refusal.ts).
 */
export async function tlsAlert(address: RedisAddress, tls: RedisTls | null): Promise<Error | null> {
  if (!address.tls) return null;
  const alerts = await Promise.all(
    address.hosts.map((host) => tlsRefusal({ ...host, ...tlsOptions(tls) }, ALERT_WAIT_MS)),
  );
  return alerts.find((alert) => alert !== null) ?? null;
}

/** Reports every error of a connection, including those of a cluster's nodes. */
export function onRedisError(connection: RedisConnection, report: (error: Error) => void): void {
  connection.on('error', report);
  if (connection instanceof Cluster) connection.on('node error', report);
}

/**
 * Closes a connection without an error. A second disconnect of an ended connection would leave a
 * timer of ioredis that keeps the process alive for 2 s.
 */
export function endConnection(connection: RedisConnection): void {
  if (connection.status !== 'end') connection.disconnect();
}

/** Returns the masters that share the keys; for a single server, the server itself. */
export function mastersOf(connection: RedisConnection): Redis[] {
  return connection instanceof Cluster ? connection.nodes('master') : [connection];
}

/**
 * Returns the pause before a reconnect: it doubles from 50 ms up to the cap, with a random
 * deviation of up to a quarter.
 */
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

/** ioredis copies this option to the connections that it derives from this one. */
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
    // Connecting by name instead of address lets TLS compare the name with the certificate.
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

/** By default Node compares the certificate with the host of the connection. */
function tlsOptions(tls: RedisTls | null): NonNullable<RedisOptions['tls']> {
  return {
    rejectUnauthorized: true,
    ...(tls?.ca ? { ca: tls.ca } : {}),
    ...tls?.client,
  };
}
