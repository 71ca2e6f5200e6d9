/** Incomplete full listings with status 200: empty, or with some items left out. */
import { createHash } from 'node:crypto';
import { jsonReply, type Format, type Reply } from './reply.js';

const LISTS = ['messages', 'items', 'labels', 'connections', 'otherContacts', 'contactGroups'];

/**
 * Leaves items out of a listing.
 * @param share the share of items that is left out, always the same ones; with 1 the listing is
 * empty and ends
 * @param nextPage returns the page for a token; used to find the sync token, which only the real
 * last page has
 */
export function withOmissions(
  reply: Reply,
  share: number,
  nextPage: (pageToken: string) => Reply,
  format: Format,
): Reply {
  if (reply.status !== 200) return reply;
  const page = JSON.parse(reply.body.toString()) as Record<string, unknown>;
  const name = LISTS.find((list) => Array.isArray(page[list]));
  if (name === undefined) return reply;
  const items = (page[name] as { id?: string; resourceName?: string }[]).filter(
    ({ id, resourceName }) => hashFraction(id ?? resourceName ?? '') >= share,
  );
  return jsonReply(
    { ...page, [name]: items, ...(share === 1 ? endingFields(page, nextPage) : {}) },
    { pretty: format.pretty, fields: null },
  );
}

/**
 * Returns the fields that end the listing: no next page, and the sync token of the real last page
 * if it has one.
 */
function endingFields(
  page: Record<string, unknown>,
  nextPage: (pageToken: string) => Reply,
): Record<string, unknown> {
  let last = page;
  while (typeof last['nextPageToken'] === 'string')
    last = JSON.parse(nextPage(last['nextPageToken']).body.toString()) as Record<string, unknown>;
  const { nextSyncToken } = last;
  return { nextPageToken: undefined, ...(nextSyncToken === undefined ? {} : { nextSyncToken }) };
}

/** Returns a number in [0, 1) that depends only on the id. */
function hashFraction(id: string): number {
  return createHash('sha256').update(id).digest().readUInt32BE() / 2 ** 32;
}
