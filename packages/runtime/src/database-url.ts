/**
 * DATABASE_URL: one server, one database, and the supported parameters, which have libpq's meaning.
 * Other parameters are rejected by name, because a parameter that is silently ignored appears to
 * work. No value is quoted.
 */
import { OperatorError } from './errors.js';

/**
 * Supported values of `sslmode`, with libpq's meaning
 * (https://www.postgresql.org/docs/current/libpq-ssl.html). `allow` is not supported because it
 * never protects.
 */
const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

export interface DatabaseUrl {
  /** A host name, an address, or the directory of a Unix socket. */
  host: string;
  port: number;
  user: string | null;
  password: string | null;
  database: string;
  schema: string;
  applicationName: string | null;
  connectTimeoutMs: number;
  tls: {
    mode: SslMode;
    /** Path of a file, or `system` for the certificate authorities that Node trusts. */
    rootCert: string | null;
    cert: string | null;
    key: string | null;
  };
}

export const DEFAULT_SCHEMA = 'syncline';

const DEFAULT_PORT = 5432;
const DEFAULT_CONNECT_TIMEOUT_SECONDS = 10;
/** Postgres truncates longer names. */
const NAME_LIMIT_BYTES = 63;

const HONOURED = [
  'schema',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'application_name',
  'connect_timeout',
  'host',
] as const;
type Honoured = (typeof HONOURED)[number];

/** Parameters of other programs, and what to use instead. */
const INSTEAD = new Map([
  [
    'options',
    'settings belong to the role (ALTER ROLE … SET …), since a pooler loses what a session begins with; the schema is named by schema=',
  ],
  ['connection_limit', 'the number of sessions is set by DATABASE_POOL_SIZE'],
  ['pool_timeout', 'there is no such limit'],
  ['pgbouncer', 'a pooler is noticed without it'],
  ['statement_cache_size', 'a pooler is noticed without it'],
  ['socket_timeout', 'there is no such limit'],
  ['sslaccept', 'use sslmode='],
  ['sslidentity', 'use sslcert= and sslkey='],
  ['sslpassword', 'use a key without a password, readable by this program alone'],
  ['uselibpqcompat', 'sslmode= means what libpq means by it already'],
  ['channel_binding', 'use sslmode=verify-full, which keeps others from the connection'],
  ['target_session_attrs', 'name the one server that takes writes'],
  ['hostaddr', 'name the server before the path'],
  ['search_path', 'the schema is named by schema='],
  ['currentSchema', 'the schema is named by schema='],
]);

/**
 * Environment variables that the Postgres driver applies to every session regardless of the URL,
 * and what to use instead. The driver also reads PGUSER, PGPASSWORD, PGPASSFILE and PGAPPNAME for
 * values that the URL omits.
 */
const READ_BY_DRIVER = new Map([
  ['PGOPTIONS', INSTEAD.get('options')],
  ['PGREPLICATION', 'Syncline opens no replication sessions'],
  ['PGSSLNEGOTIATION', 'sslmode= of DATABASE_URL sets how TLS is requested'],
]);

/**
 * Returns a sentence for each environment variable that would change the Postgres sessions in
 * addition to DATABASE_URL.
 */
export function problemsOfDriverVariables(
  given: Readonly<Record<string, string | undefined>>,
): string[] {
  return [...READ_BY_DRIVER]
    .filter(([name]) => given[name])
    .map(([name, instead]) => `${name} is set, which is not honoured: ${instead}; unset it`);
}

/** The API's role reads the tables that the other role writes. */
export function problemsOfApiUrl({
  DATABASE_URL: main,
  DATABASE_API_URL: api,
}: {
  DATABASE_URL?: string | undefined;
  DATABASE_API_URL?: string | undefined;
}): string[] {
  if (api === undefined) return [];
  if (main === undefined)
    return ['DATABASE_API_URL needs DATABASE_URL: it names the same database under another role'];
  return parseDatabaseUrl(main).schema === parseDatabaseUrl(api).schema
    ? []
    : ['DATABASE_API_URL must name the schema (schema=) that DATABASE_URL names'];
}

/**
 * Parses a URL.
 * @throws OperatorError that names every mistake
 */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const problems = problemsOfDatabaseUrl(text);
  if (problems.length > 0)
    throw new OperatorError(problems.map((problem) => `DATABASE_URL ${problem}`).join('\n'));
  const url = new URL(text);
  const { searchParams: given } = url;
  const part = (encoded: string): string | null =>
    encoded === '' ? null : decodeURIComponent(encoded);
  return {
    host: given.get('host') ?? url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || DEFAULT_PORT),
    user: part(url.username),
    password: part(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    schema: given.get('schema') ?? DEFAULT_SCHEMA,
    applicationName: given.get('application_name'),
    connectTimeoutMs:
      1_000 * Number(given.get('connect_timeout') ?? DEFAULT_CONNECT_TIMEOUT_SECONDS),
    tls: {
      mode: given.has('host') ? 'disable' : ((given.get('sslmode') ?? 'prefer') as SslMode),
      rootCert: given.get('sslrootcert'),
      cert: given.get('sslcert'),
      key: given.get('sslkey'),
    },
  };
}

/** Returns every mistake, as the rest of a sentence that begins with the variable's name. */
export function problemsOfDatabaseUrl(text: string): string[] {
  if (namesSeveralHosts(text))
    return [
      'names several hosts: name the one that takes writes, or an address that follows it (a pooler, a virtual address)',
    ];
  if (!isPostgresUrl(text))
    return ['must be a URL like postgresql://user:password@host:5432/database'];
  const { searchParams: given } = new URL(text);
  const problems = [...new Set(given.keys())].flatMap((name) => problemOfName(name, given));
  return problems.length > 0 ? problems : problemsOfValues(given);
}

/**
 * libpq's lists of hosts are not valid URLs, or have an invalid host. A password may contain
 * commas.
 */
function namesSeveralHosts(text: string): boolean {
  const authority = /^postgres(?:ql)?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
  return authority.slice(authority.lastIndexOf('@') + 1).includes(',');
}

function isPostgresUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const hasHost = url.hostname !== '' || url.searchParams.has('host');
  return (
    ['postgres:', 'postgresql:'].includes(url.protocol) &&
    hasHost &&
    /^\/[^/]+$/.test(url.pathname) &&
    isEncoded(url.pathname + url.username + url.password)
  );
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function problemOfName(name: string, given: URLSearchParams): string[] {
  const instead = INSTEAD.get(name);
  if (instead !== undefined) return [`has ${name}=, which is not honoured: ${instead}`];
  if (!(HONOURED as readonly string[]).includes(name))
    return [
      `has a parameter that is not known: only ${HONOURED.slice(0, -1).join(', ')} and ${HONOURED.at(-1)} are honoured`,
    ];
  return given.getAll(name).length > 1 ? [`has ${name}= twice`] : [];
}

const RULES: Record<Honoured, (value: string, given: URLSearchParams) => string | null> = {
  schema: (name) =>
    name !== '' &&
    Buffer.byteLength(name) <= NAME_LIMIT_BYTES &&
    !name.includes('\0') &&
    !/^pg_|^information_schema$/.test(name)
      ? null
      : `must have as schema= a name of 1 to ${NAME_LIMIT_BYTES} bytes that is no schema of Postgres itself`,
  sslmode: (mode, given) => {
    if (!(SSL_MODES as readonly string[]).includes(mode))
      return `must have as sslmode= one of ${SSL_MODES.join(', ')}`;
    return mode === 'verify-ca' && !given.has('sslrootcert')
      ? 'has sslmode=verify-ca, which needs sslrootcert=FILE: the authority that issued the certificate'
      : null;
  },
  sslrootcert: (file, given) => {
    if (file === '') return 'has an empty sslrootcert=';
    return file === 'system' && given.get('sslmode') !== 'verify-full'
      ? 'has sslrootcert=system, which needs sslmode=verify-full: those authorities certify any server'
      : null;
  },
  sslcert: (file, given) =>
    file !== '' && given.has('sslkey') ? null : 'has sslcert=, which needs sslkey= beside it',
  sslkey: (file, given) =>
    file !== '' && given.has('sslcert') ? null : 'has sslkey=, which needs sslcert= beside it',
  application_name: () => null,
  connect_timeout: (seconds) =>
    /^[1-9]\d{0,2}$/.test(seconds) ? null : 'must have as connect_timeout= 1 to 999 seconds',
  host: (directory) =>
    directory.startsWith('/') && !directory.includes(',')
      ? null
      : 'has host= among its parameters, which may name only the directory of a Unix socket',
};

function problemsOfValues(given: URLSearchParams): string[] {
  return HONOURED.flatMap((name) => {
    const value = given.get(name);
    return (value === null ? null : RULES[name](value, given)) ?? [];
  });
}
