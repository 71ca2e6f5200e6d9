/**
 * Cursors of lists: base64url of a version, a position and a hash of the query. A cursor holds no
 * state of the server and does not expire. It is refused for any other list or filter.
 */
import { createHash } from 'node:crypto';

const VERSION = 1;
/** Longest cursor; positions are keys of rows, and an id of Google's may have 1,280 bytes. */
export const CURSOR_LIMIT = 4_096;
/** Parameters that may differ between two pages of a list. */
const NOT_OF_THE_QUERY = new Set(['cursor', 'limit', 'freshWithin', 'wait', 'onStale']);

/** A list: its route and what selects its rows. */
interface CursorList {
  route: string;
  params: Readonly<Record<string, unknown>>;
  query: Readonly<Record<string, unknown>>;
}

/** @param position the key of the last row, in the order of the list */
export function encodeCursor(list: CursorList, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([VERSION, hashOf(list), ...position])).toString('base64url');
}

/** @returns null when the text is no cursor of this list */
export function decodeCursor(list: CursorList, text: string): string[] | null {
  if (text.length > CURSOR_LIMIT || !/^[A-Za-z0-9_-]+$/.test(text)) return null;
  const value = parsed(Buffer.from(text, 'base64url').toString('utf8'));
  if (!Array.isArray(value)) return null;
  const [version, hash, ...position] = value as unknown[];
  if (version !== VERSION || hash !== hashOf(list)) return null;
  return position.every((part) => typeof part === 'string') ? position : null;
}

function hashOf({ route, params, query }: CursorList): string {
  const selecting = Object.entries(query)
    .filter(([name, value]) => !NOT_OF_THE_QUERY.has(name) && value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([route, Object.entries(params).sort(), selecting]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 11);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
