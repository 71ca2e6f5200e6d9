/**
 * Whether the browser may be sent to an address after it has connected an account. Pure.
 */

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** What a URL must not contain in any spelling: it is read differently by different programs. */
const AMBIGUOUS = /[\\\s\u0000-\u001f\u007f]/;

/**
 * An entry of the list without a path allows every path of its origin, with a path that path alone.
 * Without a list, loopback addresses are allowed where the API itself is on loopback.
 * @returns why not, for a person; null when it may
 */
export function returnToProblem(
  returnTo: string,
  { allowed, publicUrl }: { allowed: readonly string[]; publicUrl: string },
): string | null {
  const url = exactUrl(returnTo);
  if (url === null)
    return 'returnTo must be an absolute https address in its normal form, without user name, fragment and encoded path segments (http for loopback only).';
  if (allowed.some((entry) => isWithin(url, new URL(entry)))) return null;
  const isLocal = LOOPBACK.has(url.hostname) && LOOPBACK.has(new URL(publicUrl).hostname);
  if (allowed.length === 0 && isLocal) return null;
  return 'returnTo is not on the list of addresses that the operator allows (CONNECT_RETURN_TO).';
}

/** Returns null unless the text is what a browser makes of it. */
function exactUrl(text: string): URL | null {
  if (AMBIGUOUS.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  const isExact = url.href === text || url.href === `${text}/`;
  return isExact && isSecureWeb(url) && isPlain(url) ? url : null;
}

function isSecureWeb({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}

function isPlain({ username, password, hash, pathname }: URL): boolean {
  return username === '' && password === '' && hash === '' && !/%2e|%2f|%5c/i.test(pathname);
}

function isWithin(url: URL, entry: URL): boolean {
  return url.origin === entry.origin && (entry.pathname === '/' || url.pathname === entry.pathname);
}

/** Returns the address with how the session went. */
export function returnAddress(returnTo: string, { id, outcome }: { id: string; outcome: string }) {
  const url = new URL(returnTo);
  url.searchParams.set('connect', id);
  url.searchParams.set('result', outcome);
  return url.href;
}
