import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { KnownIdentity, Store } from '@syncline/store';
import {
  hasKnownMessage,
  unproven,
  type IdentityOutcome,
} from '../../identity/identity-outcome.js';

/* The profile of a mailbox as evidence of its identity. */

export type Profile = Awaited<ReturnType<GoogleAccount['gmail']['profile']>>;

export type Checks = Pick<Store['grantChecks'], 'sample' | 'begin' | 'end'>;

/**
 * Number of stored messages that are requested for a grant without `sub`, a few at a time: one of
 * them suffices as proof. Costs 400 units at most, and only for such a grant.
 */
const SAMPLED_MESSAGES = 20;
/**
 * Google limits a mailbox's concurrent calls to some 25, and other accounts of the same mailbox may
 * be active.
 */
const MESSAGES_AT_ONCE = 4;
/** Longer than the calls of one check take. */
const CHECK_TTL_MS = 60_000;
const RECHECK_MS = 500;
/**
 * Reads the mailbox's profile, which names its address. Costs one unit.
 * @throws GoogleError
 */
export function mailboxProfile(google: GoogleAccount): Promise<Profile> {
  return google.gmail.profile();
}

/** @throws GoogleError when the result is undecided */
export async function byStoredMessages(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
  checks: Checks,
): Promise<IdentityOutcome> {
  if (!(await checks.begin(known.accountId, CHECK_TTL_MS))) throw underWay();
  try {
    const stored = await checks.sample(known.accountId, SAMPLED_MESSAGES);
    let undecided: GoogleError | null = null;
    for (let at = 0; at < stored.length; at += MESSAGES_AT_ONCE) {
      const ids = stored.slice(at, at + MESSAGES_AT_ONCE).map(({ id }) => id);
      const { messages, failed } = await google.gmail.getMessages(ids);
      if (hasKnownMessage(stored, messages)) return { kind: 'same', proof: 'message' };
      undecided ??= failed[0]?.error ?? null;
    }
    // A message without an answer may be the one that proves it.
    if (undecided) throw undecided;
    return unproven(known, address, { kind: 'no-known-message', asked: stored.length });
  } finally {
    await checks.end(known.accountId);
  }
}

/**
 * The error of a run while another collection's run makes the check: this one waits for its result.
 */
function underWay(): GoogleError {
  return new GoogleError('gmail.users.messages.get', {
    kind: 'rate-limited',
    scope: 'concurrency',
    retryAfterMs: RECHECK_MS,
    source: 'governor',
  });
}
