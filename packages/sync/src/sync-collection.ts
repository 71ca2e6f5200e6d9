import type { Google, GoogleAccount } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import { LeaseLost, type Lease, type PageCommit, type Store } from '@syncline/store';
import { auditCollection, isAuditDue } from './audit.js';
import { callerOf } from './caller.js';
import { listedAgain, type Cursor } from './cursor.js';
import { heldReason, holdDueAtMs, isHeld, noteHeld } from './evidence/hold.js';
import { completePolicy, type MirrorPolicy } from './mirror-policy.js';
import type { AddressSource, Profile } from './resources/identity.js';
import {
  AccountHeld,
  checkGrant,
  adoptAddress,
  type CheckedAccount,
  type GrantCheck,
} from './identity/check-grant.js';
import type { Outcome } from './outcome.js';
import {
  ISOLATE_AFTER_CRASHES,
  finishedEarly,
  later,
  lostOrThrow,
  finishWithError,
  finishRun,
  type RunEnd,
} from './finish-run.js';
import type { SyncPolicy } from './policy.js';
import { positionAt, takeSpent, totalsOf, type Position } from './position.js';
import { adviceFor } from './restart.js';
import { unwrittenAfter, writeCursor } from './unwritten-cursor.js';
import { withRenewal } from './renewal.js';
import { collectionModule } from './resources/index.js';
import type { RunObserver } from './run-observer.js';
import type { CaughtUp, Step, StepContext } from './step.js';
import type { WatchTargets } from './watch/step.js';

export interface SyncDeps {
  store: Store;
  google: Google;
  policy: SyncPolicy;
  /** What is absent is mirrored in full. */
  mirror?: Partial<MirrorPolicy>;
  /** Where Google sends notifications; absent: nowhere. */
  watchTargets?: WatchTargets;
}

export interface Run {
  /** After this time the run ends with `more`, so that a large mailbox does not block others. */
  sliceMs: number;
  /** Aborted when the process drains. */
  signal: AbortSignal;
  observer?: RunObserver;
}

/**
 * Syncs one collection: claims its lease, repeats request → page → delta → commit until the
 * collection is caught up, the slice is spent or the process drains, and writes the outcome. Pages
 * are committed whole with their cursor, so after a crash another worker continues from the last.
 * `errorOutcomeOf` alone classifies Google's errors. A run that lost its lease writes nothing.
 * @throws any other error, after it was written as `failed`, so that the job fails as well
 */
export async function syncCollection(
  rt: Runtime,
  deps: SyncDeps,
  collectionId: string,
  run: Run,
): Promise<Outcome> {
  const claim = await deps.store.leases.claim(collectionId);
  switch (claim.kind) {
    case 'idle':
      return { kind: 'gone' };
    case 'busy':
      return { kind: 'busy', until: later(rt, claim.untilMs) };
    case 'claimed':
      return withRenewal(rt, deps.store.leases, claim.lease, run.signal, (signal) =>
        runUnderLease(rt, deps, claim.lease, { ...run, signal }),
      );
    default:
      return unreachable(claim);
  }
}

async function runUnderLease(
  rt: Runtime,
  deps: SyncDeps,
  lease: Lease,
  run: Run,
): Promise<Outcome> {
  const account = deps.google.account(lease.accountId, {
    lane: laneOf(lease),
    ...callerOf(lease),
    signal: run.signal,
  });
  const deadlineMs = rt.clock.nowMs() + run.sliceMs;
  const hasTime = (): boolean => !run.signal.aborted && rt.clock.nowMs() < deadlineMs;
  const context: StepContext = {
    profile: null,
    adoptAddress: (address, of) => adoptAddressOrThrow(rt, deps, account, lease, { address, of }),
    rt,
    store: deps.store,
    google: account,
    lease,
    collection: collectionModule(lease.kind),
    mirror: completePolicy(deps.mirror),
    window: lease.window,
    generation: lease.generation,
    listingBegunHere: false,
    fullSyncCompleted: false,
    prefetched: null,
    crashIsolation: lease.crashes >= ISOLATE_AFTER_CRASHES ? { passed: 0 } : null,
    policy: deps.policy,
    held: lease.held,
    hasCheckedChanges: false,
    heldIsProven: false,
    hasTime,
  };
  if (context.crashIsolation) noteCrashIsolation(rt, lease);
  const position = positionAt(lease, firstCursor(lease), deadlineMs - run.sliceMs);
  let outcome: Outcome | null = null;
  try {
    outcome = await runToOutcome(rt, deps, account, context, position, run);
    return outcome;
  } finally {
    // A run that lost the lease or was stopped has spent its units nevertheless.
    for (const spent of [position.unreported, takeSpent(account, position)])
      if (spent.length > 0) await deps.store.quota.record(lease.accountId, spent);
    run.observer?.finished(totalsOf(position, outcome, rt.clock.nowMs()));
  }
}

async function runToOutcome(
  rt: Runtime,
  deps: SyncDeps,
  account: GoogleAccount,
  context: StepContext,
  position: Position,
  run: Run,
): Promise<Outcome> {
  const { lease } = context;
  try {
    if (needsCheck(lease)) context.profile = await profileOfChecked(rt, deps, account, lease);
    const end = await runSteps(context, position, run);
    if (end.kind === 'caught-up' && isAuditDue(deps.policy, lease, rt.random.next())) {
      await auditCollection(
        rt,
        deps,
        { ...lease, generation: context.generation, window: context.window },
        position.cursor,
        run.signal,
      );
    }
    position.unreported = takeSpent(account, position);
    return await finishRun(rt, deps, lease, position, end, canResetCrashes(context));
  } catch (error) {
    return await finishWithError(rt, deps, lease, position, error, run.signal).catch(
      (finishing: unknown) => lostOrThrow(rt, deps.store.leases, finishing),
    );
  }
}

function noteCrashIsolation(rt: Runtime, { collectionId, crashes }: Lease): void {
  rt.log.warn(
    { event: 'crash_isolation_started', collectionId, crashes },
    'runs of this collection crashed: its items are taken one by one',
  );
}

/** Whether the grant is unverified, or was imported before identities were stored. */
function needsCheck({ grant }: Lease): boolean {
  return !grant.verified || grant.identityId === null;
}

/**
 * @returns the mailbox's profile if the check has read it
 * @throws AccountHeld when the grant is not the account's own
 */
async function profileOfChecked(
  rt: Runtime,
  deps: SyncDeps,
  google: GoogleAccount,
  lease: Lease,
): Promise<Profile | null> {
  const check = passedOrThrow(await checkGrant(rt, deps, google, checkedAccount(lease)), lease);
  return check.profile;
}

function checkedAccount({ accountId, project, grant }: Lease): CheckedAccount {
  return { accountId, project, grant: grant.number };
}

function passedOrThrow(check: GrantCheck, lease: Lease): Extract<GrantCheck, { kind: 'passed' }> {
  switch (check.kind) {
    case 'passed':
      return check;
    case 'held':
      throw new AccountHeld(check.reason);
    case 'grant-replaced':
      throw new LeaseLost(lease);
    default:
      return unreachable(check);
  }
}

async function adoptAddressOrThrow(
  rt: Runtime,
  deps: SyncDeps,
  google: GoogleAccount,
  lease: Lease,
  { address, of }: { address: string; of: AddressSource },
): Promise<void> {
  const check = await adoptAddress(
    rt,
    deps,
    google,
    { ...checkedAccount(lease), email: lease.email },
    address,
    of,
  );
  if (check) passedOrThrow(check, lease);
}

/** Returns the lane of the run. The first sync of a new account comes before other full syncs. */
function laneOf({ phase, onboarding }: Lease): 'live' | 'onboarding' | 'bulk' {
  if (phase === 'incremental') return 'live';
  return onboarding ? 'onboarding' : 'bulk';
}

/**
 * A run in crash isolation counts as calm after this many items passed one by one: more than a page
 * and the prefetched page.
 */
const CRASH_RESET_ITEMS = 100;

function canResetCrashes({ crashIsolation }: StepContext): boolean {
  return crashIsolation === null || crashIsolation.passed >= CRASH_RESET_ITEMS;
}

async function runSteps(
  context: StepContext,
  position: Position,
  { signal, observer }: Run,
): Promise<RunEnd> {
  let unwritten: Cursor | null = null;
  for (;;) {
    const step: Step = await nextStep(context, position).catch(async (error: unknown) => {
      if (position.cursor === unwritten) await writeCursor(context, unwritten, error);
      throw error;
    });
    if (step.commit) await commitStep(context, position, step, step.commit);
    unwritten = unwrittenAfter(step, position.cursor);
    reportProgress(step, observer);
    const end = step.end ? await endOf(context, position.cursor, step.end) : null;
    if (end) return end;
    const mayStop = signal.aborted || !isUnfinished(context, position.cursor, step);
    if (!context.hasTime() && mayStop) return { kind: 'more' };
  }
}

function reportProgress({ commit }: Step, observer: RunObserver | undefined): void {
  const { phase, progress } = commit ?? {};
  if (progress && phase !== 'incremental') observer?.progressed(progress.done, progress.total);
}

async function commitStep(
  context: StepContext,
  position: Position,
  step: Step,
  commit: PageCommit,
): Promise<void> {
  const committed = await context.store.leases.commitPage(
    context.lease,
    commitOf(context, position.cursor, commit),
  );
  context.generation = commit.generation;
  context.window = commit.window ?? context.window;
  noteHeld(context, commit);
  noteFailingItems(context, commit);
  position.unlogged ||= commit.phase !== 'incremental' || step.unlogged === true;
  position.pages += 1;
  position.items += context.collection.namedBy(commit.delta).length;
  position.changed += committed.created + committed.updated + committed.deleted;
  if (position.changed > 0) position.storedAtMs ??= context.rt.clock.nowMs();
  position.cursor = step.next(committed);
}

/** @returns null when the run continues with the work that is due for a held sweep */
async function endOf(
  context: StepContext,
  cursor: Cursor,
  end: NonNullable<Step['end']>,
): Promise<RunEnd | null> {
  if (end.kind !== 'caught-up')
    return context.hasCheckedChanges ? null : finishedEarly(context, end);
  const held = heldAfterCheck(context, cursor);
  if (held) return held;
  return context.hasCheckedChanges ? null : atEnd(context, end);
}

/**
 * Whether the run may not stop yet. A cursor that depends on a commit's result (a sweep) is written
 * with the next page, so a run that stopped here would repeat the step forever. A prefetched page
 * is paid for and is stored as well, and each sync is followed by what a held sweep has due.
 */
function isUnfinished(context: StepContext, cursor: Cursor, { commit }: Step): boolean {
  if (context.prefetched !== null || context.hasCheckedChanges) return true;
  return commit !== null && cursor !== commit.cursor;
}

function commitOf(context: StepContext, cursor: Cursor, commit: PageCommit): PageCommit {
  const released = isHeld(cursor) ? context.collection.namedBy(commit.delta) : [];
  return {
    ...commit,
    ...(context.crashIsolation ? { crashIsolation: true } : {}),
    ...(released.length > 0 ? { items: { ...commit.items, released } } : {}),
  };
}

/** For a collection that is caught up except for a sweep: the end of the run; null if it is due. */
function heldAfterCheck(context: StepContext, cursor: Cursor): RunEnd | null {
  if (!isHeld(cursor)) return null;
  const untilMs = holdDueAtMs(cursor.hold);
  context.hasCheckedChanges = context.rt.clock.nowMs() >= untilMs;
  return context.hasCheckedChanges
    ? null
    : { kind: 'held', untilMs, reason: heldReason(cursor.hold, context.held?.rows) };
}
function noteFailingItems({ lease }: StepContext, { items }: PageCommit): void {
  if ((items?.failing?.length ?? 0) + (items?.quarantined?.length ?? 0) > 0)
    lease.hasFailingItems = true;
}

/**
 * Returns the end of a run that has nothing else to do. An item that is still being tried is
 * neither stored nor given up, so the collection is not caught up until it is.
 */
async function atEnd({ store, lease }: StepContext, caughtUp: CaughtUp): Promise<RunEnd> {
  const nextTryInMs = lease.hasFailingItems ? await store.quarantine.nextTryInMs(lease) : null;
  if (nextTryInMs === null) return caughtUp;
  return {
    kind: 'snoozed',
    delayMs: Math.max(LEAST_WAIT_MS, nextTryInMs),
    reason: 'an item could not be read and is retried; all others are up to date',
    code: 'item-unreadable',
    counts: false,
  };
}

const LEAST_WAIT_MS = 250;

/**
 * Takes the next step, and recovers from expired positions: an expired sync position begins a new
 * generation, an expired page token the same listing. The rows stay readable meanwhile. Full syncs
 * cost the most quota, so no more than MAX_FULL_SYNCS_A_DAY are begun for this.
 */
async function nextStep(context: StepContext, position: Position): Promise<Step> {
  for (let recoveries = 0; ; recoveries++) {
    try {
      const step = await context.collection.step(context, position.cursor);
      context.hasCheckedChanges = false;
      return step;
    } catch (error) {
      const kind =
        recoveries < RECOVERIES_A_STEP ? await adviceFor(context, position, error) : null;
      if (kind === null) throw error;
      context.prefetched = null;
      position.cursor =
        kind === 'list-again' ? listedAgain(position.cursor) : { phase: 'pending', resync: true };
      if (kind === 'full-sync-again') position.restarts += 1;
      context.rt.log.info(
        {
          event: 'sync_position_expired',
          collectionId: context.lease.collectionId,
          recovery: kind,
        },
        'Google no longer accepts the sync position or the page token',
      );
    }
  }
}

/** Both a page token and then the sync position from which its listing began may have expired. */
const RECOVERIES_A_STEP = 2;

/**
 * Returns the cursor to start from. A request for a full sync begins a new one, unless a full sync
 * that has just begun is in progress.
 */
function firstCursor(lease: Lease): Cursor {
  return lease.fullSyncRequested
    ? { phase: 'pending', ...(lease.repairRequested ? { isRepair: true } : {}) }
    : collectionModule(lease.kind).parseCursor(lease.cursor);
}
