import type { Runtime } from '@syncline/runtime';
import type { Feed, FeedEnd, FeedPlace } from '@syncline/store';
import type { FeedHints } from './feed-hints.js';

/** Tells the readers of feeds when there is something to read. One is shared by a process. */
export interface FeedWatch {
  /**
   * Resolves when the feed has moved beyond a position, when it may have, when the time is over, or
   * when the signal is aborted.
   * @returns false when the time is over
   */
  moved(
    accountId: string,
    from: FeedEnd,
    o: { withinMs: number; signal: AbortSignal },
  ): Promise<boolean>;
}

interface Waiter {
  from: FeedPlace;
  wake: () => void;
}

/** A change is seen after this time at the latest. */
const POLL_EVERY_MS = 1_000;
/** Hints that come within this time are followed by one read. */
const HINTS_WITHIN_MS = 10;
/** Accounts of which a recent hint is remembered, for a reader that comes after it. */
const RECENT_LIMIT = 10_000;

/**
 * While somebody waits, one statement a second compares all places that are waited for with the
 * ends of their feeds: a read of one indexed row for each place, whatever the number of its readers.
 * Nothing is read while nobody waits. A hint about an account brings its read forward.
 *
 * Rejected: LISTEN, which poolers do not carry (decision 0013), and a query of each reader.
 */
export function openFeedWatch(
  rt: Pick<Runtime, 'clock'>,
  { store, hints }: { store: { feed: Pick<Feed, 'moved'> }; hints: FeedHints },
): FeedWatch {
  const waiters = new Set<Waiter>();
  const hinted = openHinted(rt, hints, (ids) =>
    read([...waiters].filter((one) => ids.has(one.from.accountId))),
  );
  const read = async (asked: readonly Waiter[]): Promise<void> => {
    const places = new Map(asked.map(({ from }) => [keyOf(from), from]));
    if (places.size === 0) return;
    // Without an answer everybody reads, and meets the error themselves.
    const found = await store.feed.moved([...places.values()]).catch(() => null);
    const moved = new Set([...places.keys()].filter((_, n) => found === null || found.has(n)));
    for (const { from, wake } of asked) if (moved.has(keyOf(from))) wake();
  };
  let isPolling = false;
  const poll = async (): Promise<void> => {
    isPolling = true;
    while (waiters.size > 0) {
      await rt.clock.sleep(POLL_EVERY_MS);
      await read([...waiters]);
    }
    isPolling = false;
  };
  return {
    moved: (accountId, from, { withinMs, signal }) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve(true);
        const end = (isMoved: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          waiters.delete(waiter);
          resolve(isMoved);
        };
        const wake = (): void => end(true);
        const timer = setTimeout(() => end(false), withinMs);
        const waiter = { from: { accountId, ...from }, wake };
        signal.addEventListener('abort', wake, { once: true });
        waiters.add(waiter);
        if (!isPolling) void poll();
        hinted.expect(accountId);
      }),
  };
}

/** Collects hints for a moment, and reads the accounts that they name. */
function openHinted(
  rt: Pick<Runtime, 'clock'>,
  hints: FeedHints,
  read: (accountIds: ReadonlySet<string>) => Promise<void>,
): { expect(accountId: string): void } {
  const recentMs = new Map<string, number>();
  let collected = new Set<string>();
  const collect = (accountId: string): void => {
    collected.add(accountId);
    if (collected.size > 1) return;
    setTimeout(() => {
      const ids = collected;
      collected = new Set();
      void read(ids);
    }, HINTS_WITHIN_MS);
  };
  hints.listen({
    changed: (accountId) => {
      if (recentMs.size >= RECENT_LIMIT) recentMs.clear();
      recentMs.set(accountId, rt.clock.nowMs());
      collect(accountId);
    },
  });
  return {
    // The hint may have come between the reader's last read and now.
    expect: (accountId) => {
      const sinceMs = rt.clock.nowMs() - (recentMs.get(accountId) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs < POLL_EVERY_MS) collect(accountId);
    },
  };
}

function keyOf({ accountId, epoch, seq }: FeedPlace): string {
  return `${accountId} ${epoch} ${seq}`;
}
