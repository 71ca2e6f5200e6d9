import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import { describeError, unreachable, type Runtime } from '@syncline/runtime';
import type { HeldWatch, Store } from '@syncline/store';
import { callerOf } from '../caller.js';
import { collectionModule } from '../resources/index.js';
import { finishOf } from './refusal.js';
import { LONGEST_LIFE_MS, retryInMs } from './schedule.js';
import { isOnAtGoogle, stepOf, targetOf } from './step.js';
import type { WatchDeps, WatchOutcome, WatchWork } from './work.js';

/*
 * Maintains one watch: creates, renews and ends it. One worker at a time, under the watch's own
 * hold, which lasts longer than the calls made under it. In every case the row has the date of the
 * next check, so a lost job costs only time.
 */

/**
 * Longer than the calls made under the hold may take, so that no call is made after it has expired.
 */
const HOLD_MS = 30_000;
const CALLS_MS = 20_000;
/** Both channels are open for this time, so that no change falls between them. */
const OVERLAP_MS = 60_000;
const RECHECK_MS = 500;

/** @throws any error that is not Google's, after it was written to the watch */
export async function maintainWatch(
  rt: Runtime,
  deps: WatchDeps,
  collectionId: string,
  o: { signal: AbortSignal; overlapMs?: number },
): Promise<WatchOutcome> {
  const held = await deps.store.watches.hold(collectionId, HOLD_MS);
  if (!held) return 'busy';
  const limit = new AbortController();
  const giveUp = (): void =>
    limit.abort(
      o.signal.aborted ? o.signal.reason : new Error('the hold on the watch is about to lapse'),
    );
  o.signal.addEventListener('abort', giveUp, { once: true });
  void rt.clock.sleep(CALLS_MS, limit.signal).then(giveUp, () => undefined);
  const account = deps.google.account(held.accountId, {
    lane: 'onboarding',
    ...callerOf(held),
    signal: limit.signal,
  });
  try {
    return await stepUnderHold({ rt, deps, held, account, overlapMs: o.overlapMs ?? OVERLAP_MS });
  } catch (error) {
    return await finishWithError(rt, deps.store, held, error, limit.signal);
  } finally {
    limit.abort();
    o.signal.removeEventListener('abort', giveUp);
    await deps.store.quota.record(held.accountId, account.takeSpent());
  }
}

/**
 * Ends the watches of an account that is being removed, or of some of its collections, while its
 * grant still allows it. A mailbox has one watch for all accounts of the same Google account and
 * client: it ends with the last of them.
 * @throws GoogleError (transient errors): the call is to be repeated later. A permanent refusal is
 * ignored, since it must not keep the customer's mail stored
 */
export async function stopWatches(
  rt: Runtime,
  deps: { store: Store; google: Google },
  accountId: string,
  { isLast, collections }: { isLast: boolean; collections?: ReadonlySet<string> },
): Promise<void> {
  for (const collectionId of await deps.store.watches.ofAccount(accountId)) {
    if (collections && !collections.has(collectionId)) continue;
    const held = await holdWhenFree(rt, deps.store, collectionId);
    const account = deps.google.account(accountId, {
      lane: 'live',
      ...callerOf(held),
      maxQuotaWaitMs: CALLS_MS,
    });
    try {
      await endWatch(deps.store, account, { ...held, shared: held.shared || !isLast });
    } catch (error) {
      if (
        !(error instanceof GoogleError) ||
        ['unavailable', 'rate-limited', 'key-missing'].includes(error.detail.kind)
      )
        throw error;
      rt.log.warn(
        { event: 'watch_not_stopped', accountId, collectionId, err: error },
        'Google refuses to end this watch; it expires within a week',
      );
    } finally {
      await deps.store.watches.finish(held, {
        state: held.state,
        nextInMs: LONGEST_LIFE_MS,
        error: null,
      });
    }
  }
}

/** Waits for the watch's hold. Holds expire, so the wait is bounded. */
async function holdWhenFree(rt: Runtime, store: Store, collectionId: string): Promise<HeldWatch> {
  for (let waitedMs = 0; waitedMs <= HOLD_MS; waitedMs += RECHECK_MS) {
    const held = await store.watches.hold(collectionId, HOLD_MS);
    if (held) return held;
    await rt.clock.sleep(RECHECK_MS, rt.signal);
  }
  throw new Error(
    `the watch of collection ${collectionId} is held for longer than a hold may last`,
  );
}

async function finishWithError(
  rt: Runtime,
  store: Store,
  held: HeldWatch,
  error: unknown,
  signal: AbortSignal,
): Promise<WatchOutcome> {
  const jitter = rt.random.next();
  if (!(error instanceof GoogleError)) {
    const interrupted = signal.aborted;
    await store.watches.finish(held, {
      state: held.state,
      nextInMs: interrupted ? RECHECK_MS : retryInMs(held.failures, jitter),
      error: describeError(error),
      failed: !interrupted,
    });
    if (!interrupted) throw error;
    return 'refused';
  }
  const finish = finishOf(error.detail, held, jitter);
  await store.watches.finish(held, finish);
  rt.log.info(
    {
      event: 'watch_refused',
      accountId: held.accountId,
      collectionId: held.collectionId,
      state: finish.state,
      err: error,
    },
    'Google does not notify of this collection; it is polled',
  );
  return 'refused';
}

async function stepUnderHold(work: WatchWork): Promise<WatchOutcome> {
  const { deps, held, account } = work;
  const { watch } = collectionModule(held.kind);
  const step = stepOf(held, targetOf(held, deps.watchTargets));
  switch (step.kind) {
    case 'waiting':
      if (held.callable) await watch.endSuperseded(deps.store, account, held);
      return (await deps.store.watches.finish(held, {
        state: step.state,
        nextInMs: step.nextInMs,
        error: null,
      }))
        ? 'waiting'
        : 'taken-over';
    case 'stop':
      await endWatch(deps.store, account, held);
      return (await deps.store.watches.finish(held, {
        state: 'off',
        nextInMs: LONGEST_LIFE_MS,
        error: null,
      }))
        ? 'stopped'
        : 'taken-over';
    case 'watch':
      return watch.begin(work, step.target, step.forSilence);
    default:
      return unreachable(step);
  }
}

/**
 * Ends the collection's watch at Google. A grant that is not known to be the account's own would
 * end another mailbox's watch, so it is not used; the account's own watch expires by itself.
 */
async function endWatch(store: Store, account: GoogleAccount, held: HeldWatch): Promise<void> {
  if (!isOnAtGoogle(held) || !held.grant.verified) return;
  await collectionModule(held.kind).watch.end(store, account, held);
}
