/**
 * Plaintext beyond this machine. It is refused, unless SYNCLINE_ALLOW_INSECURE names its kind; each start says which kinds are allowed. What turns
 * off the check of certificates, and a master key that can be guessed, is never allowed (docs/decisions/0018-weak-configuration.md).
 */
import { BlockList, isIP } from 'node:net';
import { unreachable } from './assert.js';
import { type DatabaseUrl, parseDatabaseUrl, problemsOfDatabaseUrl } from './database-url.js';
import { parseRedisUrl } from './redis/address.js';

/** What may be allowed, one by one. */
export const INSECURE_KINDS = ['postgres', 'redis', 'google-url'] as const;
export type InsecureKind = (typeof INSECURE_KINDS)[number];

/** Variables by name, as they stand in the environment. */
type Given = Readonly<Record<string, string | undefined>>;

/**
 * Every kind that is in use and not allowed, as a sentence by variable name. Takes the variables as they are, so that
 * another mistake in them hides none of these; a URL that cannot be read is another mistake.
 */
export function problemsOfPlaintext(given: Given): string[] {
  const allowed = (given['SYNCLINE_ALLOW_INSECURE'] ?? '').split(',').map((name) => name.trim());
  return INSECURE_KINDS.filter((kind) => !allowed.includes(kind)).flatMap(
    (kind) => problemOf(kind, given) ?? [],
  );
}

/** What an allowed kind means, for the log line of each start. */
export function insecureInWords(kind: InsecureKind): string {
  switch (kind) {
    case 'postgres':
      return 'Postgres may be reached in plaintext: its password and the mirror are readable on the way';
    case 'redis':
      return 'Redis may be reached in plaintext: its password and the jobs are readable on the way';
    case 'google-url':
      return 'GOOGLE_API_URL may be plain http: tokens and mail are readable on the way';
    default:
      return unreachable(kind);
  }
}

/**
 * Whether TLS to Postgres is demanded and not verified: it keeps listeners out, and nobody who takes the server's place.
 * With an authority `sslmode=require` is verify-ca, as in libpq.
 */
export function isUnverified(databaseUrl: string | null): boolean {
  if (databaseUrl === null) return false;
  const { host, tls } = parseDatabaseUrl(databaseUrl);
  return !isLocal(host) && tls.mode === 'require' && tls.rootCert === null;
}

/** Whether a URL's hostname is this machine, whatever a resolver says. */
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

/** Also matches IPv4 addresses that are written as IPv6 ones. */
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

function problemOf(kind: InsecureKind, given: Given): string | null {
  switch (kind) {
    case 'postgres':
      return isPlainPostgres(given['DATABASE_URL'])
        ? 'DATABASE_URL must ask for TLS beyond loopback, as passwords and mail pass there: sslmode=verify-full, with sslrootcert=FILE for an authority of your own, or at least sslmode=require; SYNCLINE_ALLOW_INSECURE=postgres allows plaintext'
        : null;
    case 'redis':
      return isPlainRedis(given['REDIS_URL'])
        ? 'REDIS_URL must begin with rediss: (or rediss+sentinel:) beyond loopback, as passwords and jobs pass there; SYNCLINE_ALLOW_INSECURE=redis allows plaintext'
        : null;
    case 'google-url':
      return isPlainGoogle(given['GOOGLE_API_URL'])
        ? 'GOOGLE_API_URL must be https beyond loopback, as tokens and mail pass there; SYNCLINE_ALLOW_INSECURE=google-url allows plain http'
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

/** `prefer` falls back to plaintext when whoever answers says so. */
const DEMANDS_TLS: Record<DatabaseUrl['tls']['mode'], boolean> = {
  disable: false,
  prefer: false,
  require: true,
  'verify-ca': true,
  'verify-full': true,
};

/** A directory holds a Unix socket. */
function isLocal(host: string): boolean {
  return host.startsWith('/') || isLoopback(host);
}

function isPlainRedis(url: string | undefined): boolean {
  const address = url === undefined ? null : parseRedisUrl(url);
  return address !== null && !address.tls && address.hosts.some(({ host }) => !isLoopback(host));
}

/** Only a simulator is on loopback: whether its calls pass a proxy elsewhere plays no part. */
function isPlainGoogle(url: string | undefined): boolean {
  if (url === undefined || !URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
