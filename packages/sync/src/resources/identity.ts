import { addressOrNull, GoogleError, type GoogleAccount } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { KnownIdentity } from '@syncline/store';
import {
  sameAddress,
  unproven,
  type Evidence,
  type IdentityOutcome,
  type Unprovable,
} from '../identity/identity-outcome.js';
import { answerOf } from '../error-outcomes.js';
import { primaryIdOf } from './calendar/identity.js';
import { byStoredContacts } from './contacts/identity.js';
import { byStoredMessages, mailboxProfile, type Checks, type Profile } from './gmail/identity.js';

export type { Checks, Profile } from './gmail/identity.js';

/* The resources' evidence of whose an account is, in the order in which they are asked. */

/**
 * The source of an address that Google named: the mailbox's profile decides; the list is only a
 * hint.
 */
export type AddressSource = 'profile' | 'list';

/**
 * Returns the address that decides where an account has a mailbox (1 unit); null where it has none.
 * @throws GoogleError
 */
export async function decisiveAddress(
  google: GoogleAccount,
  { resources }: Pick<KnownIdentity, 'resources'>,
): Promise<string | null> {
  return resources.includes('gmail') ? (await mailboxProfile(google)).emailAddress : null;
}

/**
 * Returns the mailbox's address; without a mailbox, the primary calendar's id, which is its owner's
 * address. Contacts name no address of their owner.
 * @throws GoogleError when Google does not give it
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
  const primary = resources.includes('calendar') ? await primaryIdOf(google) : null;
  return { address: addressOrNull(primary), profile: null };
}

/**
 * Decides by the stored rows: by messages where there are any, by contacts where there is nothing
 * else. The id of the primary calendar is an address, which may have been reassigned to another
 * person: it never replaces messages that the grant cannot read.
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
      case 'people':
        return await byStoredContacts(google, known, address);
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

function evidenceOf({ hasMessages, primaryAddress, people }: KnownIdentity): Evidence | null {
  if (hasMessages) return 'messages';
  if (primaryAddress !== null) return 'primary-address';
  return people.length > 0 ? 'people' : null;
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

const COVERED: Record<Evidence, string> = {
  messages: 'mail',
  'primary-address': 'calendars',
  people: 'contacts',
};

/** Returns, for a person, why nothing proves that a grant is the account's. */
export function contradiction(because: Unprovable): string {
  switch (because.kind) {
    case 'no-known-message':
      return `its mailbox has none of ${because.asked} stored messages`;
    case 'other-primary-address':
      return 'its primary calendar is another one';
    case 'no-known-contact':
      return `it has none of ${because.asked} stored contacts and groups`;
    case 'no-evidence':
      return 'neither messages nor a primary calendar nor contacts are stored, which could prove it';
    case 'not-covered':
      return `it does not cover the account's ${COVERED[because.evidence]}, which could prove it`;
    default:
      return unreachable(because);
  }
}

/**
 * Whether the grant does not cover this API, or the account does not have it: another API may still
 * decide.
 */
function isClosed(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'forbidden';
}

/**
 * Whether the account's rows cannot be requested with this grant, now or later. Any other refusal
 * (of the project, or by an administrator) may end, and decides nothing.
 */
function isNotCovered(error: unknown): boolean {
  return (
    error instanceof GoogleError &&
    ['scope-missing', 'no-mailbox'].includes(answerOf(error.detail, false))
  );
}
