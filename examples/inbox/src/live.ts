/** Tells open pages of an account that it has changed: one feed for all of them. */
import { SynclineProblem, type Client } from '@syncline/client';

type Listener = () => void;

interface Account {
  listeners: Set<Listener>;
  stopping: AbortController;
}

export interface Live {
  /** @returns a function that ends the subscription */
  subscribe(account: string, listener: Listener): () => void;
}

export function openLive(client: Client, onFailure: (error: unknown) => void): Live {
  const accounts = new Map<string, Account>();
  const start = (id: string): Account => {
    const account = { listeners: new Set<Listener>(), stopping: new AbortController() };
    accounts.set(id, account);
    tellChanges(client, id, account).catch((error: unknown) => {
      // Pages that are open stay as they are; the next one starts again.
      accounts.delete(id);
      onFailure(error);
    });
    return account;
  };
  return {
    subscribe(id, listener) {
      const account = accounts.get(id) ?? start(id);
      account.listeners.add(listener);
      return () => {
        account.listeners.delete(listener);
        if (account.listeners.size > 0) return;
        account.stopping.abort();
        if (accounts.get(id) === account) accounts.delete(id);
      };
    },
  };
}

async function tellChanges(client: Client, id: string, account: Account): Promise<void> {
  const { signal } = account.stopping;
  while (!signal.aborted) {
    const { feed } = await client.accounts.get(id, {}, { signal });
    try {
      for await (const _change of client.follow(id, { after: feed.seq, epoch: feed.epoch, signal }))
        for (const listener of account.listeners) listener();
    } catch (error) {
      // A new epoch: the pages are read again, and the feed from its present end.
      if (!(error instanceof SynclineProblem) || error.status !== 410) throw error;
      for (const listener of account.listeners) listener();
    }
  }
}
