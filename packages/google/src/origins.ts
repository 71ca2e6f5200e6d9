import { APIS, byApi, type Api } from './apis/facts.js';

/**
 * The origins of Google's hosts. One configured origin (a simulator, a recording proxy) replaces
 * all of them; the paths stay the same.
 */
export type Origins = Record<Api | 'oauth' | 'accounts' | 'pubsub' | 'certificates', string>;

const GOOGLE: Origins = {
  ...byApi((api) => APIS[api].origin),
  oauth: 'https://oauth2.googleapis.com',
  // The host of the consent page, which browsers open.
  accounts: 'https://accounts.google.com',
  pubsub: 'https://pubsub.googleapis.com',
  // The host that publishes the keys of Google's identity tokens.
  certificates: 'https://www.googleapis.com',
};

/** @throws TypeError when `apiUrl` is not a URL; the configuration has checked it before */
export function originsFor(apiUrl: string | null): Origins {
  if (apiUrl === null) return GOOGLE;
  const { origin } = new URL(apiUrl);
  return Object.fromEntries(Object.keys(GOOGLE).map((name) => [name, origin])) as Origins;
}

/**
 * Whether to ask `origin` for compressed answers. Over a WAN compression reduces a page of mail to
 * a third. On the loopback compressing and inflating only cost CPU.
 */
export function wantsGzip(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  const loopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return !(protocol === 'http:' && loopback);
}
