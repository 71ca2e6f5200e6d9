import type { Google, GoogleAccount } from '@syncline/google';
import { OperatorError, type Runtime } from '@syncline/runtime';
import {
  resourceOf,
  type LeaseHolder,
  type Resource,
  type Store,
  type AccountReads,
} from '@syncline/store';
import { verifiedAccount } from './identity/require-verified.js';
import { completePolicy, type MirrorPolicy } from './mirror-policy.js';
import { resourceModule } from './resources/index.js';
import type { Drift } from './resources/resource.js';

/**
 * The result of a comparison of the mirror with Google; the arrays have ids (events as
 * calendar/event).
 */
export interface VerifyReport extends Drift {
  resource: Resource;
  /** Items in quarantine; absent when there are none. */
  quarantined?: { id: string; reason: string; since: Date; nextTryAt: Date | null }[];
  /**
   * Full listings that lacked stored rows, which stay until another listing; absent when there are
   * none.
   */
  held?: Awaited<ReturnType<AccountReads['heldSweeps']>>;
}

export interface VerifyDeps {
  store: Store;
  google: Google;
  /** The scope of the mirror; what is absent is mirrored in full. */
  mirror?: Partial<MirrorPolicy>;
}

export interface VerifyOptions {
  /**
   * Of the mailbox, compares ids and labels by listing and the content of this many messages;
   * absent: the content of all.
   */
  sample?: number;
  /**
   * The time that the fleet gets to catch up before the second comparison; without a running fleet
   * the comparison is made all the same. Default: 20 s.
   */
  catchUpMs?: number;
  progress?: (checked: number) => void;
}

/** What the comparison of a resource needs. */
export interface Comparison {
  store: Store;
  account: GoogleAccount;
  accountId: string;
  policy: MirrorPolicy;
  options: VerifyOptions;
  /** Waits until the fleet has caught up, so that a second sync compares the same moment. */
  catchUp(): Promise<void>;
}

/**
 * The maximum time that a comparison waits for quota at once: it runs in a person's terminal, not
 * in a worker's slot.
 */
const MAX_QUOTA_WAIT_MS = 10 * 60_000;

/**
 * Google limits a mailbox's concurrent calls to some 25. The run that holds the mailbox's lease has
 * a batch of 20 in flight; with this many, a comparison beside it stays below the limit. The
 * comparison is not slower for it: a mailbox's quota allows 300 messages a minute.
 */
const MAX_PARTS = 4;

const CATCH_UP_MS = 20_000;
const CATCH_UP_POLL_MS = 250;

/**
 * Compares every field of the mirror with Google now. Differences are compared again after a sync
 * request was served, since a mailbox in use is always a poll behind; what differs twice is
 * reported. Costs 20 units a message, or 40 a thread where that is less, and 5 for every 500 ids
 * (with a sample: 5 for every 500 ids of each label, and 20 for each message of it); a calendar
 * costs a request for every 2,500 events.
 */
export async function verifyAccount(
  rt: Runtime,
  deps: VerifyDeps,
  accountId: string,
  resource: Resource,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { catchUpMs = CATCH_UP_MS } = options;
  const stop = new AbortController();
  const account = await verifiedAccount(rt, deps, accountId, {
    lane: 'bulk',
    signal: AbortSignal.any([rt.signal, stop.signal]),
    maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
    maxParts: MAX_PARTS,
  });
  const module = resourceModule(resource);
  const compare = (): Promise<Drift> =>
    module.compare(rt, {
      store: deps.store,
      account,
      accountId,
      policy: completePolicy(deps.mirror),
      options,
      catchUp: () => waitForFleet(rt, deps.store, accountId, { resource, catchUpMs }),
    });
  try {
    const drift = module.comparesAlone
      ? await alone(deps.store, accountId, stop, compare)
      : await compare();
    return await withHeld(deps.store, accountId, { resource, ...drift });
  } finally {
    await deps.store.quota.record(accountId, account.takeSpent());
  }
}

/** @throws ComparedElsewhere */
async function alone(
  store: Store,
  accountId: string,
  stop: AbortController,
  compare: () => Promise<Drift>,
): Promise<Drift> {
  const done = await store.alone(`verify ${accountId}`, ({ signal }) => {
    signal.addEventListener('abort', () => stop.abort(signal.reason), { once: true });
    return compare();
  });
  if (done.kind === 'held') throw comparedElsewhere(done.by);
  return done.result;
}

/** Another process compares the mailbox; it can be compared when that one has ended. */
export class ComparedElsewhere extends OperatorError {}

function comparedElsewhere({ host, pid, since, endsInMs }: LeaseHolder): ComparedElsewhere {
  const leftS = Math.max(1, Math.ceil(endsInMs / 1_000));
  return new ComparedElsewhere(
    `another comparison of this mailbox is under way, by process ${pid} on ${host} since ${since.toISOString()}; two at once would exceed what Google lets a mailbox answer at a time. ` +
      `If that process is dead, its lease ends in ${leftS} s.`,
  );
}

async function withHeld(
  store: Store,
  accountId: string,
  report: VerifyReport,
): Promise<VerifyReport> {
  const held = (await store.accounts.heldSweeps(accountId)).filter(
    ({ kind }) => resourceOf(kind) === report.resource,
  );
  const quarantined = (await store.quarantine.list([accountId]))
    .filter(({ kind }) => resourceOf(kind) === report.resource)
    .map(({ itemId, reason, firstAt, retryAt }) => ({
      id: itemId,
      reason,
      since: firstAt,
      nextTryAt: retryAt,
    }));
  return {
    ...report,
    ...(held.length === 0 ? {} : { held }),
    ...(quarantined.length === 0 ? {} : { quarantined }),
  };
}

async function waitForFleet(
  rt: Runtime,
  store: Store,
  accountId: string,
  { resource, catchUpMs }: { resource: Resource; catchUpMs: number },
): Promise<void> {
  const since = await store.schedule.requestSync([accountId], { resource });
  const deadlineMs = rt.clock.nowMs() + catchUpMs;
  while (rt.clock.nowMs() < deadlineMs) {
    const behind = await store.schedule.behindSince([accountId], since);
    if (!behind.some(({ kind }) => resourceOf(kind) === resource)) return;
    await rt.clock.sleep(CATCH_UP_POLL_MS, rt.signal);
  }
}
