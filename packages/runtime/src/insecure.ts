/**
 * Plaintext beyond this machine, and a server beyond it that requires no password. Both are
 * refused, unless SYNCLINE_ALLOW_INSECURE names the kind. Each start logs the allowed kinds.
 * Disabled certificate checks and a guessable master key are never allowed
 * (docs/decisions/0018-weak-configuration.md).
 */
import { BlockList, isIP } from 'node:net';
import { unreachable } from './assert.js';
import { type DatabaseUrl, parseDatabaseUrl, problemsOfDatabaseUrl } from './database-url.js';
import { type RedisAddress, parseRedisUrl } from './redis/address.js';

/** Kinds that can be allowed individually. */
export const INSECURE_KINDS = [
  'postgres',
  'postgres-password',
  'redis',
  'redis-password',
  'google-url',
] as const;
export type InsecureKind = (typeof INSECURE_KINDS)[number];
export type RedisInsecurity = Extract<InsecureKind, 'redis' | 'redis-password'>;

/** Environment variables by name, unparsed. */
type Given = Readonly<Record<string, string | undefined>>;

/**
 * Returns a sentence for each kind that is in use and not allowed. It reads the raw variables, so
 * that these problems are reported together with all others. A URL that cannot be parsed is
 * reported elsewhere.
 */
export function problemsOfInsecurity(given: Given): string[] {
  const allowed = (given['SYNCLINE_ALLOW_INSECURE'] ?? '').split(',').map((name) => name.trim());
  const forbidden = INSECURE_KINDS.filter((kind) => !allowed.includes(kind));
  return [
    ...forbidden.flatMap((kind) => problemOf(kind, given) ?? []),
    ...forbidden.flatMap((kind) => problemOfApiUrl(kind, given) ?? []),
  ];
}

/** The same rules hold for the URL of the API's role. */
function problemOfApiUrl(kind: InsecureKind, given: Given): string | null {
  if (kind !== 'postgres' && kind !== 'postgres-password') return null;
  const asMain = problemOf(kind, { ...given, DATABASE_URL: given['DATABASE_API_URL'] });
  return asMain && asMain.replace(/^DATABASE_URL/, 'DATABASE_API_URL');
}

/** Describes an allowed kind for the log line of each start. */
export function insecurityText(kind: InsecureKind): string {
  switch (kind) {
    case 'postgres':
      return 'Postgres may be reached in plaintext: its password and the mirror can be read in transit';
    case 'postgres-password':
      return 'Postgres may accept connections without a password: anyone who can reach it can read and change the mirror';
    case 'redis':
      return 'Redis may be reached in plaintext: its password and the jobs can be read in transit';
    case 'redis-password':
      return 'Redis may accept connections without a password: anyone who can reach it can read and change its jobs';
    case 'google-url':
      return 'GOOGLE_API_URL may be plain http: tokens and mail can be read in transit';
    default:
      return unreachable(kind);
  }
}

/**
 * Whether TLS to Postgres is required but not verified: it protects against eavesdropping and not
 * against an impostor server. With a certificate authority, `sslmode=require` means verify-ca, as
 * in libpq.
 */
export function isUnverified(databaseUrl: string | null): boolean {
  if (databaseUrl === null) return false;
  const { host, tls } = parseDatabaseUrl(databaseUrl);
  return !isLocal(host) && tls.mode === 'require' && tls.rootCert === null;
}

/**
 * Returns what a connection to Redis lacks of the requirements beyond loopback. Sentinels may work
 * without a password: with TLS, a master that an attacker makes them name has no valid certificate.
 */
export function lacksOf(
  { tls, password }: Pick<RedisAddress, 'tls' | 'password'>,
  hasCertificate: boolean,
): RedisInsecurity[] {
  return [
    ...(tls ? [] : (['redis'] as const)),
    ...(password !== null || hasCertificate ? [] : (['redis-password'] as const)),
  ];
}

/** Whether a URL's hostname always means this machine, independently of a resolver. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  switch (isIP(host)) {
    case 4:
      return LOOPBACK.check(host, 'ipv4');
    case 6:
      return LOOPBACK.check(host, 'ipv6');
    default:
      return host === 'localhost';
  }
}

/** Also matches IPv4 addresses in IPv6 notation. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function problemOf(kind: InsecureKind, given: Given): string | null {
  switch (kind) {
    case 'postgres':
      return isPlainPostgres(given['DATABASE_URL'])
        ? 'DATABASE_URL must ask for TLS beyond loopback, since passwords and mail are sent there: sslmode=verify-full, with sslrootcert=FILE for a private certificate authority, or at least sslmode=require; SYNCLINE_ALLOW_INSECURE=postgres allows plaintext'
        : null;
    case 'postgres-password':
      return hasNoPostgresPassword(given)
        ? 'DATABASE_URL must have a password beyond loopback (or PGPASSWORD or PGPASSFILE be set, or sslcert= name a certificate of this client), since anyone who can reach that Postgres could read the mirror; SYNCLINE_ALLOW_INSECURE=postgres-password allows none'
        : null;
    case 'redis':
      return lacksBeyondLoopback(kind, given)
        ? 'REDIS_URL must begin with rediss: (or rediss+sentinel:) beyond loopback, since passwords and jobs are sent there; SYNCLINE_ALLOW_INSECURE=redis allows plaintext'
        : null;
    case 'redis-password':
      return lacksBeyondLoopback(kind, given)
        ? 'REDIS_URL must have a password beyond loopback, or REDIS_CERT_FILE name a certificate of this client, since anyone who can reach that Redis could read and change jobs; SYNCLINE_ALLOW_INSECURE=redis-password allows none'
        : null;
    case 'google-url':
      return isPlainGoogle(given['GOOGLE_API_URL'])
        ? 'GOOGLE_API_URL must be https beyond loopback, since tokens and mail are sent there; SYNCLINE_ALLOW_INSECURE=google-url allows plain http'
        : null;
    default:
      return unreachable(kind);
  }
}

function isPlainPostgres(url: string | undefined): boolean {
  if (url === undefined || problemsOfDatabaseUrl(url).length > 0) return false;
  const { host, tls } = parseDatabaseUrl(url);
  return !isLocal(host) && !DEMANDS_TLS[tls.mode];
}

/** The names are those of the Postgres driver's variables. */
function hasNoPostgresPassword(given: Given): boolean {
  const text = given['DATABASE_URL'];
  if (text === undefined || problemsOfDatabaseUrl(text).length > 0) return false;
  if (given['PGPASSWORD'] || given['PGPASSFILE']) return false;
  const { host, password, tls } = parseDatabaseUrl(text);
  return !isLocal(host) && password === null && tls.cert === null;
}

/** `prefer` falls back to plaintext when the server refuses TLS. */
const DEMANDS_TLS: Record<DatabaseUrl['tls']['mode'], boolean> = {
  disable: false,
  prefer: false,
  require: true,
  'verify-ca': true,
  'verify-full': true,
};

/** A host that is a directory is a Unix socket. */
function isLocal(host: string): boolean {
  return host.startsWith('/') || isLoopback(host);
}

function lacksBeyondLoopback(kind: RedisInsecurity, given: Given): boolean {
  const address = parseRedisUrl(given['REDIS_URL'] ?? '');
  if (address === null || address.hosts.every(({ host }) => isLoopback(host))) return false;
  return lacksOf(address, Boolean(given['REDIS_CERT_FILE'])).includes(kind);
}

/**
 * A target on loopback is never reached through a proxy on another machine
 * (packages/google/src/proxy.ts).
 */
function isPlainGoogle(url: string | undefined): boolean {
  if (url === undefined || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
