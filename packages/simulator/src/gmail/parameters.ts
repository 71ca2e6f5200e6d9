import type { Asked } from '../sim.js';
import { badRequest } from '../http/errors.js';
import type { Reply } from '../http/reply.js';

/**
 * Returns a list's page size: the default if absent, at most Google's maximum and this world's;
 * null (400) for a value that is not a positive number.
 */
export function pageSize(asked: Asked, fallback: number, maximum: number): number | null {
  const text = asked.query.get('maxResults');
  const largest = Math.min(maximum, asked.sim.settings.largestPage);
  if (text === null) return Math.min(fallback, largest);
  if (!/^\d{1,10}$/.test(text)) return null;
  return Math.min(Math.max(1, Number(text)), largest);
}

export function badPageSize(asked: Asked): Reply {
  return badRequest(
    asked.method.api,
    `Invalid value for maxResults: ${asked.query.get('maxResults') ?? ''}`,
    'maxResults',
  );
}

/** Whether a parameter is `true`, in upper or lower case. */
export function flag(asked: Asked, name: string): boolean {
  return (asked.query.get(name) ?? '').toLowerCase() === 'true';
}

/**
 * Whether this has the form of a message or thread id, up to sixteen hexadecimal digits. Other
 * values are malformed and not only unknown.
 */
export function isMessageId(id: string): boolean {
  return /^[0-9a-f]{1,16}$/.test(id);
}

/**
 * Google may return a short page, or an empty one with a token; this option makes every page so.
 */
export function pageLength(asked: Asked, size: number): number {
  return asked.sim.settings.shortGmailPages ? asked.sim.traffic.below(size + 1) : size;
}
