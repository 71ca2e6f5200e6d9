/** Requests a sync, and waits until it is done (`@syncline/control/sync-requests`). */
import type { Runtime } from '@syncline/runtime';
import type {
  AccountState,
  NamedAccount,
  Resource,
  Store,
  BehindCollection,
} from '@syncline/store';

type Collections = Store['collections'];

export type SyncRequested =
  /** @property requestedAt ISO 8601, by the database's clock */
  | { kind: 'requested'; requestedAt: string }
  /** Only active accounts are synced. */
  | { kind: 'not-active'; state: AccountState; reason: string | null };

/** Requests a sync. The scheduler reads the request within a second. */
export async function requestSync(
  { store }: { store: { collections: Pick<Collections, 'requestSync'> } },
  account: NamedAccount,
  options: { resource?: Resource | undefined; full?: boolean } = {},
): Promise<SyncRequested> {
  const { id, state, reason } = account;
  if (state !== 'active') return { kind: 'not-active', state, reason };
  const { resource, full = false } = options;
  const requestedAt = await store.collections.requestSync([id], { resource, full });
  return { kind: 'requested', requestedAt: isoTime(requestedAt) };
}

const POLL_MS = 200;

/** The progress of a wait. */
export interface WaitProgress {
  /** Collections that have not been synced since the call. */
  waiting: readonly BehindCollection[];
  /** The largest number of collections that the wait has included. */
  total: number;
}

/**
 * Requests a sync and waits until every collection is caught up by a run that began after this
 * call. The time is taken from the database's clock together with the request, so a run that is
 * already in progress does not count.
 * @param input `accounts`: null means every account
 * @param tell called after each query of the database
 * @returns the collections that were not caught up at the timeout
 */
export async function waitUntilCaughtUp(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  { store }: { store: { collections: Pick<Collections, 'requestSync' | 'behindSince'> } },
  input: { accounts: readonly Pick<NamedAccount, 'id'>[] | null; timeoutMs: number },
  tell: (progress: WaitProgress) => void = () => undefined,
): Promise<BehindCollection[]> {
  const ids = input.accounts && input.accounts.map(({ id }) => id);
  const deadlineMs = rt.clock.nowMs() + input.timeoutMs;
  const since = await store.collections.requestSync(ids);
  for (let total = 0; ;) {
    const waiting = await store.collections.behindSince(ids, since);
    total = Math.max(total, waiting.length);
    tell({ waiting, total });
    if (waiting.length === 0 || rt.clock.nowMs() >= deadlineMs) return waiting;
    await rt.clock.sleep(POLL_MS, rt.signal);
  }
}

/**
 * Converts a time of Postgres, which has a space for the T and a shortened zone, to ISO 8601. The
 * zone is UTC in every session of ours.
 */
function isoTime(postgresTime: string): string {
  return postgresTime.replace(' ', 'T').replace(/\+00$/, 'Z');
}
