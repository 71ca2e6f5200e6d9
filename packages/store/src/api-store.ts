/** The store of an API process: what it reads for clients goes through a pool of its own. */
import { OperatorError, type Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { accountEventsIn } from './account-events.js';
import { accountLookupIn } from './account-lookup.js';
import { viewsBySql } from './account-views.js';
import { accountReadsIn } from './accounts.js';
import { feedIn } from './feed.js';
import { mirrorIn, readsIn } from './mirrors/index.js';
import { operationsIn } from './operations.js';
import { quarantineIn } from './quarantine.js';
import { spentToday, spentTodayOf } from './quota-ledger.js';
import type { Store } from './store.js';

/**
 * Returns the store with its reads for clients on the read pool. They work within a request only
 * (`withRowAccess`). Everything else stays on the pool of the process: notifications, writes, keys.
 */
export function readingBy(rt: Runtime, store: Store, readPool: pg.Pool): Store {
  const readViews = viewsBySql(readPool);
  const { list, pages } = accountReadsIn(readPool, readViews);
  const { position, changes, page: feedPage } = feedIn(rt, readPool);
  const { find, page: operationsPage } = operationsIn(readPool);
  return {
    ...store,
    mirror: mirrorIn(readPool),
    reads: readsIn(rt.clock, readPool),
    feed: { ...store.feed, position, changes, page: feedPage },
    accounts: { ...store.accounts, list, pages, ...accountLookupIn(readPool, readViews) },
    quarantine: { ...store.quarantine, page: quarantineIn(readPool).page },
    events: accountEventsIn(readPool),
    operations: { ...store.operations, find, page: operationsPage },
    quota: {
      ...store.quota,
      today: () => spentToday(readPool),
      todayOf: (accountId) => spentTodayOf(readPool, accountId),
    },
    unavailable: (error) =>
      isTooSlow(error) ? new OperatorError('A statement took too long.') : store.unavailable(error),
    close: async () => {
      await Promise.all([store.close(), readPool.end()]);
    },
  };
}

/** The time limit of a statement is over. */
function isTooSlow(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === '57014';
}
