/**
 * One JSON line per event. No secret or personal data is logged, whichever code writes the line:
 *
 * - errors pass an allow list (describe-error.ts): the name, the code, the status, and the message
 *   of OwnError only, because a library's message and stack may quote values;
 * - by name: a field called token, authorization, password, email, subject… at any depth is
 *   replaced before it is written;
 * - by form: addresses, tokens, private keys, bearer headers and passwords inside URLs are replaced
 *   in the finished line.
 */
import { hostname } from 'node:os';
import pino from 'pino';
import { describeError, errorFields, stackFrames } from './describe-error.js';

/**
 * `log.info({ event: 'page-committed', accountId }, 'plain sentence')`. Fields contain ids only.
 * Names of events are API.
 */
export type Log = pino.Logger;

const SECRET_NAMES = new Set([
  'token',
  'refreshtoken',
  'accesstoken',
  'idtoken',
  'authorization',
  'secret',
  'clientsecret',
  'password',
  'masterkey',
  'cookie',
  'email',
  'emailaddress',
  'subject',
  'snippet',
  'summary',
  'description',
  'location',
  'displayname',
  'filename',
  'text',
  'html',
  'raw',
  'source',
  'privatekey',
  'assertion',
  'apikey',
  'channeltoken',
  'proxyauthorization',
  'setcookie',
  'databaseurl',
  'redisurl',
  'proxyurl',
  // A field of a pg error.
  'detail',
  'hint',
  'where',
  'query',
  'values',
  'parameters',
]);
const DEPTH_LIMIT = 6;
const ARRAY_LIMIT = 50;
const REDACTED = '[redacted]';

export function createLog(service: string, level: string, destination: 'stderr' | 'stdout'): Log {
  const withStack = level === 'debug' || level === 'trace';
  const options: pino.LoggerOptions = {
    level,
    base: { service, pid: process.pid, host: hostname() },
    timestamp: pino.stdTimeFunctions.isoTime,
    // Without this, pino would apply its own error serializer after the formatter below.
    serializers: { err: (value: unknown) => value },
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => scrubFields(fields, withStack, 0),
    },
    hooks: { streamWrite: scrubText, logMethod: withOwnWords },
  };
  // Written synchronously, so that the last line before an exit is not lost.
  const log = pino(options, pino.destination({ fd: destination === 'stderr' ? 2 : 1, sync: true }));
  // pino does not pass the fields of a child logger through the formatter. Child loggers inherit
  // this override, at every depth.
  const child = log.child;
  log.child = function <Levels extends string>(
    this: Log,
    fields: pino.Bindings,
    childOptions?: pino.ChildLoggerOptions<Levels>,
  ): pino.Logger<Levels> {
    return child.call(this, scrubFields(fields, withStack, 0), childOptions) as pino.Logger<Levels>;
  };
  return log;
}

/** Without a message, pino would use the error's own message as the message of the line. */
function withOwnWords(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, text, ...values] = args as [unknown, string | undefined, ...unknown[]];
  const error = first instanceof Error ? first : errorIn(first);
  if (error === null || text !== undefined) return method.apply(this, args);
  const fields = first instanceof Error ? { err: first } : (first as object);
  method.apply(this, [fields, describeError(error), ...values]);
}

function errorIn(fields: unknown): Error | null {
  const { err } = Object(fields) as { err?: unknown };
  return err instanceof Error ? err : null;
}

const LOCAL_PART = String.raw`[\p{L}\p{N}_.+'%&=/-]{1,64}`;
const DOMAIN = String.raw`[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63}){1,8}`;
const ADDRESS = new RegExp(`${LOCAL_PART}@${DOMAIN}`, 'gu');
/** An address in a URL. */
const ENCODED_ADDRESS = new RegExp(`${LOCAL_PART.replace('%', '')}%40${DOMAIN}`, 'giu');
const PASSWORD_IN_URL = /(:\/\/[^\s:@/"]{0,64}:)[^\s@/"]{1,256}@/g;
/**
 * Google's access tokens, refresh tokens, authorization codes and client secrets, any bearer or
 * basic header, and JWTs.
 */
const TOKENS =
  /\bya29\.[\w.-]{1,2048}|\b[14]\/\/?[\w-]{10,512}|\bGOCSPX-[\w-]{1,64}|\b(?:Bearer|Basic) [\w.~+/=-]{1,2048}|\beyJ[\w-]{5,4096}\.[\w-]{2,8192}(?:\.[\w-]{0,2048})?/g;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{1,40}-----[^"-]{0,8192}(?:-----END [A-Z ]{1,40}-----)?/g;
const SECRET_IN_QUERY =
  /([?&](?:access_token|refresh_token|id_token|token|client_secret|code|key|password|assertion)=)[^&\s"]{1,4096}/gi;

/**
 * Returns a finished line or message without the secrets and addresses that can be recognized by
 * their form.
 */
export function scrubText(text: string): string {
  let clean = text;
  if (clean.includes('@'))
    clean = clean.replace(PASSWORD_IN_URL, `$1${REDACTED}@`).replace(ADDRESS, '[address]');
  if (clean.includes('%40')) clean = clean.replace(ENCODED_ADDRESS, '[address]');
  if (clean.includes('-----BEGIN')) clean = clean.replace(PRIVATE_KEY, REDACTED);
  if (clean.includes('=')) clean = clean.replace(SECRET_IN_QUERY, `$1${REDACTED}`);
  return clean.replace(TOKENS, REDACTED);
}

function scrubFields(fields: object, withStack: boolean, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      SECRET_NAMES.has(name.toLowerCase().replace(/[_-]/g, ''))
        ? REDACTED
        : scrubValue(value, withStack, depth),
    ]),
  );
}

function scrubValue(value: unknown, withStack: boolean, depth: number): unknown {
  if (value instanceof Error) return allowedOfError(value, withStack);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (depth >= DEPTH_LIMIT) return '[deep]';
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (Array.isArray(value))
    return value.slice(0, ARRAY_LIMIT).map((item) => scrubValue(item, withStack, depth + 1));
  return scrubFields(value, withStack, depth + 1);
}

function allowedOfError(error: Error, withStack: boolean): Record<string, unknown> {
  return {
    ...errorFields(error),
    ...(withStack ? { stack: stackFrames(error).join('\n') } : {}),
  };
}
