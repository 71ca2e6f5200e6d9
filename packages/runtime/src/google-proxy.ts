/**
 * The proxy variables, with the meaning that curl and most programs give them, for requests to
 * Google. Postgres and Redis are never reached through a proxy.
 */
import type { LogFields } from './log-fields.js';
import type { Values } from './variables.js';

export interface GoogleProxy {
  /**
   * Proxy for https origins; null means a direct connection. It may contain credentials and must
   * not be logged.
   */
  httpsUrl: string | null;
  /** Proxy for a plain-http GOOGLE_API_URL; null means a direct connection. */
  httpUrl: string | null;
  /**
   * Hosts that are reached directly, in NO_PROXY's format: names with all their subdomains,
   * `host:port`, or `*` alone. '' means none.
   */
  noProxy: string;
}

export const PROXY_URL_MESSAGE =
  'must be a URL like http://proxy.example.com:3128, or http://user:password@proxy.example.com:3128 with special characters percent-encoded';

/**
 * Whether the HTTP client can use the URL: http or https, a host, no path, and credentials that can
 * be decoded.
 */
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

/**
 * Reads the proxy variables. The lower-case variable takes precedence where both are set, as in
 * curl. Returns null when none is set.
 */
export function toProxy(values: Values): GoogleProxy | null {
  const httpsUrl = values.https_proxy ?? values.HTTPS_PROXY ?? null;
  const httpUrl = values.http_proxy ?? values.HTTP_PROXY ?? null;
  if (httpsUrl === null && httpUrl === null) return null;
  return { httpsUrl, httpUrl, noProxy: values.no_proxy ?? values.NO_PROXY ?? '' };
}

/** Returns only hosts and ports, for a log line. */
export function proxyForLog({ httpsUrl, httpUrl, noProxy }: GoogleProxy): LogFields {
  return {
    ...(httpsUrl === null ? {} : { httpsProxy: new URL(httpsUrl).host }),
    ...(httpUrl === null ? {} : { httpProxy: new URL(httpUrl).host }),
    ...(noProxy === '' ? {} : { noProxy }),
  };
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false; // A lone % is expected here: the caller reports the variable as a mistake.
  }
}
