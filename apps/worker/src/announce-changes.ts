import type { FeedHints } from '@syncline/fleet';
import type { Store } from '@syncline/store';

/** A store whose pages with events send a hint, so that readers of the feed need not wait. */
export function announceChanges(store: Store, hints: Pick<FeedHints, 'changed'>): Store {
  return {
    ...store,
    leases: {
      ...store.leases,
      commitPage: async (lease, commit) => {
        const committed = await store.leases.commitPage(lease, commit);
        const { created, updated, deleted } = committed;
        if (created + updated + deleted > 0) hints.changed(lease.accountId);
        return committed;
      },
    },
  };
}
