/**
 * The way to one of Google's origins: straight, or through the proxy that the operator has named. undici's agent decides between the two for each
 * origin by NO_PROXY, and opens a tunnel (CONNECT) through the proxy, so that TLS is Google's own and the proxy sees host names only.
 */
import { type GoogleProxy, isLoopbackHost } from '@syncline/runtime';
import { type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';

/**
 * Every connection to `origin` goes through this one. A proxy is asked for origins of its own scheme only: HTTPS_PROXY for https, HTTP_PROXY for
 * http. Nothing is read from the environment here.
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
    // '' is "none"; undefined would be read from the environment.
    httpProxy: isTls ? '' : uri,
    httpsProxy: isTls ? uri : '',
    noProxy: proxy.noProxy,
    ...(token === null ? {} : { token }),
  });
}

/** Credentials leave the URL, so that no error of the HTTP client can quote them. */
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
 * An origin on loopback is not there for a proxy elsewhere, and its plain http would leave this
 * machine.
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

/** What the proxy did wrong, for a person; null when `error` is not the proxy's. Of a refused tunnel undici tells the status in its message alone. */
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
