/**
 * One JSON line an event. Nothing secret or personal leaves through here, whoever writes the line:
 *
 * - by name: a field called token, authorization, password, email, subject… at any depth is replaced before it is written;
 * - by look: addresses, Google's tokens, bearer headers and passwords inside URLs are replaced in the finished line, since
 *   a library's error message may quote them;
 * - errors go through an allow-list (name, message, code, status, and the stack at debug only): a Gaxios or pg error
 *   carries the whole request with its headers and parameters.
 */
import { hostname } from 'node:os';
import pino from 'pino';

/** `log.info({ event: 'page-committed', accountId }, 'plain sentence')`. Ids only; names of events are API. */
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
  'databaseurl',
  'redisurl',
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
    // pino would apply its own error serializer after ours.
    serializers: { err: (value: unknown) => value },
    formatters: {
      level: (label) => ({ level: label }),
      log: (fields) => scrubFields(fields, withStack, 0),
    },
    hooks: { streamWrite: scrubText },
  };
  // Written synchronously: the last line before a process exits is the one that matters most.
  const log = pino(options, pino.destination({ fd: destination === 'stderr' ? 2 : 1, sync: true }));
  // A child's own fields pass no formatter of pino's. Children inherit this, and so do theirs.
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

/** A finished line or message without the secrets and addresses that can be told by their look. */
export function scrubText(text: string): string {
  let clean = text;
  if (clean.includes('@')) {
    clean = clean.replace(/(:\/\/[^\s:@/"]{0,64}:)[^\s@/"]{1,256}@/g, `$1${REDACTED}@`);
    clean = clean.replace(/[\w.+'%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g, '[address]');
  }
  // Google's access tokens, refresh tokens and client secrets, and any bearer header.
  return clean.replace(
    /\bya29\.[\w.-]{1,2048}|\b1\/\/[\w-]{10,512}|\bGOCSPX-[\w-]{1,64}|\bBearer [\w.~+/=-]{1,2048}/g,
    REDACTED,
  );
}

function scrubFields(fields: object, withStack: boolean, depth: number): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    clean[name] = SECRET_NAMES.has(name.toLowerCase().replace(/[_-]/g, ''))
      ? REDACTED
      : scrubValue(value, withStack, depth);
  }
  return clean;
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
  const { code, status } = error as { code?: unknown; status?: unknown };
  return {
    name: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'string' || typeof status === 'number' ? { status } : {}),
    ...(withStack ? { stack: error.stack } : {}),
  };
}
