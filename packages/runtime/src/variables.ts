import { isIP } from 'node:net';
import { z } from 'zod';
import { problemsOfDatabaseUrl } from './database-url.js';
import { isProxyUrl, PROXY_URL_MESSAGE } from './google-proxy.js';
import { INSECURE_KINDS, isLoopback } from './insecure.js';
import { isGuessable } from './master-key.js';
import { REDIS_URL_FORM, parseRedisUrl } from './redis/address.js';
import { PUSH_VARIABLES, QUOTA_VARIABLES } from './resources/index.js';
import { whole } from './zod-forms.js';

/**
 * Variables whose value may also be in a file named by `<NAME>_FILE`, as container secrets are
 * mounted.
 */
export const FILE_VARIANTS = [
  'GOOGLE_CLIENT_ID',
  'GOOGLE_CLIENT_SECRET',
  'SYNCLINE_MASTER_KEY',
  'SYNCLINE_MASTER_KEY_OLD',
  'DATABASE_URL',
  'DATABASE_API_URL',
  'REDIS_URL',
] as const;

/**
 * Every variable that Syncline reads, with its default. Messages complete the sentence "<NAME> …"
 * and quote no value.
 */
export const VARIABLES = z.object({
  DATABASE_URL: databaseUrl().optional(),
  DATABASE_POOL_SIZE: whole(2, 1_000).optional(),
  DATABASE_API_URL: databaseUrl().optional(),
  API_POOL_SIZE: whole(1, 1_000).default(10),
  MIGRATION_LOCK_WAIT_SECONDS: whole(0, 86_400).default(300),
  REDIS_URL: z
    .string()
    .refine((text) => parseRedisUrl(text) !== null, REDIS_URL_FORM)
    .optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,64}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"')
    .default('syncline'),
  REDIS_CA_FILE: z.string().optional(),
  REDIS_CERT_FILE: z.string().optional(),
  REDIS_KEY_FILE: z.string().optional(),
  SYNCLINE_DATA_DIR: z.string().optional(),
  GOOGLE_CLIENT_ID: z.string().optional(),
  GOOGLE_CLIENT_SECRET: z.string().optional(),
  GOOGLE_PROJECTS_FILE: z.string().optional(),
  GOOGLE_API_URL: origin('must be an origin like http://127.0.0.1:8787, without a path').optional(),
  // Other programs read the lower-case variables too. These take precedence here as they do there.
  HTTPS_PROXY: proxyUrl(),
  https_proxy: proxyUrl(),
  HTTP_PROXY: proxyUrl(),
  http_proxy: proxyUrl(),
  NO_PROXY: z.string().optional(),
  no_proxy: z.string().optional(),
  SYNCLINE_ALLOW_INSECURE: listOf(INSECURE_KINDS).default([]),
  // Node's own setting: with 0 no TLS connection of this process is verified.
  NODE_TLS_REJECT_UNAUTHORIZED: z
    .string()
    .refine(
      (text) => text !== '0',
      'must not be 0: it turns off the check of every certificate. Name the authority of your own certificates by NODE_EXTRA_CA_CERTS',
    )
    .optional(),
  SYNCLINE_MASTER_KEY: masterKey().optional(),
  SYNCLINE_MASTER_KEY_OLD: masterKey().optional(),
  ...QUOTA_VARIABLES,
  POLL_INTERVAL_ACTIVE_SECONDS: whole(1, 86_400).default(60),
  POLL_INTERVAL_IDLE_SECONDS: whole(1, 604_800).default(900),
  AUDIT_INTERVAL_HOURS: whole(0, 8_760).default(24),
  CHANGES_RETENTION_DAYS: whole(0, 36_500).default(90),
  MIRROR_BODIES: z
    .enum(['full', 'raw', 'text', 'none'], 'must be full, raw, text or none')
    .default('full'),
  MIRROR_EXCLUDE: listOf(['spam', 'trash', 'drafts']).default([]),
  // 20,000 days do not reach back to 1970, which means the whole mailbox.
  MIRROR_WINDOW_DAYS: whole(1, 20_000).optional(),
  WORKER_CONCURRENCY: whole(1, 1_000).optional(),
  WORKER_STUCK_SECONDS: whole(1, 3_600).default(60),
  HOST: bindAddress().default('127.0.0.1'),
  PORT: whole(0, 65_535).default(3000),
  OPERATOR_HOST: bindAddress().default('127.0.0.1'),
  OPERATOR_PORT: whole(0, 65_535).default(3001),
  PUBLIC_URL: baseUrl(
    'must be the public https address of the API like https://sync.example.com (http for loopback only)',
  ).optional(),
  CONNECT_APP_NAME: z
    .string()
    .regex(/^[^\u0000-\u001f\u007f]{1,60}$/, 'must be a name of 1 to 60 characters')
    .optional(),
  CONNECT_RETURN_TO: returnAddresses().default([]),
  HTTP_KEEP_ALIVE_SECONDS: whole(1, 3_600).default(65),
  METRICS_PORT: whole(0, 65_535).optional(),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be one of fatal, error, warn, info, debug, trace, silent',
    )
    .default('info'),
  ...PUSH_VARIABLES,
  PUSH_BASE_URL: baseUrl(
    'must be a public https address like https://sync.example.com (http for loopback only)',
  ).optional(),
  // Google's own name for the variable with the path of a service account's key file.
  GOOGLE_APPLICATION_CREDENTIALS: z.string().optional(),
  // The tests pass their servers to child processes in these variables. No program reads them.
  SYNCLINE_TEST_DATABASE_URL: z.string().optional(),
  SYNCLINE_TEST_REDIS_URL: z.string().optional(),
});

export type Values = z.infer<typeof VARIABLES>;
export type VariableName = keyof Values;

/**
 * The address of a listener. Host names other than `localhost` are rejected, because they may
 * resolve to any address.
 */
function bindAddress() {
  return z
    .string()
    .refine(
      (text) => text === 'localhost' || isIP(text) !== 0,
      'must be an IP address of this machine, such as 127.0.0.1, or 0.0.0.0 for every address',
    );
}

/** Names from `allowed`, separated by commas. Duplicates are ignored. */
function listOf<const Name extends string>(allowed: readonly Name[]) {
  const names = (text: string): string[] => text.split(',').map((name) => name.trim());
  return z
    .string()
    .refine(
      (text) => names(text).every((name) => (allowed as readonly string[]).includes(name)),
      `must be a list of ${allowed.join(', ')}, separated by commas`,
    )
    .transform((text) => allowed.filter((name) => names(text).includes(name)));
}

function url(protocols: readonly string[], message: string, accepts: (parsed: URL) => boolean) {
  return z
    .string()
    .refine(
      (text) =>
        URL.canParse(text) && protocols.includes(new URL(text).protocol) && accepts(new URL(text)),
      message,
    );
}

/** Each mistake is reported as a separate problem. */
function databaseUrl() {
  return z.string().superRefine((text, context) => {
    for (const message of problemsOfDatabaseUrl(text))
      context.addIssue({ code: 'custom', message });
  });
}

/**
 * An http(s) origin without its trailing slash, so that Google's own paths can be appended to it.
 */
function origin(message: string) {
  return url(
    ['http:', 'https:'],
    message,
    (parsed) => isPlain(parsed) && parsed.pathname === '/',
  ).transform((text) => new URL(text).origin);
}

function proxyUrl() {
  return z.string().refine(isProxyUrl, PROXY_URL_MESSAGE).optional();
}

/**
 * An address to which the API's paths can be appended. Behind a gateway it may have a path itself.
 */
function baseUrl(message: string) {
  return url(
    ['http:', 'https:'],
    message,
    (parsed) => isPlain(parsed) && isSecureOrLoopback(parsed),
  ).transform((text) => text.replace(/\/+$/, ''));
}

/** Addresses, separated by commas, to which a browser may be sent. */
function returnAddresses() {
  const addresses = (text: string): string[] => text.split(',').map((address) => address.trim());
  return z
    .string()
    .refine(
      (text) => addresses(text).every(isReturnAddress),
      'must be https addresses separated by commas, like https://app.example.com (http for loopback only)',
    )
    .transform((text) => addresses(text).map((address) => new URL(address).href));
}

function isReturnAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const parsed = new URL(text);
  const isWeb = parsed.protocol === 'https:' || parsed.protocol === 'http:';
  return isWeb && isPlain(parsed) && isSecureOrLoopback(parsed);
}

function isPlain(parsed: URL): boolean {
  return (
    parsed.search === '' && parsed.hash === '' && parsed.username === '' && parsed.password === ''
  );
}

function isSecureOrLoopback(parsed: URL): boolean {
  return parsed.protocol === 'https:' || isLoopback(parsed.hostname);
}

function masterKey() {
  const isKey = (text: string): boolean => /^[A-Za-z0-9+/_-]{43}=?$/.test(text);
  return z
    .string()
    .refine(isKey, 'must be 32 bytes in base64, as `openssl rand -base64 32` prints them')
    .refine(
      (text) => !isKey(text) || !isGuessable(Buffer.from(text, 'base64'), text),
      'must not be all zero, a pattern, an arithmetic sequence of bytes or typed text, because such a key can be guessed. Make one with `openssl rand -base64 32`',
    )
    .transform((text) => Buffer.from(text, 'base64'));
}
