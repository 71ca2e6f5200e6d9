/** The cookie that binds a connect session to a browser. */
import type { CookieOf } from '@syncline/control/connect';
import { parseCookie, stringifySetCookie } from 'cookie';

interface Binding {
  sessionId: string;
  secret: string;
  lifeMs: number;
}

/**
 * Each session has a cookie of its own, so that two links in one browser do not disturb each other.
 * Over https its name keeps other hosts of the domain from setting it (`__Host-`).
 */
function nameOf(sessionId: string, isSecure: boolean): string {
  const prefix = isSecure ? '__Host-' : '';
  return `${prefix}syncline-connect-${sessionId.slice('cs_'.length)}`;
}

export function cookiesOf(header: string | undefined, publicUrl: string): CookieOf {
  const cookies = parseCookie(header ?? '');
  return (sessionId) => cookies[nameOf(sessionId, isSecureUrl(publicUrl))];
}

/** `lax`: the browser sends it when Google's page redirects here. Scripts cannot read it. */
export function setCookie({ sessionId, secret, lifeMs }: Binding, publicUrl: string): string {
  const isSecure = isSecureUrl(publicUrl);
  return stringifySetCookie({
    name: nameOf(sessionId, isSecure),
    value: secret,
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: isSecure,
    maxAge: Math.max(1, Math.floor(lifeMs / 1_000)),
  });
}

function isSecureUrl(url: string): boolean {
  return url.startsWith('https:');
}
