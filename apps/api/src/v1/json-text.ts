/** Refuses JSON texts that parsers read differently, or that are too deep. */

const DEPTH_LIMIT = 32;
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/**
 * Parses a JSON text without repeated keys, without the key `__proto__`, and with at most
 * `DEPTH_LIMIT` levels.
 */
export function parseJson(text: string): { value: unknown } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: 'is not JSON' };
  }
  const problem = structureProblem(text);
  return problem === null ? { value } : { problem };
}

/** The text is valid JSON, so a text before a colon is a key. */
function structureProblem(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null);
    else if (token === '}' || token === ']') open.pop();
    const problem =
      open.length > DEPTH_LIMIT
        ? `has more than ${DEPTH_LIMIT} levels`
        : token === ':' && keyProblem(JSON.parse(last) as string, open.at(-1));
    if (typeof problem === 'string') return problem;
    last = token;
  }
  return null;
}

/** @param keys those of the same object so far; the key is added */
function keyProblem(key: string, keys: Set<string> | null | undefined): string | null {
  if (key === '__proto__') return 'has a key that is not allowed';
  if (keys?.has(key) === true) return 'has a key twice';
  keys?.add(key);
  return null;
}
