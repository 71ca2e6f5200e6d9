/**
 * What may be shown of an error to operators: in logs, in Postgres beside a collection, in Redis
 * and Bull Board for a failed job, and on a terminal. A library's message may quote its input
 * (JSON.parse quotes the body, Postgres the value, an HTTP client the URL). For errors of other
 * code, only allow-listed facts are shown: the name, the code, an HTTP status, and the table and
 * constraint that Postgres reports.
 */
import { OwnError } from './errors.js';

const MESSAGE_LIMIT = 300;
const CAUSE_LIMIT = 3;
const FRAME_LIMIT = 12;

/**
 * Returns one line with the causes: `GoogleError: gmail.history: unavailable`, or `DatabaseError
 * 40P01`.
 */
export function describeError(error: unknown): string {
  const names: string[] = [];
  let at: unknown = error;
  while (isError(at) && names.length < CAUSE_LIMIT) {
    names.push(describeOne(at));
    at = at.cause;
  }
  const text = names.length > 0 ? names.join(', caused by ') : `a thrown ${typeof error}`;
  return text.length > MESSAGE_LIMIT ? `${text.slice(0, MESSAGE_LIMIT)}…` : text;
}

/** Returns the same line with the stack frames, which are needed to fix a bug. */
export function describeBug(error: unknown): string {
  return [describeError(error), ...stackFrames(error)].join('\n');
}

/**
 * Returns only the `at f (file:line:column)` lines that V8 wrote. The head of a stack repeats the
 * message with its newlines.
 */
export function stackFrames(error: unknown): string[] {
  if (!isError(error)) return [];
  const stack = error.stack ?? '';
  const messageAt = stack.indexOf(error.message);
  const frame = /^\s{4}at [^()]{0,120}\(?[^()\s]{1,300}:\d+:\d+\)?$/;
  return stack
    .slice(messageAt < 0 ? 0 : messageAt + error.message.length)
    .split('\n')
    .filter((line) => frame.test(line))
    .slice(0, FRAME_LIMIT);
}

/** The fields of an error in a log line. */
export function errorFields(error: Error): Record<string, string | number> {
  const { code, status, table, constraint } = error as unknown as Partial<Record<string, unknown>>;
  return {
    name: nameOf(error),
    message: describeError(error),
    ...labelled('code', code),
    ...labelled('status', status),
    ...labelled('table', table),
    ...labelled('constraint', constraint),
  };
}

function describeOne(error: Error): string {
  const { code, status, table, constraint } = error as unknown as Partial<Record<string, unknown>>;
  const kind = [nameOf(error), labelOf(code), labelOf(status)].filter((label) => label !== null);
  const place = [labelOf(table), labelOf(constraint)].filter((label) => label !== null);
  const named = `${[...new Set(kind)].join(' ')}${place.length === 0 ? '' : ` (${place.join(', ')})`}`;
  return error instanceof OwnError ? `${named}: ${scrub(error.message)}` : named;
}

function nameOf(error: Error): string {
  return labelOf(error.name) ?? 'Error';
}

function labelled(field: string, value: unknown): Record<string, string | number> {
  const label = labelOf(value);
  return label === null ? {} : { [field]: typeof value === 'number' ? value : label };
}

/**
 * Returns a name or number that is part of a program. A longer or unusual text might be a value.
 */
function labelOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && /^[A-Za-z_]\w{0,63}$|^\w{1,10}$/.test(value) ? value : null;
}

/** In some test runners, errors of Node's own modules are not instances of this realm's Error. */
function isError(value: unknown): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

/**
 * The rule for OwnError already excludes such values. As a second protection this removes
 * addresses, quoted text and long opaque strings (tokens).
 */
function scrub(message: string): string {
  const line = message.slice(0, 2 * MESSAGE_LIMIT).split('\n', 1)[0] ?? '';
  return line
    .replace(/"[^"]*"?/g, '"…"')
    .replace(/[^\s<>()",;:]+(?:@|%40)[^\s<>()",;:]+/gi, '[address]')
    .replace(/[\w./+=~-]{41,}/g, '[opaque]');
}
