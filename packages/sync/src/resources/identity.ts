import { addressOrNull, GoogleError, type GoogleAccount } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { KnownIdentity } from '@syncline/store';
import {
  sameAddress,
  unproven,
  type Evidence,
  type IdentityOutcome,
  type Unprovable,
} from '../identity/judge.js';
import { answerOf } from '../error-outcomes.js';
import { primaryIdOf } from './calendar/identity.js';
import { byStoredMessages, mailboxProfile, type Checks, type Profile } from './gmail/identity.js';

export type { Checks, Profile } from './gmail/identity.js';

/* What the resources tell of whose an account is, in the order in which they are asked. */

/** Where Google named an address: the mailbox's profile decides; the list only hints at it. */
export type AddressSource = 'profile' | 'list';

/**
 * The address that decides where an account has a mailbox (1 unit); null where it has none.
 * @throws GoogleError
 */
export async function decisiveAddress(
  google: GoogleAccount,
  { resources }: Pick<KnownIdentity, 'resources'>,
): Promise<string | null> {
  return resources.includes('gmail') ? (await mailboxProfile(google)).emailAddress : null;
}

/**
 * The mailbox names its address; where there is none, the primary calendar is called like its
 * owner.
 * @throws GoogleError when Google does not tell it
 */
export async function addressOf(
  google: GoogleAccount,
  { resources }: Pick<KnownIdentity, 'resources'>,
): Promise<{ address: string | null; profile: Profile | null }> {
  try {
    if (resources.includes('gmail')) {
      const profile = await mailboxProfile(google);
      return { address: profile.emailAddress, profile };
    }
  } catch (error) {
    if (!isClosed(error) || !resources.includes('calendar')) throw error;
  }
  return { address: addressOrNull(await primaryIdOf(google)), profile: null };
}

/**
 * What the stored rows decide. Messages do where there are any. The id of the primary calendar is an
 * address, which may have been given to another person: it never stands in for messages that the
 * grant does not show.
 * @throws GoogleError when nothing is decided
 */
export async function byRows(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
  checks: Checks,
): Promise<IdentityOutcome> {
  const evidence = evidenceOf(known);
  try {
    switch (evidence) {
      case 'messages':
        return await byStoredMessages(google, known, address, checks);
      case 'primary-address':
        return await byPrimaryAddress(google, known, address);
      case null:
        return unproven(known, address, { kind: 'no-evidence' });
      default:
        return unreachable(evidence);
    }
  } catch (error) {
    if (evidence === null || !isNotCovered(error)) throw error;
    return unproven(known, address, { kind: 'not-covered', evidence });
  }
}

function evidenceOf({ hasMessages, primaryAddress }: KnownIdentity): Evidence | null {
  if (hasMessages) return 'messages';
  return primaryAddress === null ? null : 'primary-address';
}

async function byPrimaryAddress(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
): Promise<IdentityOutcome> {
  const { primaryAddress } = known;
  const now = await primaryIdOf(google);
  return primaryAddress !== null && now !== null && sameAddress(primaryAddress, now)
    ? { kind: 'same', proof: 'primary-address' }
    : unproven(known, addressOrNull(now) ?? address, { kind: 'other-primary-address' });
}

/** Why nothing proves that a grant is the account's, for a person. */
export function contradiction(because: Unprovable): string {
  switch (because.kind) {
    case 'no-known-message':
      return `its mailbox has none of ${because.asked} stored messages`;
    case 'other-primary-address':
      return 'its primary calendar is another one';
    case 'no-evidence':
      return 'neither messages nor a primary calendar are stored, which could prove it';
    case 'not-covered':
      return because.evidence === 'messages'
        ? "it does not cover the account's mail, which could prove it"
        : "it does not cover the account's calendars, which could prove it";
    default:
      return unreachable(because);
  }
}

/**
 * The grant does not cover this API, or the account has none of it: what Google says elsewhere may
 * still decide.
 */
function isClosed(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'forbidden';
}

/**
 * The account's rows cannot be asked for with this grant, now or later. Any other refusal (of the
 * project, or by an administrator) may end, and decides nothing.
 */
function isNotCovered(error: unknown): boolean {
  return (
    error instanceof GoogleError &&
    ['scope-missing', 'no-mailbox'].includes(answerOf(error.detail, false))
  );
}
