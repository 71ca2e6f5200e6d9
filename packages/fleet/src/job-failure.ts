/**
 * What a failed job may say about its error. BullMQ keeps `failedReason` and the stack in Redis for a week and Bull Board
 * shows them as they are, so an error goes through here first. A library's message may quote what it choked on
 * (JSON.parse quotes the body, Postgres the value, Gaxios the URL): of errors that are not ours only the name and the
 * code are kept, and where it happened. That is enough to find the line; the rest is in the worker's log, which scrubs.
 */

/** Thrown to BullMQ in place of the real error. Its message and stack are safe to store and to show. */
export class JobFailure extends Error {
  override name = 'JobFailure';
}

/** Errors whose messages are written in this repository, of ids and fixed words. */
const OURS = new Set(['AssertionError', 'OperatorError', 'ConfigError', 'GoogleError', 'JobFailure']);

const MESSAGE_LIMIT = 300;
const FRAME_LIMIT = 12;
const CAUSE_LIMIT = 3;

/** `error`, whatever it is, as something that holds nothing personal and nothing secret. */
export function asJobFailure(error: unknown): JobFailure {
  const failure = new JobFailure(describe(error));
  const frames = error instanceof Error ? stackFrames(error) : [];
  failure.stack = [failure.message, ...frames].join('\n');
  return failure;
}

/** One line: `GoogleError: gmail.history: unavailable`, or `DatabaseError 40P01`, with the names of its causes. */
export function describe(error: unknown): string {
  const names: string[] = [];
  let at: unknown = error;
  while (at instanceof Error && names.length < CAUSE_LIMIT) {
    names.push(describeOne(at));
    at = at.cause;
  }
  const text = names.length > 0 ? names.join(', caused by ') : `a thrown ${typeof error}`;
  return text.length > MESSAGE_LIMIT ? `${text.slice(0, MESSAGE_LIMIT)}…` : text;
}

function describeOne(error: Error): string {
  const { code } = error as { code?: unknown };
  const name = /^\w{1,64}$/.test(error.name) ? error.name : 'Error';
  const named = typeof code === 'number' || (typeof code === 'string' && /^\w{1,40}$/.test(code)) ? `${name} ${code}` : name;
  return OURS.has(error.name) ? `${named}: ${scrub(error.message)}` : named;
}

/** Ours by rule; this is the belt to those braces: addresses, quoted text and long opaque runs (tokens) go. */
function scrub(message: string): string {
  const line = message.slice(0, 2 * MESSAGE_LIMIT).split('\n', 1)[0] ?? '';
  return line
    .replace(/"[^"]*"?/g, '"…"')
    .replace(/[^\s<>()",;:]+@[^\s<>()",;:]+/g, '[address]')
    .replace(/[\w./+=~-]{41,}/g, '[opaque]');
}

/** Only the `at f (file:line:column)` lines that V8 wrote: the head of a stack repeats the message, newlines and all. */
function stackFrames(error: Error): string[] {
  const stack = error.stack ?? '';
  const messageAt = stack.indexOf(error.message);
  const frame = /^\s{4}at [^()]{0,120}\(?[^()\s]{1,300}:\d+:\d+\)?$/;
  return stack
    .slice(messageAt < 0 ? 0 : messageAt + error.message.length)
    .split('\n')
    .filter((line) => frame.test(line))
    .slice(0, FRAME_LIMIT);
}
