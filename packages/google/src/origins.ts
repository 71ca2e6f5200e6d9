import { APIS, byApi, type Api } from './apis/facts.js';

/** Where Google lives. One configured origin (a simulator, a recording proxy) replaces every host; the paths stay Google's own. */
export type Origins = Record<Api | 'oauth' | 'pubsub' | 'certificates', string>;

const GOOGLE: Origins = {
  ...byApi((api) => APIS[api].origin),
  oauth: 'https://oauth2.googleapis.com',
  pubsub: 'https://pubsub.googleapis.com',
  // Where Google shows the keys that its identity tokens are signed with.
  certificates: 'https://www.googleapis.com',
};

/** @throws TypeError when `apiUrl` is not a URL; configuration has checked it before. */
export function originsFor(apiUrl: string | null): Origins {
  if (apiUrl === null) return GOOGLE;
  const { origin } = new URL(apiUrl);
  return Object.fromEntries(Object.keys(GOOGLE).map((name) => [name, origin])) as Origins;
}

/**
 * Whether to ask `origin` for compressed answers. Over a WAN a page of mail shrinks to a third; on the loopback
 * compressing and inflating it only burns CPU twice.
 */
export function wantsGzip(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  const loopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return !(protocol === 'http:' && loopback);
}
