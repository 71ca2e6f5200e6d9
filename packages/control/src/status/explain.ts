/** Explains why a collection is fresh or stale: one reason as data, and its text. */
import { unreachable } from '@syncline/runtime';
import type { AccountState, AccountView, CollectionView, HeldSweepView } from '@syncline/store';
import { heldSweepWords, when } from '../words.js';

/** The last error of a collection. */
interface Problem {
  error: string;
  /** Failed runs in a row. */
  failures: number;
}

/** The most relevant reason for the state of a collection. */
export type Explanation =
  | { code: 'account-not-active'; state: AccountState }
  /** Its resource is no longer mirrored. */
  | { code: 'removing' }
  | { code: 'gone'; error: string | null }
  /** A worker holds its lease. */
  | { code: 'syncing'; holder: string | null; problem: Problem | null }
  | { code: 'parked'; problem: Problem | null; retryAt: Date | null }
  | { code: 'sweep-held'; sweep: HeldSweepView; problem: Problem | null }
  | { code: 'failing'; problem: Problem }
  /** A sync was requested, and no run has begun since. */
  | { code: 'requested'; since: Date | null }
  | { code: 'overdue'; dueAt: Date | null }
  | { code: 'fresh' }
  | { code: 'full-sync' };

/** A delay of a minute exceeds the fleet's usual delay. */
const OVERDUE_MS = 60_000;

/** Returns the first reason that applies; the cases are ordered by relevance. Pure. */
export function explain(
  account: Pick<AccountView, 'state'>,
  c: CollectionView,
  nowMs: number,
): Explanation {
  if (account.state !== 'active') return { code: 'account-not-active', state: account.state };
  if (c.state === 'removing') return { code: 'removing' };
  if (c.state === 'gone') return { code: 'gone', error: c.error };
  const problem = problemOf(c);
  if (isLeased(c, nowMs)) return { code: 'syncing', holder: c.leaseHolder, problem };
  if (c.parked !== null) return { code: 'parked', problem, retryAt: c.nextSyncAt };
  if (c.heldSweep !== null) return { code: 'sweep-held', sweep: c.heldSweep, problem };
  if (problem !== null) return { code: 'failing', problem };
  if (isRequested(c)) return { code: 'requested', since: c.requestedAt };
  if (isOverdue(c, nowMs)) return { code: 'overdue', dueAt: c.nextSyncAt };
  return { code: c.phase === 'incremental' ? 'fresh' : 'full-sync' };
}

/** Returns the explanation as text for a person. */
export function explanationWords(explanation: Explanation, nowMs: number): string {
  switch (explanation.code) {
    case 'account-not-active':
      return `not synced while the account is ${explanation.state}`;
    case 'removing':
      return 'mirrored no more; its rows are being erased';
    case 'gone':
      return goneWords(explanation.error);
    case 'syncing':
      return syncingWords(explanation);
    case 'parked':
      return parkedWords(explanation, nowMs);
    case 'sweep-held':
      return sweepWords(explanation, nowMs);
    case 'failing':
      return problemWords(explanation.problem);
    case 'requested':
      return `requested since ${when(explanation.since, nowMs)}, not done yet; is a scheduler running, and a worker?`;
    case 'overdue':
      return `due ${when(explanation.dueAt, nowMs)}; is a scheduler running, and a worker?`;
    case 'fresh':
      return 'fresh';
    case 'full-sync':
      return 'its full sync goes on in slices';
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

function goneWords(error: string | null): string {
  return error === null ? 'Google no longer shows it' : `Google no longer shows it: ${error}`;
}

function syncingWords({ holder, problem }: Extract<Explanation, { code: 'syncing' }>): string {
  const words = `at work now, held by ${holder ?? 'a worker'}`;
  return problem === null ? words : `${words}; before: ${problemWords(problem)}`;
}

function parkedWords(
  { problem, retryAt }: Extract<Explanation, { code: 'parked' }>,
  nowMs: number,
): string {
  const words = problem === null ? 'waits' : `rests, ${problemWords(problem)}`;
  return `${words}; tried again ${when(retryAt, nowMs)}, or at once when a new token is imported`;
}

/**
 * Describes a held sweep. The run that held the sweep has written the same text as its error, which
 * is not repeated.
 */
function sweepWords(
  { sweep, problem }: Extract<Explanation, { code: 'sweep-held' }>,
  nowMs: number,
): string {
  const words = heldSweepWords(sweep, nowMs);
  return problem === null || problem.error.startsWith('held: ')
    ? words
    : `${problemWords(problem)}; ${words}`;
}
