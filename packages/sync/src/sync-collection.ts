import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import { LeaseLost, type Lease, type PageCommit, type Store } from '@syncline/store';
import { auditCollection, isAuditDue } from './audit.js';
import { callerOf } from './caller.js';
import { listedAgain, type Cursor } from './cursor.js';
import { heldWords, holdDueAtMs, isHeld } from './evidence/hold.js';
import { wholePolicy, type MirrorPolicy } from './mirror-policy.js';
import type { AddressSource, Profile } from './resources/identity.js';
import {
  AccountHeld,
  checkGrant,
  followAddress,
  type CheckedAccount,
  type GrantCheck,
} from './identity/check-grant.js';
import type { Outcome } from './outcome.js';
import {
  CAREFUL_AFTER_CRASHES,
  endedEarly,
  judge,
  later,
  lostOrThrow,
  settleError,
  settleRun,
  type Ended,
} from './finish-run.js';
import type { SyncPolicy } from './policy.js';
import { positionAt, takeSpent, totalsOf, type Position } from './position.js';
import { withRenewal } from './renewal.js';
import { collectionModule } from './resources/index.js';
import type { RunObserver } from './run-observer.js';
import type { CaughtUp, Turn, TurnContext } from './turn.js';
import type { DoorbellTargets } from './watch/step.js';

/**
 * THE loop. Claim the collection's lease, then: next request → page → delta → commit, until it is level with Google, the slice is
 * spent, or the process drains; then write how it ended. Every page is committed whole with its cursor, so the loop may die at any
 * await and another worker goes on where the last commit stands.
 *
 * What Google answers is judged in one place, `verdictOf`; what nobody expected is settled as failed and thrown on, so that it
 * also stands in the queue's failed set. A lost lease settles nothing: the collection is somebody else's.
 */
export interface SyncDeps {
  store: Store;
  google: Google;
  policy: SyncPolicy;
  /** What is left unsaid is everything. */
  mirror?: Partial<MirrorPolicy>;
  /** Where Google is to ring. Default: nowhere. */
  doorbells?: DoorbellTargets;
}

export interface Run {
  /** After this time the run ends with `more`, so that one large mailbox blocks nobody. */
  sliceMs: number;
  /** Aborted when the process drains. */
  signal: AbortSignal;
  observer?: RunObserver;
}

/** @throws whatever is neither Google's answer nor a lost lease, after it was written to the collection */
export async function syncCollection(
  rt: Runtime,
  deps: SyncDeps,
  collectionId: string,
  run: Run,
): Promise<Outcome> {
  const claim = await deps.store.lease.claim(collectionId);
  switch (claim.kind) {
    case 'idle':
      return { kind: 'gone' };
    case 'busy':
      return { kind: 'busy', until: later(rt, claim.untilMs) };
    case 'claimed':
      return withRenewal(rt, deps.store, claim.lease, run.signal, (signal) =>
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
  const context: TurnContext = {
    profile: null,
    meetAddress: (address, of) => meetAddress(rt, deps, account, lease, { address, of }),
    rt,
    store: deps.store,
    google: account,
    lease,
    collection: collectionModule(lease.kind),
    mirror: wholePolicy(deps.mirror),
    window: lease.window,
    generation: lease.generation,
    listingBegunHere: false,
    fullSyncEnded: false,
    ahead: null,
    careful: lease.crashes >= CAREFUL_AFTER_CRASHES ? { passed: 0 } : null,
    policy: deps.policy,
    held: lease.held,
    hasLooked: false,
    heldIsProven: false,
    hasTime,
  };
  if (context.careful) noteCarefulRun(rt, lease);
  const position = positionAt(lease, firstCursor(lease), deadlineMs - run.sliceMs);
  let outcome: Outcome | null = null;
  try {
    outcome = await runToOutcome(rt, deps, account, context, position, run);
    return outcome;
  } finally {
    // Whoever lost the lease, or was stopped on the way, has spent it all the same.
    for (const spent of [position.untold, takeSpent(account, position)])
      if (spent.length > 0) await deps.store.quota.record(lease.accountId, spent);
    run.observer?.ended(totalsOf(position, outcome, rt.clock.nowMs()));
  }
}

async function runToOutcome(
  rt: Runtime,
  deps: SyncDeps,
  account: GoogleAccount,
  context: TurnContext,
  position: Position,
  run: Run,
): Promise<Outcome> {
  const { lease } = context;
  try {
    if (needsCheck(lease)) context.profile = await profileOfChecked(rt, deps, account, lease);
    const ended = await takeTurns(context, position, run);
    if (ended.kind === 'caught-up' && isAuditDue(deps.policy, lease, rt.random.next())) {
      await auditCollection(
        rt,
        deps,
        { ...lease, generation: context.generation, window: context.window },
        position.cursor,
        run.signal,
      );
    }
    position.untold = takeSpent(account, position);
    return await settleRun(rt, deps, lease, position, ended, isCalm(context));
  } catch (error) {
    return await settleError(rt, deps, lease, position, error, run.signal).catch(
      (settling: unknown) => lostOrThrow(rt, settling),
    );
  }
}

function noteCarefulRun(rt: Runtime, { collectionId, crashes }: Lease): void {
  rt.log.warn(
    { event: 'careful_run', collectionId, crashes },
    'runs of this collection ended without a word: its items are taken one by one',
  );
}

/** An unverified grant, or an account that was imported before identities existed. */
function needsCheck({ grant }: Lease): boolean {
  return !grant.verified || grant.identityId === null;
}

/**
 * @returns the mailbox's profile where the check has read it.
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
    case 'overtaken':
      throw new LeaseLost(lease);
    default:
      return unreachable(check);
  }
}

async function meetAddress(
  rt: Runtime,
  deps: SyncDeps,
  google: GoogleAccount,
  lease: Lease,
  { address, of }: { address: string; of: AddressSource },
): Promise<void> {
  const check = await followAddress(
    rt,
    deps,
    google,
    { ...checkedAccount(lease), email: lease.email },
    address,
    of,
  );
  if (check) passedOrThrow(check, lease);
}

/** Who has just connected comes before backfills that have been going on for long. */
function laneOf({ phase, onboarding }: Lease): 'live' | 'catch-up' | 'backfill' {
  if (phase === 'follow') return 'live';
  return onboarding ? 'catch-up' : 'backfill';
}

/** Items passed one by one after which a careful run counts as calm: more than a page and the page that is fetched ahead. */
const CALM_AFTER_ITEMS = 100;

function isCalm({ careful }: TurnContext): boolean {
  return careful === null || careful.passed >= CALM_AFTER_ITEMS;
}

async function takeTurns(
  context: TurnContext,
  position: Position,
  { signal, observer }: Run,
): Promise<Ended> {
  for (;;) {
    const turn = await takeTurn(context, position);
    if (turn.commit) await commitTurn(context, position, turn, turn.commit);
    const { phase, progress } = turn.commit ?? {};
    if (progress && phase !== 'follow') observer?.progressed(progress.done, progress.total);
    const ended = turn.rest ? await endedBy(context, position.cursor, turn.rest) : null;
    if (ended) return ended;
    const mayStop = signal.aborted || !isUnfinished(context, position.cursor, turn);
    if (!context.hasTime() && mayStop) return { kind: 'more' };
  }
}

async function commitTurn(
  context: TurnContext,
  position: Position,
  turn: Turn,
  commit: PageCommit,
): Promise<void> {
  const committed = await context.store.commitPage(
    context.lease,
    commitOf(context, position.cursor, commit),
  );
  context.generation = commit.generation;
  context.window = commit.window ?? context.window;
  noteHeld(context, commit);
  noteTroubled(context, commit);
  position.unlogged ||= commit.phase !== 'follow' || turn.unlogged === true;
  position.pages += 1;
  position.items += context.collection.namedBy(commit.delta).length;
  position.changed += committed.created + committed.updated + committed.deleted;
  if (position.changed > 0) position.storedAtMs ??= context.rt.clock.nowMs();
  position.cursor = turn.next(committed);
}

/** @returns null when the run goes on with what is due for a held sweep */
async function endedBy(
  context: TurnContext,
  cursor: Cursor,
  rest: NonNullable<Turn['rest']>,
): Promise<Ended | null> {
  if (rest.kind !== 'caught-up') return context.hasLooked ? null : endedEarly(context, rest);
  const held = heldAfterLook(context, cursor);
  if (held) return held;
  return context.hasLooked ? null : atRest(context, rest);
}

/**
 * A step that the commit's result has ended (a sweep) is written with the next page: a run that
 * stopped here would repeat it for ever. A page that is already paid for is stored as well, and
 * what is due for a held sweep comes after each look.
 */
function isUnfinished(context: TurnContext, cursor: Cursor, { commit }: Turn): boolean {
  if (context.ahead !== null || context.hasLooked) return true;
  return commit !== null && cursor !== commit.cursor;
}

function commitOf(context: TurnContext, cursor: Cursor, commit: PageCommit): PageCommit {
  const released = isHeld(cursor) ? context.collection.namedBy(commit.delta) : [];
  return {
    ...commit,
    ...(context.careful ? { careful: true } : {}),
    ...(released.length > 0 ? { walk: { ...commit.walk, released } } : {}),
  };
}

function noteHeld(context: TurnContext, { held }: PageCommit): void {
  if (held === undefined) return;
  const { sinceMs = context.rt.clock.nowMs(), discards = 0 } = context.held ?? {};
  context.held = held && {
    sinceMs,
    rows: held.rows,
    waitsFor: held.waitsFor,
    untilMs: held.untilMs,
    discards: held.waitsFor === 'new-listing' ? discards + 1 : discards,
  };
}

/**
 * A collection that is level but for a sweep: the run ends, or, when something is due for the
 * sweep, goes on with that.
 */
function heldAfterLook(context: TurnContext, cursor: Cursor): Ended | null {
  if (!isHeld(cursor)) return null;
  const untilMs = holdDueAtMs(cursor.hold);
  context.hasLooked = context.rt.clock.nowMs() >= untilMs;
  return context.hasLooked
    ? null
    : { kind: 'held', untilMs, reason: heldWords(cursor.hold, context.held?.rows) };
}
function noteTroubled({ lease }: TurnContext, { walk }: PageCommit): void {
  if ((walk?.failing?.length ?? 0) + (walk?.quarantined?.length ?? 0) > 0) lease.hasTroubled = true;
}

/**
 * Nothing else is left to do. What is still being tried is neither stored nor given up: the
 * collection is not caught up before it is.
 */
async function atRest({ store, lease }: TurnContext, caughtUp: CaughtUp): Promise<Ended> {
  const nextTryInMs = lease.hasTroubled ? await store.quarantine.nextTryInMs(lease) : null;
  if (nextTryInMs === null) return caughtUp;
  return {
    kind: 'snoozed',
    delayMs: Math.max(LEAST_WAIT_MS, nextTryInMs),
    reason: 'an item could not be read, and is tried again; all others are up to date',
    counts: false,
  };
}

const LEAST_WAIT_MS = 250;

/**
 * A bookmark that Google no longer knows begins a new generation, and a page token that it no longer knows the same listing again;
 * the rows stay readable meanwhile. Walks are what costs most: more than MAX_WALKS_A_DAY are not begun for this.
 */
async function takeTurn(context: TurnContext, position: Position): Promise<Turn> {
  for (let remedies = 0; ; remedies++) {
    try {
      const turn = await context.collection.turn(context, position.cursor);
      context.hasLooked = false;
      return turn;
    } catch (error) {
      const { kind } =
        error instanceof GoogleError
          ? judge(context.rt, context.lease, position, error)
          : { kind: 'failed' };
      if ((kind !== 'walk-again' && kind !== 'list-again') || remedies === REMEDIES_A_TURN)
        throw error;
      context.ahead = null;
      position.cursor =
        kind === 'list-again' ? listedAgain(position.cursor) : { phase: 'new', resync: true };
      if (kind === 'walk-again') position.restarts += 1;
      context.rt.log.info(
        { event: 'bookmark_expired', collectionId: context.lease.collectionId, remedy: kind },
        'Google no longer knows the bookmark or the page',
      );
    }
  }
}

/** A page token, and then the bookmark that its listing began with, may both be forgotten. */
const REMEDIES_A_TURN = 2;

/** A wish for a full sync begins a new walk, unless one is under way that has just been begun. */
function firstCursor(lease: Lease): Cursor {
  return lease.wantedFull
    ? { phase: 'new' }
    : collectionModule(lease.kind).parseCursor(lease.cursor);
}
