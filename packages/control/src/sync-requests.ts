/** Requests a sync, and waits until it is done (`@syncline/control/sync-requests`). */
import type { Runtime } from '@syncline/runtime';
import {
  resourceOf,
  type AccountView,
  type NamedAccount,
  type Resource,
  type Schedule,
} from '@syncline/store';

/** A collection that is not caught up. */
export type BehindCollection = Awaited<ReturnType<Schedule['behindSince']>>[number];

export type SyncRequested =
  /** @property requestedAt ISO 8601, by the database's clock */
  | { kind: 'requested'; requestedAt: string }
  /** Only active accounts are synced. */
  | { kind: 'not-active'; state: AccountView['state']; reason: string | null };

/** Requests a sync. The scheduler reads the request within a second. */
export async function requestSync(
  { store }: { store: { schedule: Pick<Schedule, 'requestSync'> } },
  account: NamedAccount,
  options: { resource?: Resource | undefined; full?: boolean } = {},
): Promise<SyncRequested> {
  const { id, state, reason } = account;
  if (state !== 'active') return { kind: 'not-active', state, reason };
  const { resource, full = false } = options;
  const requestedAt = await store.schedule.requestSync([id], { resource, full });
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
 * @param input `accounts`: null means every account; `pollMs`: the delay between queries of the
 * database
 * @param onProgress called and awaited after each query
 * @returns the collections that were not caught up at the timeout
 */
export async function waitUntilCaughtUp(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  { store }: { store: { schedule: Pick<Schedule, 'requestSync' | 'behindSince'> } },
  input: {
    accounts: readonly Pick<NamedAccount, 'id'>[] | null;
    timeoutMs: number;
    pollMs?: number;
  },
  onProgress: (progress: WaitProgress) => void | Promise<void> = () => undefined,
): Promise<BehindCollection[]> {
  const ids = input.accounts && input.accounts.map(({ id }) => id);
  const deadlineMs = rt.clock.nowMs() + input.timeoutMs;
  const since = await store.schedule.requestSync(ids);
  for (let total = 0; ;) {
    const waiting = await store.schedule.behindSince(ids, since);
    total = Math.max(total, waiting.length);
    await onProgress({ waiting, total });
    if (waiting.length === 0 || rt.clock.nowMs() >= deadlineMs) return waiting;
    await rt.clock.sleep(input.pollMs ?? POLL_MS, rt.signal);
  }
}

interface SyncOptions {
  /** Empty: every resource of the account. */
  resources: readonly Resource[];
  full: boolean;
  /** 0: the sync is requested only. */
  waitMs: number;
}

/** The state of a requested sync. */
interface SyncAnswer {
  kind: 'requested';
  requestedAt: string;
  /** The collections that are not caught up. */
  behind: BehindCollection[];
}

/**
 * Requests a sync of one account, and waits until the collections of those resources are caught up.
 * Ends early when the process drains.
 */
export async function syncAndWait(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  { store }: { store: { schedule: Pick<Schedule, 'requestSync' | 'behindSince'> } },
  account: NamedAccount,
  { resources, full, waitMs }: SyncOptions,
): Promise<SyncAnswer | Extract<SyncRequested, { kind: 'not-active' }>> {
  const { id, state, reason } = account;
  if (state !== 'active') return { kind: 'not-active', state, reason };
  const deadlineMs = rt.clock.nowMs() + waitMs;
  const [first, ...others] = resources;
  const since = await store.schedule.requestSync([id], { resource: first, full });
  for (const resource of others) await store.schedule.requestSync([id], { resource, full });
  for (;;) {
    const all = await store.schedule.behindSince([id], since);
    const behind = all.filter(
      ({ kind }) => resources.length === 0 || resources.includes(resourceOf(kind)),
    );
    if (behind.length === 0 || rt.clock.nowMs() >= deadlineMs || rt.signal.aborted)
      return { kind: 'requested', requestedAt: isoTime(since), behind };
    await rt.clock.sleep(POLL_MS, rt.signal).catch(() => undefined);
  }
}

/**
 * Converts a time of Postgres, which has a space for the T and a shortened zone, to ISO 8601. The
 * zone is UTC in every session of ours.
 */
function isoTime(postgresTime: string): string {
  return postgresTime.replace(' ', 'T').replace(/\+00$/, 'Z');
}
