/**
 * One JSON line per event. No secret or personal data is logged, whichever code writes the line:
 *
 * - fields pass an allow list (log-fields.ts), also those of child loggers;
 * - errors pass an allow list (describe-error.ts): the name, the code, the status, and the message
 *   of OwnError only, because a library's message and stack may quote values;
 * - values for `%s` in a message are numbers, or are replaced;
 * - by form: addresses, tokens, private keys, bearer headers and passwords inside URLs are replaced
 *   in the finished line.
 */
import { hostname } from 'node:os';
import pino from 'pino';
import { describeError } from './describe-error.js';
import { type LogFields, type OnlyListed, REDACTED, listedFields } from './log-fields.js';

type Write = <Fields extends LogFields>(fields: OnlyListed<Fields>, text: string) => void;

/** `log.info({ event: 'page_committed', accountId }, 'plain sentence')`. Names of events are API. */
export interface Log extends Record<
  'debug' | 'error' | 'fatal' | 'info' | 'trace' | 'warn',
  Write
> {
  child<Fields extends LogFields>(fields: OnlyListed<Fields>): Log;
}

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
      log: (fields) => listedFields(fields, withStack),
    },
    hooks: { streamWrite: scrubText, logMethod: withOwnWords },
  };
  // Written synchronously, so that the last line before an exit is not lost.
  const log = pino(options, pino.destination({ fd: destination === 'stderr' ? 2 : 1, sync: true }));
  listBindings(log, withStack);
  return log;
}

/**
 * pino does not pass the fields of a child logger through the formatter, and the child's options
 * could replace it. Child loggers inherit both overrides, at every depth.
 */
function listBindings(log: pino.Logger, withStack: boolean): void {
  const { child, setBindings } = log;
  log.child = function <Levels extends string>(this: pino.Logger, fields: pino.Bindings) {
    return child.call(this, listedFields(fields, withStack)) as pino.Logger<Levels>;
  };
  log.setBindings = function (this: pino.Logger, fields: pino.Bindings) {
    setBindings.call(this, listedFields(fields, withStack));
  };
}

/**
 * Without a message, pino would use the error's own message as the message of the line. It would
 * also write any value for a `%s`.
 */
function withOwnWords(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const [first, text, ...values] = args as [unknown, unknown, ...unknown[]];
  if (typeof first !== 'object' || first === null)
    return method.call(this, {}, wordsOf(first), ...[text, ...values].map(valueInText));
  const fields = first instanceof Error ? { err: first } : first;
  const error = Object.hasOwn(fields, 'err') ? (fields as { err: unknown }).err : undefined;
  const words = text ?? (error === undefined ? undefined : describeError(error));
  method.call(
    this,
    fields,
    ...(words === undefined ? [] : [wordsOf(words)]),
    ...values.map(valueInText),
  );
}

function wordsOf(text: unknown): string {
  return typeof text === 'string' ? text : REDACTED;
}

function valueInText(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
    ? value
    : REDACTED;
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
