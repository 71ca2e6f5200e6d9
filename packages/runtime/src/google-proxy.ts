/** The proxy variables, as curl and most programs read them, for what goes to Google; Postgres and Redis are never asked through a proxy. */
import type { Values } from './variables.js';

export interface GoogleProxy {
  /** For https origins; null is straight. May hold credentials: never to be logged. */
  httpsUrl: string | null;
  /** For a plain-http GOOGLE_API_URL; null is straight. */
  httpUrl: string | null;
  /** Hosts that are reached straight, as NO_PROXY lists them: names with all their subdomains, `host:port`, or `*` alone. '' is none. */
  noProxy: string;
}

export const PROXY_URL_MESSAGE =
  'must be a URL like http://proxy.example.com:3128, or http://user:password@proxy.example.com:3128 with special characters percent-encoded';

/** Whether the HTTP client can use it: http or https, a host, no path, and credentials that can be decoded. */
export function isProxyUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(text);
  return (
    ['http:', 'https:'].includes(protocol) &&
    hostname !== '' &&
    pathname === '/' &&
    search === '' &&
    hash === '' &&
    isPercentEncoded(username) &&
    isPercentEncoded(password)
  );
}

/** The lower-case form wins where both are set, as in curl. Null when nothing is set. */
export function toProxy(values: Values): GoogleProxy | null {
  const httpsUrl = values.https_proxy ?? values.HTTPS_PROXY ?? null;
  const httpUrl = values.http_proxy ?? values.HTTP_PROXY ?? null;
  if (httpsUrl === null && httpUrl === null) return null;
  return { httpsUrl, httpUrl, noProxy: values.no_proxy ?? values.NO_PROXY ?? '' };
}

/** The host and port alone, for a log line. */
export function proxyForLog({ httpsUrl, httpUrl, noProxy }: GoogleProxy): Record<string, string> {
  return {
    ...(httpsUrl === null ? {} : { https: new URL(httpsUrl).host }),
    ...(httpUrl === null ? {} : { http: new URL(httpUrl).host }),
    ...(noProxy === '' ? {} : { noProxy }),
  };
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // A lone % is an answer here: the variable is named as a mistake.
  }
}
