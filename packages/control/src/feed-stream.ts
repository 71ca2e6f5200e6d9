/** Reads the change feed of an account page by page, and waits for more (`@syncline/control/feed-stream`). */
import type { ChangeEvent, Feed, NamedAccount } from '@syncline/store';
import { checkPosition, type FeedPosition, type FeedReader } from './feed.js';
import type { FeedPage, FeedRefusal, FeedSource } from './feed-reader.js';
import type { FeedWatch } from './feed-watch.js';

export {
  awaitFeedPage,
  streamFeed,
  type FeedPage,
  type FeedPart,
  type FeedSource,
} from './feed-reader.js';
export { openFeedWatch } from './feed-watch.js';
export type { FeedHints } from './feed-hints.js';
export {
  openFeedTail,
  parsePlace,
  placeText,
  tenantFeed,
  type TenantEvent,
  type TenantReader,
} from './tenant-feed.js';

/** Events of an account's feed, with the feed's position in the same state of the database. */
export interface AccountPage extends FeedPage<ChangeEvent, FeedReader> {
  feed: FeedPosition;
}

interface Deps {
  store: { feed: Pick<Feed, 'page'> };
  watch: FeedWatch;
}

/** The feed of one account. */
export function accountFeed(
  deps: Deps,
  { id }: Pick<NamedAccount, 'id'>,
): FeedSource<AccountPage, FeedReader> {
  return {
    read: (from, limit) => readPage(deps, id, from, limit),
    moved: async (from, o) => ({
      isMoved: await deps.watch.moved(id, { epoch: from.epoch ?? 0, seq: from.after }, o),
      place: from,
    }),
  };
}

async function readPage(
  { store }: Deps,
  id: string,
  reader: FeedReader,
  limit: number,
): Promise<AccountPage | FeedRefusal> {
  const page = await store.feed.page(id, reader.after, limit);
  if (page === null) return { kind: 'gone' };
  const { position: feed, events } = page;
  const { kind } = checkPosition(reader, feed);
  if (kind === 'pruned') return { kind };
  if (kind !== 'applied') return { kind: 'epoch-changed' };
  const begin = reader.after > feed.startSeq ? reader.after : feed.startSeq;
  const after = events.at(-1)?.seq ?? begin;
  return {
    kind: 'page',
    feed,
    events,
    next: { epoch: feed.epoch, after },
    isEnd: feed.seq <= after,
  };
}
