import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { GoogleKeys, GrantChecks, KnownIdentity } from '@syncline/store';
import { byKeys, hasKnownMessage, sameAddress, unproven, type IdentityVerdict } from './judge.js';

/**
 * What a check has found out, and the profile if it has read it: a full sync begins with one as
 * well.
 */
export interface Checked {
  verdict: IdentityVerdict;
  keys: GoogleKeys;
  profile: Profile | null;
}

export type Profile = Awaited<ReturnType<GoogleAccount['gmail']['profile']>>;

type Checks = Pick<GrantChecks, 'sample' | 'begin' | 'end'>;

/**
 * Stored messages that a grant without `sub` is asked for, some at a time: one of them suffices.
 * 400 units at most, and only for such a grant.
 */
const SAMPLED_MESSAGES = 20;
/**
 * Google caps a mailbox's calls in flight at some 25, and other accounts of the same mailbox may be
 * at work.
 */
const MESSAGES_AT_ONCE = 4;
/** Longer than the calls of one check take. */
const CHECK_TTL_MS = 60_000;
const LOOK_AGAIN_MS = 500;
/** Pages of a calendar list that are read for its primary entry; it stands on the first one. */
const LIST_PAGES = 20;

/**
 * Asks Google whose a grant is. With the scopes `openid email` the token says it; without them it
 * costs a profile (1 unit), and for an account that has rows the messages that are asked for.
 * @throws GoogleError when Google gave no answer that decides: nothing is known then, and the check
 * is made again later
 */
export async function askWhose(
  google: GoogleAccount,
  known: KnownIdentity,
  checks: Checks,
): Promise<Checked> {
  const owner = await google.owner();
  const told = owner.address === null ? await addressOf(google, known) : owner;
  const keys = { sub: owner.sub, address: told.address };
  const profile = 'profile' in told ? told.profile : null;
  const verdict =
    byKeys(known, keys.sub, keys.address) ?? (await byRows(google, known, keys.address, checks));
  return { verdict, keys, profile };
}

/**
 * The mailbox names its address; where there is none, the primary calendar is called like its
 * owner.
 */
async function addressOf(
  google: GoogleAccount,
  { resources }: KnownIdentity,
): Promise<{ address: string | null; profile: Profile | null }> {
  try {
    if (resources.includes('gmail')) {
      const profile = await google.gmail.profile();
      return { address: profile.emailAddress, profile };
    }
  } catch (error) {
    if (!isClosed(error) || !resources.includes('calendar')) throw error;
  }
  return { address: await primaryCalendarOf(google), profile: null };
}

async function byRows(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
  checks: Checks,
): Promise<IdentityVerdict> {
  const { primaryCalendar } = known;
  try {
    if (known.hasMessages) return await byStoredMessages(google, known, address, checks);
  } catch (error) {
    if (!isClosed(error) || primaryCalendar === null) throw error;
  }
  const now = await primaryCalendarOf(google);
  return primaryCalendar !== null && now !== null && sameAddress(primaryCalendar, now)
    ? { kind: 'same', proof: 'primary-calendar' }
    : unproven(known, now ?? address, 0);
}

async function byStoredMessages(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
  checks: Checks,
): Promise<IdentityVerdict> {
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
    // A message that Google did not answer for may be the one that proves it.
    if (undecided) throw undecided;
    return unproven(known, address, stored.length);
  } finally {
    await checks.end(known.accountId);
  }
}

/** Another collection's run asks already: this one waits for what it finds out. */
function underWay(): GoogleError {
  return new GoogleError('gmail.users.messages.get', {
    kind: 'rate-limited',
    scope: 'concurrency',
    retryAfterMs: LOOK_AGAIN_MS,
    source: 'governor',
  });
}

async function primaryCalendarOf(google: GoogleAccount): Promise<string | null> {
  let pageToken: string | null = null;
  for (let page = 0; page < LIST_PAGES; page++) {
    const { items, nextPageToken } = await google.calendar.calendars({
      syncToken: null,
      pageToken,
    });
    const primary = items.find((entry) => entry.primary === true);
    if (primary?.id) return primary.id;
    if (nextPageToken === null) return null;
    pageToken = nextPageToken;
  }
  return null;
}

/**
 * The grant does not cover this API, or the account has none of it: what Google says elsewhere may
 * still decide.
 */
function isClosed(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'forbidden';
}
