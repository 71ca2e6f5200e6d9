/**
 * Characters that Postgres cannot store: U+0000 in text and jsonb, and unpaired surrogates in
 * jsonb. Mail contains both. They are removed (NUL) or replaced (U+FFFD) only here, so that code
 * that compares the mirror with its source can apply the same rule. Ids, page tokens and sync
 * positions are never cleaned (see storable.ts).
 */
export function cleanText(text: string): string {
  const withoutNul = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return withoutNul.isWellFormed() ? withoutNul : withoutNul.toWellFormed();
}

/** Reasons are read by people; longer ones are truncated. */
const REASON_LIMIT = 2_000;

/** Returns the form in which a reason or an error is stored; some contain text from Google. */
export function cleanReason<Reason extends string | null>(reason: Reason): Reason {
  return (reason === null ? null : cleanText(reason.slice(0, REASON_LIMIT))) as Reason;
}

/** Serialises and cleans a JSON document. Levels that are nested too deeply are removed. */
export function cleanJson(value: unknown): string {
  return cleanSerialised(serialised(value));
}

/** Cleans a JSON document that JSON.stringify has serialised. */
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
 * Number of levels kept of a document that is nested too deeply for JSON.stringify (about 5,000
 * levels). Postgres also reads jsonb recursively (54001, "stack depth limit exceeded"), as does
 * code that compares documents. Google's responses have about twenty levels.
 */
export const JSON_DEPTH_LIMIT = 500;

/**
 * Numbers need no cleaning: JSON.parse reads them as doubles, and every finite double fits into a
 * numeric. 1e400000 becomes null.
 */
export function serialised(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return JSON.stringify(truncateDepth(value, JSON_DEPTH_LIMIT)) ?? 'null';
  }
}

/** Returns the document up to `levels` levels; deeper values are null. */
function truncateDepth(value: unknown, levels: number): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (levels === 0) return null;
  if (Array.isArray(value)) return value.map((item) => truncateDepth(item, levels - 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, truncateDepth(inner, levels - 1)]),
  );
}
