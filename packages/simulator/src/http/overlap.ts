/**
 * Overlapping pages: the last items of a page are repeated at the beginning of the next one, as
 * when a list changes during the listing.
 */
import { jsonReply, type Format, type Reply } from './reply.js';

const LISTS = [
  'messages',
  'threads',
  'drafts',
  'history',
  'items',
  'connections',
  'otherContacts',
  'contactGroups',
];
const REPEATED = 3;
/** The largest number of lists whose ends are stored. */
const KEPT = 10_000;

export class PageOverlap {
  private readonly tails = new Map<string, unknown[]>();

  /**
   * Stores the end of the page under the list's key; with `repeat`, puts the end of the previous
   * page in front.
   */
  answer(key: string, reply: Reply, repeat: boolean, format: Format): Reply {
    if (reply.status !== 200) return reply;
    const page = JSON.parse(reply.body.toString()) as Record<string, unknown>;
    const name = LISTS.find((list) => Array.isArray(page[list]));
    if (name === undefined) return reply;
    const items = page[name] as unknown[];
    const before = this.tails.get(key) ?? [];
    if (this.tails.size >= KEPT) this.tails.clear();
    this.tails.set(key, items.slice(-REPEATED));
    return repeat && before.length > 0
      ? jsonReply(
          { ...page, [name]: [...before, ...items] },
          { pretty: format.pretty, fields: null },
        )
      : reply;
  }
}
