import { GoogleError } from '@syncline/google';
import { type ResolvedConfig, type Runtime, OperatorError, runLoop } from '@syncline/runtime';
import type { Operations, Resource, Store } from '@syncline/store';
import { ComparedElsewhere, type SyncDeps, type VerifyReport, verifyAccount } from '@syncline/sync';

const CHECK_EVERY_MS = 2_000;
const BACKOFF = { firstMs: CHECK_EVERY_MS, capMs: 30_000 };
/** Another worker takes a verification over when its worker has not renewed it for so long. */
const CLAIM_MS = 30_000;
const RENEW_EVERY_MS = 5_000;
/** Another comparison of the mailbox is under way. */
const RETRY_AFTER_MS = 30_000;

type Deps = Pick<SyncDeps, 'google'> & {
  store: Store;
  mirror: ResolvedConfig['mirror'];
};
type Claimed = NonNullable<Awaited<ReturnType<Operations['claim']>>>;

/** What `packages/control/src/operations.ts` has stored. */
interface Requested {
  resources: readonly Resource[];
  sample: number | null;
}

/**
 * Runs the verifications that were requested over HTTP, one at a time, until the process drains. A
 * verification whose worker ends is run again by another one.
 */
export async function runVerifications(rt: Runtime, deps: Deps): Promise<void> {
  const pauseMs = (): number => CHECK_EVERY_MS * (0.5 + rt.random.next());
  await runLoop(rt, {
    name: 'verifications',
    backoff: BACKOFF,
    need: 'degraded',
    firstAfterMs: pauseMs(),
    failed: {
      event: 'verifications_failed',
      text: 'requested verifications could not be run; trying again',
    },
    round: async () => {
      const claimed = await deps.store.operations.claim('verification', CLAIM_MS);
      if (claimed === null) return pauseMs();
      await verifyAndFinish(rt, deps, claimed);
      return 0;
    },
  });
}

async function verifyAndFinish(rt: Runtime, deps: Deps, claimed: Claimed): Promise<void> {
  const { operations } = deps.store;
  const over = new AbortController();
  const signal = AbortSignal.any([rt.signal, over.signal]);
  const progress = { done: 0 };
  const renewing = keepRenewing(rt, operations, claimed, { progress, over });
  try {
    const reports = await compare({ ...rt, signal }, deps, claimed, progress);
    await operations.finish(claimed, { state: 'done', result: { resources: reports.map(counts) } });
  } catch (error) {
    if (rt.signal.aborted) await operations.release(claimed, 0);
    else if (error instanceof ComparedElsewhere) await operations.release(claimed, RETRY_AFTER_MS);
    // The account is gone, its grant is not known to be its own, or Google refuses.
    else if (error instanceof OperatorError || error instanceof GoogleError)
      await operations.finish(claimed, { state: 'failed', problem: error.message });
    // When the claim is lost, another worker runs it.
    else if (!over.signal.aborted) throw error;
  } finally {
    over.abort(new Error('the verification is over'));
    await renewing;
  }
}

async function compare(
  rt: Runtime,
  deps: Deps,
  { subject, input }: Claimed,
  progress: { done: number },
): Promise<VerifyReport[]> {
  const { resources, sample } = input as Requested;
  const reports: VerifyReport[] = [];
  for (const resource of resources) {
    const before = progress.done;
    const report = await verifyAccount(rt, deps, subject, resource, {
      ...(sample === null ? {} : { sample }),
      progress: (checked) => (progress.done = before + checked),
    });
    progress.done = before + report.checked;
    reports.push(report);
  }
  return reports;
}

/** Aborts `over` when another process has the verification. */
async function keepRenewing(
  rt: Runtime,
  operations: Operations,
  claimed: Claimed,
  { progress, over }: { progress: { done: number }; over: AbortController },
): Promise<void> {
  for (;;) {
    await rt.clock.sleep(RENEW_EVERY_MS, over.signal).catch(() => undefined);
    if (over.signal.aborted) return;
    const isOurs = await operations
      .renew(claimed, { progressDone: progress.done, ttlMs: CLAIM_MS })
      // Postgres may be away for a while; then the claim may lapse.
      .catch(() => true);
    if (!isOurs) over.abort(new Error('another worker has the verification'));
  }
}

function counts({ resource, checked, missing, extra, stale, unread }: VerifyReport): {
  resource: string;
  compared: number;
  missing: number;
  extra: number;
  stale: number;
  unread: number;
} {
  return {
    resource,
    compared: checked,
    missing: missing.length,
    extra: extra.length,
    stale: stale.length,
    unread: unread.length,
  };
}
