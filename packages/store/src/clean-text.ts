/**
 * What Postgres cannot hold: U+0000 in text and jsonb, and lone surrogates in jsonb.
 * Mail contains both. They are taken out (NUL) or replaced (U+FFFD) here and nowhere else,
 * so that whoever compares the mirror with its source can apply the same rule.
 */
export function cleanText(text: string): string {
  const withoutNul = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return withoutNul.isWellFormed() ? withoutNul : withoutNul.toWellFormed();
}

/** The same for a JSON document, on its serialised form. */
export function cleanJson(value: unknown): string {
  const json = JSON.stringify(value);
  // JSON.stringify writes NUL and lone surrogates as \u escapes; an escaped backslash before the u must not match.
  if (!json.includes('\\u0000') && !json.includes('\\ud')) return json;
  return json.replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (found) =>
    found === '\\\\' ? found : found === '\\u0000' ? '' : '\uFFFD',
  );
}
