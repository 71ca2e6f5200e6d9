import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { KnownIdentity } from '@syncline/store';
import { sameAddress, unproven, type IdentityVerdict } from '../identity/judge.js';
import { primaryAddressOf } from './calendar/identity.js';
import { byStoredMessages, mailboxProfile, type Checks, type Profile } from './gmail/identity.js';

export { mailboxProfile, type Checks, type Profile } from './gmail/identity.js';

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
 */
export async function addressOf(
  google: GoogleAccount,
  { resources }: KnownIdentity,
): Promise<{ address: string | null; profile: Profile | null }> {
  try {
    if (resources.includes('gmail')) {
      const profile = await mailboxProfile(google);
      return { address: profile.emailAddress, profile };
    }
  } catch (error) {
    if (!isClosed(error) || !resources.includes('calendar')) throw error;
  }
  return { address: await primaryAddressOf(google), profile: null };
}

/** What the stored rows decide, of one resource after the other. @throws GoogleError */
export async function byRows(
  google: GoogleAccount,
  known: KnownIdentity,
  address: string | null,
  checks: Checks,
): Promise<IdentityVerdict> {
  const { primaryAddress } = known;
  try {
    if (known.hasMessages) return await byStoredMessages(google, known, address, checks);
  } catch (error) {
    if (!isClosed(error) || primaryAddress === null) throw error;
  }
  const now = await primaryAddressOf(google);
  return primaryAddress !== null && now !== null && sameAddress(primaryAddress, now)
    ? { kind: 'same', proof: 'primary-address' }
    : unproven(known, now ?? address, 0);
}

/**
 * What speaks against a grant, for a person.
 * @param asked messages that Google was asked for; 0 when the calendars decided
 */
export function contradiction(asked: number): string {
  return asked > 0
    ? `its mailbox has none of ${asked} stored messages`
    : 'its primary calendar is another one';
}

/**
 * The grant does not cover this API, or the account has none of it: what Google says elsewhere may
 * still decide.
 */
function isClosed(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'forbidden';
}
