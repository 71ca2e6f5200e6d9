/** Explains why a collection is fresh or stale: one reason as data, and its text. */
import { unreachable } from '@syncline/runtime';
import type { AccountView, CollectionView } from '@syncline/store';
import type { Outcome } from '@syncline/sync';
import { heldSweepWords, when } from '../words.js';

/** The last error of a collection. */
interface Problem {
  error: string;
  /** Failed runs in a row. */
  failures: number;
}

/** Why nothing is synced: the data of the outcome `gone`. */
type NothingToSync =
  | { because: 'account-not-active'; state: AccountView['state'] }
  | { because: 'resource-removed' }
  | { because: 'not-shown'; error: string | null };

/** The outcomes of runs, and the states of a sync that is due and has not begun. */
type ReasonKind = Outcome['kind'] | 'requested' | 'overdue';

/** The data of each reason. A new outcome does not compile until it has its entry. */
interface ReasonData {
  'caught-up': unknown;
  /** A full sync is under way: each run ends after its time slice. */
  more: unknown;
  held: { sweep: NonNullable<CollectionView['heldSweep']>; problem: Problem | null };
  /**
   * The last run left an error, and the collection is synced again at its next date. The row does
   * not keep whether the run was snoozed or failed.
   */
  snoozed: { problem: Problem };
  /** A worker holds the lease. */
  busy: { holder: string | null; problem: Problem | null };
  parked: { problem: Problem | null; retryAt: Date | null };
  'reauth-required': unknown;
  gone: NothingToSync;
  /** A sync was requested, and no run has begun since. */
  requested: { since: Date | null };
  overdue: { dueAt: Date | null };
}

type Reason<K extends ReasonKind> = { kind: K } & ReasonData[K];

/** The most relevant reason for the state of a collection. */
export type Explanation = { [K in ReasonKind]: Reason<K> }[ReasonKind];

/** A delay of a minute exceeds the fleet's usual delay. */
const OVERDUE_MS = 60_000;

/** Returns the first reason that applies; the cases are ordered by relevance. Pure. */
export function explain(
  account: Pick<AccountView, 'state'>,
  c: CollectionView,
  nowMs: number,
): Explanation {
  if (account.state === 'reauth_required') return { kind: 'reauth-required' };
  if (account.state !== 'active')
    return { kind: 'gone', because: 'account-not-active', state: account.state };
  if (c.state === 'removing') return { kind: 'gone', because: 'resource-removed' };
  if (c.state === 'gone') return { kind: 'gone', because: 'not-shown', error: c.error };
  const problem = problemOf(c);
  if (isLeased(c, nowMs)) return { kind: 'busy', holder: c.leaseHolder, problem };
  if (c.parked !== null) return { kind: 'parked', problem, retryAt: c.nextSyncAt };
  if (c.heldSweep !== null) return { kind: 'held', sweep: c.heldSweep, problem };
  if (problem !== null) return { kind: 'snoozed', problem };
  if (isRequested(c)) return { kind: 'requested', since: c.requestedAt };
  if (isOverdue(c, nowMs)) return { kind: 'overdue', dueAt: c.nextSyncAt };
  return { kind: c.phase === 'incremental' ? 'caught-up' : 'more' };
}

/** Returns the explanation as text for a person. */
export function explanationWords(explanation: Explanation, nowMs: number): string {
  switch (explanation.kind) {
    case 'caught-up':
      return 'caught up';
    case 'more':
      return 'its full sync is under way, in slices';
    case 'held':
      return heldWords(explanation, nowMs);
    case 'snoozed':
      return problemWords(explanation.problem);
    case 'busy':
      return busyWords(explanation);
    case 'parked':
      return parkedWords(explanation, nowMs);
    case 'reauth-required':
      return 'not synced while the account is reauth_required';
    case 'gone':
      return nothingToSyncWords(explanation);
    case 'requested':
      return `requested since ${when(explanation.since, nowMs)}, not done yet; is a scheduler running, and a worker?`;
    case 'overdue':
      return `due ${when(explanation.dueAt, nowMs)}; is a scheduler running, and a worker?`;
    default:
      return unreachable(explanation);
  }
}

/** Whether a sync was requested and no run that began since has finished. */
export function isRequested(c: CollectionView): boolean {
  return c.requestedAt !== null && (c.caughtUpAt === null || c.caughtUpAt < c.requestedAt);
}

/** Whether a worker holds the collection's lease. */
export function isLeased(c: CollectionView, nowMs: number): boolean {
  return c.leaseUntil !== null && c.leaseUntil.getTime() > nowMs;
}

function isOverdue(c: CollectionView, nowMs: number): boolean {
  return c.nextSyncAt !== null && c.nextSyncAt.getTime() < nowMs - OVERDUE_MS;
}

function problemOf({ error, failures }: CollectionView): Problem | null {
  return error === null ? null : { error, failures };
}

function problemWords({ error, failures }: Problem): string {
  return failures > 1 ? `${error} (${failures} times in a row)` : error;
}

function busyWords({ holder, problem }: Reason<'busy'>): string {
  const words = `syncing now, held by ${holder ?? 'a worker'}`;
  return problem === null ? words : `${words}; before: ${problemWords(problem)}`;
}

function parkedWords({ problem, retryAt }: Reason<'parked'>, nowMs: number): string {
  const words = problem === null ? 'parked' : `parked: ${problemWords(problem)}`;
  return `${words}; tried again ${when(retryAt, nowMs)}, or at once when a new token is imported`;
}

function nothingToSyncWords(nothing: NothingToSync): string {
  switch (nothing.because) {
    case 'account-not-active':
      return `not synced while the account is ${nothing.state}`;
    case 'resource-removed':
      return 'no longer mirrored; its rows are being erased';
    case 'not-shown':
      return nothing.error === null
        ? 'Google no longer shows it'
        : `Google no longer shows it: ${nothing.error}`;
    default:
      return unreachable(nothing);
  }
}

/**
 * Describes a held sweep. The run that held the sweep has written the same text as its error, which
 * is not repeated.
 */
function heldWords({ sweep, problem }: Reason<'held'>, nowMs: number): string {
  const words = heldSweepWords(sweep, nowMs);
  return problem === null || problem.error.startsWith('held: ')
    ? words
    : `${problemWords(problem)}; ${words}`;
}
