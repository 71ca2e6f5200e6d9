/**
 * The meaning of REDIS_URL. It is not parsed by ioredis, which treats every query parameter as one
 * of its options and a non-numeric path as database 0.
 */

export interface RedisHost {
  host: string;
  port: number;
}

export interface RedisAddress {
  /** The server, any node of a cluster, or the sentinels of the server. */
  hosts: [RedisHost, ...RedisHost[]];
  tls: boolean;
  username: string | null;
  password: string | null;
  database: number;
  /** Null when the hosts are servers. Sentinels have their own user and password. */
  sentinel: { master: string; username: string | null; password: string | null } | null;
}

/** The required form of a URL, as the end of a sentence. */
export const REDIS_URL_FORM =
  'must be a URL like redis://user:password@host:6379/0 (rediss: for TLS; any node of a cluster), or redis+sentinel://user:password@host:26379,host:26379/master?sentinelPassword=secret';

const DEFAULT_PORT = { server: 6379, sentinel: 26_379 };
/** Scheme, user and password, hosts, path, query. */
const URL_PARTS =
  /^(rediss?(?:\+sentinel)?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/;
const SENTINEL_PARAMETERS = ['sentinelUsername', 'sentinelPassword'];
const DATABASE = /^\d{1,5}$/;
const MASTER_NAME = /^[A-Za-z0-9._-]{1,128}$/;

/** Returns null when the text is not a Redis URL. */
export function parseRedisUrl(text: string): RedisAddress | null {
  const parts = URL_PARTS.exec(text);
  if (!parts) return null;
  const [, scheme = '', credentials = '', hostList = '', path = '', query = ''] = parts;
  const isSentinel = scheme.endsWith('+sentinel');
  const hosts = parseHosts(hostList, isSentinel);
  const login = parseCredentials(credentials);
  const place = parsePath(path, isSentinel);
  const sentinel = parseSentinel(query, isSentinel);
  if (hosts === null || login === null || place === null || sentinel === null) return null;
  return {
    hosts,
    tls: scheme.startsWith('rediss'),
    ...login,
    database: place.database,
    sentinel: place.master === null ? null : { master: place.master, ...sentinel },
  };
}

/** Returns `host:port` of each host, for messages. The URL itself also contains passwords. */
export function redisHosts(address: RedisAddress): string {
  return address.hosts.map(redisHost).join(', ');
}

export function redisHost({ host, port }: RedisHost): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function parseHosts(list: string, isSentinel: boolean): RedisAddress['hosts'] | null {
  const entries = list.split(',');
  if (entries.length > 1 && !isSentinel) return null;
  const [first, ...rest] = entries.map((entry) =>
    parseHost(entry, isSentinel ? DEFAULT_PORT.sentinel : DEFAULT_PORT.server),
  );
  if (first === undefined || first === null) return null;
  const others = rest.filter((host) => host !== null);
  return others.length === rest.length ? [first, ...others] : null;
}

function parseHost(entry: string, defaultPort: number): RedisHost | null {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(entry);
  if (!parts) return null;
  const [, ipv6, name, port] = parts;
  const host = ipv6 ?? name ?? '';
  const number = port === undefined ? defaultPort : Number(port);
  return number >= 1 && number <= 65_535 ? { host, port: number } : null;
}

function parseCredentials(
  text: string,
): { username: string | null; password: string | null } | null {
  const at = text.indexOf(':');
  const username = decoded(at === -1 ? text : text.slice(0, at));
  const password = decoded(at === -1 ? '' : text.slice(at + 1));
  if (username === undefined || password === undefined) return null;
  return { username: username || null, password: password || null };
}

function parsePath(
  path: string,
  isSentinel: boolean,
): { master: string | null; database: number } | null {
  const segments = path.split('/');
  const master = isSentinel ? (segments.shift() ?? '') : null;
  const [database = '', ...more] = segments;
  if (more.length > 0 || (master !== null && !MASTER_NAME.test(master))) return null;
  if (database !== '' && !DATABASE.test(database)) return null;
  return { master, database: Number(database) };
}

function parseSentinel(
  query: string,
  isSentinel: boolean,
): { username: string | null; password: string | null } | null {
  const parameters = new URLSearchParams(query);
  const known = isSentinel ? SENTINEL_PARAMETERS : [];
  if ([...parameters.keys()].some((name) => !known.includes(name))) return null;
  return {
    username: parameters.get('sentinelUsername') || null,
    password: parameters.get('sentinelPassword') || null,
  };
}

/** Returns undefined when the text has no valid percent-encoding. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
