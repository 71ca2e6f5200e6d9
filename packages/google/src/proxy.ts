/**
 * The connections to one of Google's origins: direct, or through the operator's proxy. undici's
 * agent chooses between the two for each origin by NO_PROXY. Through the proxy it opens a tunnel
 * (CONNECT), so TLS ends at Google and the proxy sees only host names.
 */
import { type GoogleProxy, isLoopbackHost } from '@syncline/runtime';
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';

/**
 * Returns the dispatcher for every connection to `origin`. A proxy is used only for origins of its
 * own scheme: HTTPS_PROXY for https, HTTP_PROXY for http. Nothing is read from the environment
 * here.
 */
export function dispatcherFor(
  origin: string,
  proxy: GoogleProxy | null,
  options: Pool.Options,
): Dispatcher {
  const proxyUrl = proxyUrlFor(origin, proxy);
  if (proxy === null || proxyUrl === null) return new Pool(origin, options);
  const { uri, token } = splitCredentials(proxyUrl);
  const isTls = isHttps(origin);
  return new EnvHttpProxyAgent({
    ...options,
    // '' means no proxy; undefined would be read from the environment.
    httpProxy: isTls ? '' : uri,
    httpsProxy: isTls ? uri : '',
    noProxy: proxy.noProxy,
    ...(token === null ? {} : { token }),
  });
}

/** Removes the credentials from the URL, so that no error of the HTTP client can contain them. */
function splitCredentials(proxyUrl: string): { uri: string; token: string | null } {
  const url = new URL(proxyUrl);
  const { username, password } = url;
  if (username === '' && password === '') return { uri: url.href, token: null };
  url.username = '';
  url.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { uri: url.href, token: `Basic ${Buffer.from(pair).toString('base64')}` };
}

/**
 * A proxy on another machine cannot reach an origin on loopback, and plain http to it would leave
 * this machine.
 */
function proxyUrlFor(origin: string, proxy: GoogleProxy | null): string | null {
  const proxyUrl = (isHttps(origin) ? proxy?.httpsUrl : proxy?.httpUrl) ?? null;
  const isElsewhere = proxyUrl !== null && !isOnLoopback(proxyUrl);
  return isElsewhere && isOnLoopback(origin) ? null : proxyUrl;
}

function isOnLoopback(url: string): boolean {
  return isLoopbackHost(new URL(url).hostname);
}

function isHttps(origin: string): boolean {
  return new URL(origin).protocol === 'https:';
}

/**
 * Returns what the proxy did wrong, as a text for people; null when `error` is not the proxy's.
 * undici reports the status of a refused tunnel only in its message.
 */
export function proxyFailure(
  error: unknown,
  origin: string,
  proxy: GoogleProxy | null,
): string | null {
  const proxyUrl = proxyUrlFor(origin, proxy);
  if (proxyUrl === null) return null;
  const { message, errors = [error] } = Object(error) as { message?: unknown; errors?: unknown[] };
  const refused = /^Proxy response \((\d{3})\)/.exec(String(message));
  if (refused) return `the proxy answered ${refused[1]} instead of opening a tunnel`;
  const at = new URL(proxyUrl);
  const port = Number(at.port || (at.protocol === 'https:' ? 443 : 80));
  const failed = errors
    .map((one) => Object(one) as { code?: string; port?: number; hostname?: string })
    .find((one) => one.port === port || one.hostname === at.hostname);
  return failed ? `the proxy cannot be reached: ${failed.code ?? 'no connection'}` : null;
}
