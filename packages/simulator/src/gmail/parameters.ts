import type { Asked } from '../sim.js';
import { badRequest } from '../http/errors.js';
import type { Reply } from '../http/reply.js';

/** A list's page size: the default if absent, clamped to Google's maximum and to what this world hands out, null (400) for what is no positive number. */
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

/** `true` in any case; everything else is false. */
export function flag(asked: Asked, name: string): boolean {
  return (asked.query.get(name) ?? '').toLowerCase() === 'true';
}

/** Ids of messages and threads are up to sixteen hexadecimal digits; anything else is malformed rather than missing. */
export function isMessageId(id: string): boolean {
  return /^[0-9a-f]{1,16}$/.test(id);
}

/** Google may cut a page short, or send an empty one with a token; the option makes it do so all the time. */
export function pageLength(asked: Asked, size: number): number {
  return asked.sim.settings.shortGmailPages ? asked.sim.traffic.below(size + 1) : size;
}
