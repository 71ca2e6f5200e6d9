import type { FetchPrices } from '@syncline/google';
import type { Store } from '@syncline/store';

type Items = Store['items'];
/** An item of a full sync's list that is to be fetched. */
export type PendingItem = Awaited<ReturnType<Items['nextPending']>>[number];
/** The part of a thread that is on the list. */
export type ListedThread = Awaited<ReturnType<Items['threads']>>[number];

/*
 * Decides which of the wanted messages are fetched with their whole thread. Pure.
 *
 * threads.get returns every message of a thread for the price of two (by Google's current prices),
 * so it is cheaper from three wanted messages on. Unwanted messages of the thread cost bytes only,
 * and are discarded. Mail stays newest first, approximately: a thread is fetched when its newest
 * wanted message is due, and its older messages come with it.
 */
export interface FetchPlan {
  /** The items of the page, in order: each is in `messages` or in one thread. */
  items: PendingItem[];
  messages: string[];
  threads: PlannedThread[];
}

export interface PlannedThread {
  id: string;
  /** Number of its messages on the full sync's list: the size of the response in memory. */
  size: number;
  /** Its wanted messages; some of them come before their place on the list. */
  pending: string[];
}

/**
 * A longer thread is fetched message by message. Google's own threads end near a hundred messages,
 * but imported ones do not, and a response with a thousand messages would exceed the bounds on a
 * body (80 MB) or a page.
 */
export const THREAD_LIMIT = 100;
/**
 * The maximum number of messages of a page, unless its first thread alone has more: bounds memory
 * and the commit.
 */
export const PAGE_LIMIT = 120;

/**
 * @param items in the order of the full sync
 * @param threads the threads of the items on the list
 */
export function planFetch(
  items: readonly PendingItem[],
  threads: readonly ListedThread[],
  prices: FetchPrices,
): FetchPlan {
  const plan: FetchPlan = { items: [], messages: [], threads: [] };
  const worthwhile = new Map(
    threads
      .filter((thread) => isCheaper(thread, prices))
      .map((thread) => [thread.threadId, thread]),
  );
  const covered = new Set<string>();
  let expected = 0;
  for (const item of items) {
    if (!covered.has(item.id)) {
      const thread = threadOf(item, worthwhile);
      expected += thread?.size ?? 1;
      if (expected > PAGE_LIMIT && plan.items.length > 0) break;
      if (thread)
        plan.threads.push({ id: thread.threadId, size: thread.size, pending: thread.pending });
      else plan.messages.push(item.id);
      for (const id of thread?.pending ?? [item.id]) covered.add(id);
    }
    plan.items.push(item);
  }
  return plan;
}

function isCheaper(thread: ListedThread, prices: FetchPrices): boolean {
  return thread.size <= THREAD_LIMIT && prices.thread < thread.pending.length * prices.message;
}

/**
 * Returns the thread by which an item is fetched. An item that was requested before is requested
 * individually: its thread may be the cause of the failure, or may not name it.
 */
function threadOf(
  item: PendingItem,
  worthwhile: ReadonlyMap<string, ListedThread>,
): ListedThread | null {
  const thread =
    item.threadId === null || item.attempts > 0 ? undefined : worthwhile.get(item.threadId);
  return thread?.pending.includes(item.id) ? thread : null;
}
