/**
 * What may be said of an error where operators look: in Postgres beside a collection, in Redis and on Bull Board for a failed job.
 * A library's message may quote what it choked on (JSON.parse quotes the body, Postgres the value, an HTTP client the URL), so of
 * errors that are not ours only the name and the code are told.
 */

/** Errors whose messages are written in this repository, of ids and fixed words. */
const OURS = new Set([
  'AssertionError',
  'OperatorError',
  'ConfigError',
  'GoogleError',
  'JobFailure',
  'LeaseLost',
  'PageRefused',
]);

const MESSAGE_LIMIT = 300;
const CAUSE_LIMIT = 3;

/** One line: `GoogleError: gmail.history: unavailable`, or `DatabaseError 40P01`, with the names of its causes. */
export function describeError(error: unknown): string {
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
  const named =
    typeof code === 'number' || (typeof code === 'string' && /^\w{1,40}$/.test(code))
      ? `${name} ${code}`
      : name;
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
