import { GoogleError, type Google, type Spent } from '@syncline/google';
import { describeError, unreachable, type Runtime } from '@syncline/runtime';
import { LEASE_TTL_MS, LeaseLost, type Lease, type Settlement, type Store } from '@syncline/store';
import { auditCollection, isAuditDue } from './audit.js';
import { calendarTurn } from './calendar/turn.js';
import { isPaged, listedAgain, parseCalendarCursor, parseCursor, parseGmailCursor, phaseOf, type Cursor } from './cursor.js';
import { wholePolicy, type MirrorPolicy } from './gmail/mirror-policy.js';
import { replayTurn } from './gmail/replay.js';
import { gmailTurn } from './gmail/turn.js';
import { verdictOf, type Outcome, type Verdict } from './outcome.js';
import { MAX_WALKS_A_DAY, restFor, type Rest } from './parking.js';
import type { SyncPolicy } from './policy.js';
import { withRenewal } from './renewal.js';
import type { Turn, TurnContext } from './turn.js';
import { afterRun, noteAfterRun } from './watch/after-run.js';
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
}

/** @throws whatever is neither Google's answer nor a lost lease, after it was written to the collection */
export async function syncCollection(rt: Runtime, deps: SyncDeps, collectionId: string, run: Run): Promise<Outcome> {
  const claim = await deps.store.lease.claim(collectionId);
  switch (claim.kind) {
    case 'idle':
      return { kind: 'gone' };
    case 'busy':
      return { kind: 'busy', until: later(rt, claim.untilMs) };
    case 'claimed':
      return withRenewal(rt, deps.store, claim.lease, run.signal, (signal) => runUnderLease(rt, deps, claim.lease, { ...run, signal }));
    default:
      return unreachable(claim);
  }
}

async function runUnderLease(rt: Runtime, deps: SyncDeps, lease: Lease, run: Run): Promise<Outcome> {
  const account = deps.google.account(lease.accountId, { lane: laneOf(lease), project: lease.project, signal: run.signal });
  const deadlineMs = rt.clock.nowMs() + run.sliceMs;
  const hasTime = (): boolean => !run.signal.aborted && rt.clock.nowMs() < deadlineMs;
  const context: TurnContext = {
    rt, store: deps.store, google: account, lease, mirror: wholePolicy(deps.mirror), window: lease.window, generation: lease.generation, listingBegunHere: false, ahead: null,
    careful: lease.crashes >= CAREFUL_AFTER_CRASHES ? { passed: 0 } : null, hasTime,
  };
  if (context.careful) rt.log.warn({ event: 'careful_run', collectionId: lease.collectionId, crashes: lease.crashes }, 'runs of this collection ended without a word: its items are taken one by one');
  const position: Position = { cursor: firstCursor(lease), changed: 0, restarts: 0, beganMs: deadlineMs - run.sliceMs, storedAtMs: null, unlogged: lease.phase !== 'follow', untold: [] };
  try {
    const ended = await takeTurns(context, position, run.signal);
    if (ended.kind === 'caught-up' && isAuditDue(deps.policy, lease, rt.random.next())) {
      await auditCollection(rt, deps, { ...lease, generation: context.generation, window: context.window }, position.cursor, run.signal);
    }
    position.untold = account.takeSpent();
    return await settleRun(rt, deps, lease, position, ended, isCalm(context));
  } catch (error) {
    return await settleError(rt, deps, lease, position, error, run.signal).catch((settling: unknown) => lostOrThrow(rt, settling));
  } finally {
    // Whoever lost the lease, or was stopped on the way, has spent it all the same.
    for (const spent of [position.untold, account.takeSpent()]) if (spent.length > 0) await deps.store.quota.record(lease.accountId, spent);
  }
}

/** Who has just connected comes before backfills that have been going on for long. */
function laneOf({ phase, onboarding }: Lease): 'live' | 'catch-up' | 'backfill' {
  if (phase === 'follow') return 'live';
  return onboarding ? 'catch-up' : 'backfill';
}

/** Runs that end without a word, in a row, before items are taken one by one. */
const CAREFUL_AFTER_CRASHES = 2;
/** Items passed one by one after which a careful run counts as calm: more than a page and the page that is fetched ahead. */
const CALM_AFTER_ITEMS = 100;

/** Somebody else has the collection now, and whatever is to be said of it: nothing is settled. */
function lostOrThrow(rt: Runtime, error: unknown): Outcome {
  if (error instanceof LeaseLost) return { kind: 'busy', until: later(rt, LEASE_TTL_MS / 4) };
  throw error;
}

function isCalm({ careful }: TurnContext): boolean {
  return careful === null || careful.passed >= CALM_AFTER_ITEMS;
}

interface Position {
  cursor: Cursor;
  /** Rows changed by this run. */
  changed: number;
  /** Walks that this run began because Google disowned a bookmark or a page token. */
  restarts: number;
  beganMs: number;
  /** When the first commit that changed a row was through. */
  storedAtMs: number | null;
  /** Some of what it stored was not in Google's log of changes: a walk or a deepening brought it, or see `Turn.unlogged`. */
  unlogged: boolean;
  /** What the run has cost and its settlement has not written down yet. */
  untold: Spent[];
}

type Ended = { kind: 'caught-up' } | { kind: 'slice-spent' } | { kind: 'wait'; delayMs: number; why: string; counts: boolean };

async function takeTurns(context: TurnContext, position: Position, signal: AbortSignal): Promise<Ended> {
  for (;;) {
    const turn = await takeTurn(context, position);
    if (turn.commit) {
      const committed = await context.store.commitPage(context.lease, context.careful ? { ...turn.commit, careful: true } : turn.commit);
      context.generation = turn.commit.generation;
      context.window = turn.commit.window ?? context.window;
      position.unlogged ||= turn.commit.phase !== 'follow' || turn.unlogged === true;
      position.changed += committed.created + committed.updated + committed.deleted;
      if (position.changed > 0) position.storedAtMs ??= context.rt.clock.nowMs();
      position.cursor = turn.next(committed);
    }
    if (turn.rest) return turn.rest;
    // A step that the commit's result has ended (a sweep) is written with the next page: a run that stopped here would repeat it for ever.
    // A page that is already paid for is stored as well.
    const unfinished = context.ahead !== null || (turn.commit !== null && position.cursor !== turn.commit.cursor);
    if (!context.hasTime() && (!unfinished || signal.aborted)) return { kind: 'slice-spent' };
  }
}

/**
 * A bookmark that Google no longer knows begins a new generation, and a page token that it no longer knows the same listing again;
 * the rows stay readable meanwhile. Walks are what costs most: more than MAX_WALKS_A_DAY are not begun for this.
 */
async function takeTurn(context: TurnContext, position: Position): Promise<Turn> {
  for (let remedies = 0; ; remedies++) {
    try {
      return await turnOf(context, position.cursor);
    } catch (error) {
      const { kind } = error instanceof GoogleError ? judge(context.rt, context.lease, position, error) : { kind: 'failed' };
      if ((kind !== 'walk-again' && kind !== 'list-again') || remedies === REMEDIES_A_TURN) throw error;
      context.ahead = null;
      position.cursor = kind === 'list-again' ? listedAgain(position.cursor) : { phase: 'new', resync: true };
      if (kind === 'walk-again') position.restarts += 1;
      context.rt.log.info({ event: 'bookmark_expired', collectionId: context.lease.collectionId, remedy: kind }, 'Google no longer knows the bookmark or the page');
    }
  }
}

/** A page token, and then the bookmark that its listing began with, may both be forgotten. */
const REMEDIES_A_TURN = 2;

function judge(rt: Runtime, lease: Lease, position: Position, error: GoogleError): Verdict {
  const place = { kind: lease.kind, phase: position.cursor.phase, paged: isPaged(position.cursor) };
  const jitter = rt.random.next();
  const verdict = verdictOf(error.detail, place, lease.failures, jitter);
  const walks = lease.walksToday + position.restarts;
  return verdict.kind === 'walk-again' && walks >= MAX_WALKS_A_DAY ? { kind: 'park', ...restFor('restless', lease.kind, 0, jitter) } : verdict;
}

async function turnOf(context: TurnContext, cursor: Cursor): Promise<Turn> {
  if (context.lease.kind !== 'gmail') return calendarTurn(context, parseCalendarCursor(cursor));
  const mailbox = parseGmailCursor(cursor);
  return (await replayTurn(context, mailbox)) ?? gmailTurn(context, mailbox);
}

/** A wish for a full sync begins a new walk, unless one is under way that has just been begun. */
function firstCursor(lease: Lease): Cursor {
  return lease.wantedFull ? { phase: 'new' } : parseCursor(lease.kind, lease.cursor);
}

async function settleRun(rt: Runtime, deps: SyncDeps, lease: Lease, position: Position, ended: Ended, calm: boolean): Promise<Outcome> {
  const full = phaseOf(position.cursor) !== 'follow';
  switch (ended.kind) {
    case 'caught-up': {
      const nowMs = rt.clock.nowMs();
      const lastChangeAtMs = position.changed > 0 ? nowMs : (lease.lastChangeAt?.getTime() ?? null);
      const after = afterRun(lease, { changed: position.changed, unlogged: position.unlogged, nowMs, lastChangeAtMs, jitter: rt.random.next() }, deps.policy, deps.doorbells);
      const { wantedAgain } = await deps.store.lease.settle(lease, { result: 'caught-up', nextInMs: after.nextInMs, error: null, spent: position.untold });
      position.untold = [];
      await noteAfterRun(rt, deps.store, lease, after, position.storedAtMs && position.storedAtMs - position.beganMs);
      return wantedAgain ? { kind: 'more', full } : { kind: 'caught-up' };
    }
    case 'slice-spent':
      await deps.store.lease.settle(lease, { result: 'more', nextInMs: 0, error: null, calm, spent: position.untold });
      position.untold = [];
      return { kind: 'more', full };
    case 'wait':
      return snooze(rt, deps, lease, { ...ended, calm });
    default:
      return unreachable(ended);
  }
}

/**
 * The longest that a collection is put off in Redis. A delayed job holds its collection's place in the queue, so a wish that comes meanwhile
 * (`syncline sync`, a push) would not get in before the delay is over. Whatever rests longer rests in Postgres only, where `next_sync_at` says when
 * and a wish can move it.
 */
export const QUEUED_SNOOZE_LIMIT_MS = 30_000;
/** A snoozed job waits in Redis; the schedule remembers it too, a little later, in case Redis forgets. */
const SNOOZE_GRACE_MS = 5_000;
const FAILED_BASE_MS = 30_000;
const FAILED_CAP_MS = 15 * 60_000;

async function snooze(rt: Runtime, deps: SyncDeps, lease: Lease, s: { delayMs: number; why: string; counts: boolean; calm?: boolean }): Promise<Outcome> {
  const settlement: Settlement = { result: 'snoozed', nextInMs: s.delayMs + (s.delayMs > QUEUED_SNOOZE_LIMIT_MS ? 0 : SNOOZE_GRACE_MS), error: s.why, countsAsFailure: s.counts, calm: s.calm ?? lease.crashes < CAREFUL_AFTER_CRASHES };
  await deps.store.lease.settle(lease, settlement);
  return { kind: 'snooze', until: later(rt, s.delayMs), why: s.why };
}

/** A grant without the scope is asked anew at the next look: what is cached may be older than a new consent. */
async function park(rt: Runtime, deps: SyncDeps, lease: Lease, rest: Rest): Promise<Outcome> {
  if (rest.cause === 'scope') await deps.google.forgetToken(lease.accountId);
  await deps.store.lease.park(lease, { cause: rest.cause, reason: rest.reason, nextInMs: rest.delayMs });
  return { kind: 'parked', until: later(rt, rest.delayMs), reason: rest.reason };
}

async function settleError(rt: Runtime, deps: SyncDeps, lease: Lease, position: Position, error: unknown, signal: AbortSignal): Promise<Outcome> {
  if (error instanceof LeaseLost) return lostOrThrow(rt, error);
  if (signal.aborted && !(error instanceof GoogleError)) {
    if (signal.reason instanceof LeaseLost) return lostOrThrow(rt, signal.reason);
    await deps.store.lease.settle(lease, { result: 'more', nextInMs: 0, error: null, calm: lease.crashes < CAREFUL_AFTER_CRASHES });
    return { kind: 'more', full: phaseOf(position.cursor) !== 'follow' };
  }
  if (error instanceof GoogleError) {
    const verdict = judge(rt, lease, position, error);
    switch (verdict.kind) {
      case 'snooze':
        return snooze(rt, deps, lease, verdict);
      case 'park':
        return park(rt, deps, lease, verdict);
      case 'reauthorize':
        await deps.store.accounts.requireReauth(lease, verdict.reason);
        return { kind: 'reauthorize', reason: verdict.reason };
      case 'gone':
        await deps.store.lease.settleGone(lease, 'Google no longer shows it to this account');
        return { kind: 'gone' };
      case 'walk-again': // taken care of in takeTurn; a bookmark that expires in the first turn of a new listing is a bug
      case 'list-again':
      case 'failed':
        break;
      default:
        unreachable(verdict);
    }
  }
  const nextInMs = Math.min(FAILED_CAP_MS, FAILED_BASE_MS * 2 ** Math.min(lease.failures, 10)) * (0.9 + 0.2 * rt.random.next());
  await deps.store.lease.settle(lease, { result: 'failed', nextInMs, error: describeError(error) });
  throw error;
}

function later(rt: Runtime, ms: number): Date {
  return new Date(rt.clock.nowMs() + ms);
}
