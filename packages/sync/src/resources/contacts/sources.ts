import { GoogleError } from '@syncline/google';
import type { SourcePage, SyncTokenSource } from '../sync-token/source.js';
import {
  CONNECTIONS_LIST,
  CONTACT_GROUPS_LIST,
  OTHER_CONTACTS_LIST,
  type ContactList,
} from './lists.js';

const DAY_MS = 24 * 60 * 60_000;
/**
 * "Sync tokens expire 7 days after the full sync" (people.connections.list), those of incremental
 * listings too. A new full sync on the sixth day leaves a day for errors, and its jitter spreads
 * accounts that were connected together.
 */
const RENEWED_AFTER_MS = 5 * DAY_MS;
const RENEWAL_SPREAD_MS = DAY_MS - 60 * 60_000;

/**
 * "The first page of a full sync request has an additional quota. If the quota is exceeded, a 429
 * error will be returned. This quota is fixed and can not be increased" (people.connections.list).
 * Google names neither its size nor a time, so such a full sync begins again after a minute or two.
 */
const FULL_SYNC_RETRY_MS = 60_000;

/** The user's contacts (scope contacts.readonly). */
export const CONNECTIONS_SOURCE = sourceOf(CONNECTIONS_LIST);
/** Other contacts (scope contacts.other.readonly). */
export const OTHER_CONTACTS_SOURCE = sourceOf(OTHER_CONTACTS_LIST);
/** Contact groups (scope contacts.readonly). */
export const CONTACT_GROUPS_SOURCE = sourceOf(CONTACT_GROUPS_LIST);

function sourceOf(list: ContactList): SyncTokenSource {
  return {
    method: list.method,
    read: async ({ google, rt }, { syncToken, pageToken }): Promise<SourcePage> => {
      const page = await list.read(google, { syncToken, pageToken }).catch((error: unknown) => {
        const beginsFullSync = syncToken === null && pageToken === null;
        throw beginsFullSync ? retriedLater(error, rt.random.next()) : error;
      });
      const { meaning, nameless, nextPageToken, nextSyncToken } = page;
      return { ...meaning, nameless, nextPageToken, nextSyncToken };
    },
    nextRelistAtMs: ({ begunAtMs, jitter }) =>
      Math.round(begunAtMs + RENEWED_AFTER_MS + RENEWAL_SPREAD_MS * jitter),
  };
}

function retriedLater(error: unknown, jitter: number): unknown {
  if (!(error instanceof GoogleError)) return error;
  const { detail, method } = error;
  if (detail.kind !== 'rate-limited' || detail.source !== 'google') return error;
  const retryAfterMs = Math.max(detail.retryAfterMs, FULL_SYNC_RETRY_MS * (1 + jitter));
  return new GoogleError(method, { ...detail, retryAfterMs }, { cause: error });
}
