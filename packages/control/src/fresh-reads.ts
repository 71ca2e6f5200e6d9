/**
 * Reads that want rows of a certain age: they request a sync where it is needed, and wait for it
 * (`@syncline/control/fresh-reads`). Any number of readers that wait for the same collections cost
 * one request and one query of the database at a time.
 */
import type { Runtime } from '@syncline/runtime';
import type {
  AccountView,
  CollectionsRead,
  FreshState,
  FreshSchedule,
  NamedAccount,
  RequestedCollection,
} from '@syncline/store';

/** Why rows are older than a reader asked for. */
export type StaleReason =
  | Exclude<AccountView['state'], 'active'>
  /** The account has no such collection. */
  | 'not-mirrored'
  /** A collection waits for a person, or for long. */
  | 'parked'
  /** The next try after an error is later than the reader waits. */
  | 'failing'
  /** A full sync has not ended in time. */
  | 'full-sync'
  | 'wait-over';

export interface FreshResult {
  /** Whether every collection was caught up at the time that the reader asked for. */
  isFresh: boolean;
  /** Null when it is fresh. */
  why: StaleReason | null;
  state: FreshState;
}

interface FreshAsked {
  /** How old the rows may be when the request comes. */
  withinMs: number;
  /** How long the reader waits. */
  waitMs: number;
}

type Account = Pick<NamedAccount, 'id'>;

export interface FreshReads {
  /** Returns how fresh the collections are now; null when the account does not exist. */
  state(account: Account, of: CollectionsRead): Promise<FreshState | null>;
  /**
   * Waits until the collections are fresh, or cannot become it in time. What is read afterwards is
   * at least as fresh as the result.
   * @param signal ends the wait
   * @returns null when the account does not exist
   */
  ensure(
    account: Account,
    of: CollectionsRead,
    asked: FreshAsked,
    signal: AbortSignal,
  ): Promise<FreshResult | null>;
}

/** The delay between queries of the database while somebody waits. */
const POLL_MS = 100;

/** @param hint enqueues the syncs that were just requested; the schedule covers a lost hint */
export function openFreshReads(
  rt: Pick<Runtime, 'clock'>,
  { store }: { store: { fresh: FreshSchedule } },
  hint: (requested: readonly RequestedCollection[]) => void,
): FreshReads {
  const state = ({ id }: Account, of: CollectionsRead): Promise<FreshState | null> =>
    store.fresh.state(id, of);
  const polls = openSharing<FreshState | null>();
  const requests = openSharing<void>();
  const poll = (account: Account, of: CollectionsRead): Promise<FreshState | null> =>
    polls(keyOf(account, of), () => rt.clock.sleep(POLL_MS).then(() => state(account, of)));
  const request = ({ id }: Account, of: CollectionsRead, stale: string[]): Promise<void> =>
    requests(keyOf({ id }, of), async () => hint(await store.fresh.request(id, stale)));
  return {
    state,
    ensure: async (account, of, { withinMs, waitMs }, signal) => {
      let seen = await state(account, of);
      if (seen === null) return null;
      const sinceMs = seen.atMs - withinMs;
      const untilMs = seen.atMs + waitMs;
      for (;;) {
        const judged = judge(seen, { sinceMs, leftMs: signal.aborted ? 0 : untilMs - seen.atMs });
        if (judged.kind === 'known') return { ...judged.result, state: seen };
        if (judged.toRequest.length > 0) await request(account, of, judged.toRequest);
        const next = await poll(account, of);
        if (next === null) return null;
        seen = next;
      }
    },
  };
}

type Judged =
  | { kind: 'known'; result: Pick<FreshResult, 'isFresh' | 'why'> }
  /** @property toRequest the collections whose sync is to be requested */
  | { kind: 'wait'; toRequest: string[] };

/**
 * Decides what a reader does in a state of the collections. Pure.
 * @param o `sinceMs`: the collections have to be caught up by a run that began then or later;
 * `leftMs`: how long the reader still waits
 */
export function judge(
  { accountState, collections }: FreshState,
  { sinceMs, leftMs }: { sinceMs: number; leftMs: number },
): Judged {
  const stale = collections.filter(({ caughtUpMs }) => caughtUpMs === null || caughtUpMs < sinceMs);
  const because = (why: StaleReason): Judged => ({
    kind: 'known',
    result: { isFresh: false, why },
  });
  if (collections.length === 0)
    return because(accountState === 'active' ? 'not-mirrored' : accountState);
  if (stale.length === 0) return { kind: 'known', result: { isFresh: true, why: null } };
  if (accountState !== 'active') return because(accountState);
  if (stale.some(({ isParked }) => isParked)) return because('parked');
  if (stale.some(({ failures, nextSyncInMs }) => failures > 0 && nextSyncInMs > leftMs))
    return because('failing');
  if (leftMs <= 0)
    return because(stale.some(({ phase }) => phase !== 'incremental') ? 'full-sync' : 'wait-over');
  const toRequest = stale.filter(
    ({ isRequested, failures, runningSinceMs }) =>
      // A run that is in progress may have begun too early; a run after a request begins later.
      !isRequested && failures === 0 && (runningSinceMs === null || runningSinceMs < sinceMs),
  );
  return { kind: 'wait', toRequest: toRequest.map(({ id }) => id) };
}

function keyOf({ id }: Account, { kinds, externalIds }: CollectionsRead): string {
  return JSON.stringify([id, kinds, externalIds]);
}

/** Callers with the same key share what is in progress. It is forgotten when it has ended. */
function openSharing<T>(): (key: string, begin: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (key, begin) => {
    const known = running.get(key);
    if (known !== undefined) return known;
    const begun = begin().finally(() => running.delete(key));
    running.set(key, begun);
    return begun;
  };
}
