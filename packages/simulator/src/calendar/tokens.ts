/** Calendar's tokens. */
import { seal, unseal } from '../sealed.js';

/** `scope` is the calendar id, or `list:<key of the person>` for a calendar list. */
export interface SyncToken {
  scope: string;
  revision: number;
  issuedMs: number;
}

export interface PageToken {
  scope: string;
  /** The whole query, so that the token alone is enough for the next page. */
  query: string;
  /** The last number, revision or offset that was returned. */
  after: number;
  /** The revision of the first page, which the sync token at the end will have. */
  revision: number;
}

export function writeSyncToken(token: SyncToken): string {
  return seal('s', [token.scope, token.revision, token.issuedMs]);
}

/** Returns null for a malformed token. */
export function readSyncToken(text: string): SyncToken | null {
  const fields = unseal('s', text);
  if (fields === null) return null;
  const [scope, revision, issuedMs] = fields as [string, number, number];
  return { scope, revision, issuedMs };
}

export function writePageToken(token: PageToken): string {
  return seal('p', [token.scope, token.query, token.after, token.revision]);
}

/** Returns null for a malformed token. */
export function readPageToken(text: string): PageToken | null {
  const fields = unseal('p', text);
  if (fields === null) return null;
  const [scope, query, after, revision] = fields as [string, string, number, number];
  return { scope, query, after, revision };
}

/**
 * Returns the position at which a list continues; null on its first page, `invalid` for a token of
 * another list.
 */
export function requestedPage(query: URLSearchParams, scope: string): PageToken | 'invalid' | null {
  const token = query.get('pageToken') ?? '';
  if (token === '') return null;
  const page = readPageToken(token);
  return page?.scope === scope ? page : 'invalid';
}
