/**
 * Plaintext beyond this machine. It is refused, unless SYNCLINE_ALLOW_INSECURE names its kind; each start says which kinds are allowed. What turns
 * off the check of certificates or of the master key is never allowed.
 */
import { unreachable } from './assert.js';
import type { Values } from './variables.js';

/** What may be allowed, one by one. */
export const INSECURE_KINDS = ['postgres', 'redis', 'google-url'] as const;
export type InsecureKind = (typeof INSECURE_KINDS)[number];

/** Every kind that is in use and not allowed, as a sentence by variable name. */
export function problemsOfPlaintext(values: Values): string[] {
  return INSECURE_KINDS.filter((kind) => !values.SYNCLINE_ALLOW_INSECURE.includes(kind)).flatMap(
    (kind) => problemOf(kind, values) ?? [],
  );
}

/** What an allowed kind means, for the log line of each start. */
export function insecureInWords(kind: InsecureKind): string {
  switch (kind) {
    case 'postgres':
      return 'Postgres may be reached in plaintext';
    case 'redis':
      return 'Redis may be reached in plaintext';
    case 'google-url':
      return 'GOOGLE_API_URL may be plain http: tokens and mail are readable on the way';
    default:
      return unreachable(kind);
  }
}

/** Whether a URL's hostname is this machine, whatever a resolver says. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function problemOf(kind: InsecureKind, values: Values): string | null {
  switch (kind) {
    case 'postgres':
    case 'redis':
      return null;
    case 'google-url':
      return isPlaintext(values.GOOGLE_API_URL)
        ? 'GOOGLE_API_URL must be https beyond loopback, as tokens and mail pass there; SYNCLINE_ALLOW_INSECURE=google-url allows plain http'
        : null;
    default:
      return unreachable(kind);
  }
}

function isPlaintext(url: string | undefined): boolean {
  if (url === undefined) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(hostname);
}
