import type { FetchPrices } from '@syncline/google';
import type { ListedThread, PendingItem } from '@syncline/store';

/*
 * Which of the wanted messages are fetched with their whole thread. Pure.
 *
 * threads.get brings every message of a thread for the price of two (by today's lists), so it wins from three wanted ones up. What
 * else is in the thread is paid with bytes only, and thrown away. Mail stays newest first, roughly: a thread comes when its newest
 * wanted message does, and its older messages come with it.
 */
export interface FetchPlan {
  /** The items whose turn it is, in order: each is in `messages` or in one thread. */
  items: PendingItem[];
  messages: string[];
  threads: PlannedThread[];
}

export interface PlannedThread {
  id: string;
  /** Its messages on the full sync's list: what the answer brings into memory. */
  size: number;
  /** What is wanted of it; some of it before its turn. */
  pending: string[];
}

/**
 * A longer thread is fetched message by message. Google's own threads end near a hundred messages, but imported ones do not, and
 * an answer of a thousand mails would not fit the bounds on a body (80 MB) or a page.
 */
export const THREAD_LIMIT = 100;
/** Messages that a page brings at most, unless its first thread alone brings more: bounds memory and the commit. */
export const PAGE_LIMIT = 120;

/**
 * @param items in the order of the full sync;
 * @param threads what the list knows of their threads
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

/** An item that was asked for before is asked for by itself: its thread may be what does not work, or may not show it. */
function threadOf(
  item: PendingItem,
  worthwhile: ReadonlyMap<string, ListedThread>,
): ListedThread | null {
  const thread =
    item.threadId === null || item.attempts > 0 ? undefined : worthwhile.get(item.threadId);
  return thread?.pending.includes(item.id) ? thread : null;
}
