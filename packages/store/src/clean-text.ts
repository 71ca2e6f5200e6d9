/**
 * What Postgres cannot hold of a text: U+0000 in text and jsonb, and unpaired surrogates in jsonb.
 * Mail contains both. They are taken out (NUL) or replaced (U+FFFD) here and nowhere else,
 * so that whoever compares the mirror with its source can apply the same rule.
 * Ids, page tokens and sync positions are never cleaned: see storable.ts.
 */
export function cleanText(text: string): string {
  const withoutNul = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return withoutNul.isWellFormed() ? withoutNul : withoutNul.toWellFormed();
}

/** Reasons are for people; a longer one is cut. */
const REASON_LIMIT = 2_000;

/** A reason or an error as it is stored: some are made of Google's words. */
export function cleanReason<Reason extends string | null>(reason: Reason): Reason {
  return (reason === null ? null : cleanText(reason.slice(0, REASON_LIMIT))) as Reason;
}

/** The same for a JSON document, serialised; what is nested too deeply is cut off. */
export function cleanJson(value: unknown): string {
  return cleanSerialised(serialised(value));
}

/** The same for a JSON document that is serialised by JSON.stringify already. */
export function cleanSerialised(json: string): string {
  // JSON.stringify writes NUL and unpaired surrogates as \u escapes; an escaped backslash before
  // the u must not match.
  if (!json.includes('\\u0000') && !json.includes('\\ud')) return json;
  return json.replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, cleanEscape);
}

function cleanEscape(escape: string): string {
  if (escape === '\\\\') return escape;
  return escape === '\\u0000' ? '' : '\uFFFD';
}

/**
 * Levels that are kept of a document which is nested too deeply for JSON.stringify (some 5,000
 * levels): Postgres reads jsonb by recursion as well (54001, "stack depth limit exceeded"), and so
 * does whoever compares documents. Google's own answers have some twenty.
 */
export const JSON_DEPTH_LIMIT = 500;

/**
 * Numbers need no cleaning: JSON.parse reads them as doubles, and every finite double fits into a
 * numeric; 1e400000 becomes null.
 */
export function serialised(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return JSON.stringify(cutOff(value, JSON_DEPTH_LIMIT)) ?? 'null';
  }
}

/** The document down to so many levels; what lies deeper is null. */
function cutOff(value: unknown, levels: number): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((item) => cutOff(item, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, cutOff(inner, levels - 1)]),
  );
}
