/**
 * Only the parts of a message are nested without a documented bound: two levels of JSON for each
 * level of MIME.
 */
export const NESTING_LIMIT = 1_000;
/**
 * Below this size nesting costs a few milliseconds at most, and scanning every small answer would
 * cost more.
 */
const CHECKED_FROM_BYTES = 64 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/**
 * Most strings are shorter; beyond this length the native search is faster than a loop over the
 * bytes.
 */
const SHORT_STRING_BYTES = 48;

/**
 * Whether JSON of 64 KB or more is nested deeper than `NESTING_LIMIT`. A parser needs about 40
 * bytes and half a microsecond for each level, so an answer of 78 MB of `[` takes gigabytes and
 * most of a minute, and code that walks the result overflows the stack. For text that is not JSON
 * the result is arbitrary; the parser rejects it.
 */
export function isNestedTooDeep(json: Uint8Array): boolean {
  if (json.length < CHECKED_FROM_BYTES) return false;
  let depth = 0;
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) at = endOfString(json, at + 1);
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > NESTING_LIMIT) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  return false;
}

/** Returns the position of the closing quote of the string that begins at `from`. */
function endOfString(json: Uint8Array, from: number): number {
  const near = Math.min(json.length, from + SHORT_STRING_BYTES);
  let at = from;
  for (; at < near; at += 1) {
    const byte = json[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  for (at = json.indexOf(QUOTE, at); at !== -1; at = json.indexOf(QUOTE, at + 1))
    if (!isEscaped(json, at, from)) return at;
  return json.length;
}

function isEscaped(json: Uint8Array, quote: number, from: number): boolean {
  let slashes = 0;
  while (quote - 1 - slashes >= from && json[quote - 1 - slashes] === BACKSLASH) slashes += 1;
  return slashes % 2 === 1;
}
