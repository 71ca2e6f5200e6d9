/**
 * A web page can have its own name resolve to 127.0.0.1 and so read a listener on loopback through the browser of whoever opens it. Such a request
 * names the page's host. The header is used to refuse, never to let in: what is not for the public is on a listener that the public does not reach.
 */
import { isIP } from 'node:net';
import { isLoopback } from '../insecure.js';

/** What a listener on loopback answers to a request under a name other than loopback's. */
export const FOREIGN_NAME = {
  status: 421,
  text: 'This listener serves its own machine: use http://127.0.0.1 or http://localhost.\n',
} as const;

/** Whether a `Host` header names this machine by loopback: `127.0.0.1:3001`, `localhost`, `[::1]`, `[::ffff:127.0.0.1]`. */
export function isLoopbackName(host: string): boolean {
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/.exec(host) ?? [];
  if (address !== undefined) return isIP(address) === 6 && isLoopback(address);
  return name !== undefined && isLoopback(name);
}
