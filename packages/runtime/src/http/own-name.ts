/**
 * A web page can make its own host name resolve to 127.0.0.1 and thus read a listener on loopback
 * through the browser of a visitor. Such a request names the page's host. The header is only used
 * to refuse requests, never to allow them: pages that are not public are on a listener that the
 * public cannot reach.
 */
import { isIP } from 'node:net';
import { isLoopback } from '../insecure.js';

/** The response of a listener on loopback to a request whose host is not a loopback name. */
export const FOREIGN_NAME = {
  status: 421,
  text: 'This listener serves its own machine: use http://127.0.0.1 or http://localhost.\n',
} as const;

/**
 * Whether a `Host` header names loopback: `127.0.0.1:3001`, `localhost`, `[::1]`,
 * `[::ffff:127.0.0.1]`.
 */
export function isLoopbackName(host: string): boolean {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(host) ?? [];
  if (address !== undefined) return isIP(address) === 6 && isLoopback(address);
  return name !== undefined && isLoopback(name);
}
