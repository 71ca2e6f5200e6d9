import type { GoogleAccount } from '@syncline/google';
import type { AccountImport, KnownIdentity } from '@syncline/store';
import { addressOf, byRows, type Checks, type Profile } from '../resources/identity.js';
import { byKeys, type IdentityOutcome } from './identity-outcome.js';

/** Google's information about the owner of a grant. */
export type GoogleKeys = NonNullable<AccountImport['owner']>;

/**
 * The result of a check, and the profile if the check has read it: a full sync needs the profile as
 * well.
 */
export interface Checked {
  outcome: IdentityOutcome;
  keys: GoogleKeys;
  profile: Profile | null;
}

/**
 * Asks Google which identity a grant belongs to. With the scopes `openid email` the token contains
 * the answer; without them it costs a profile (1 unit) and, for an account with rows, the sampled
 * messages.
 * @throws GoogleError when no answer of Google decides: nothing is concluded, and the check is
 * repeated later
 */
export async function ownerOfGrant(
  google: GoogleAccount,
  known: KnownIdentity,
  checks: Checks,
): Promise<Checked> {
  return checkedOwner(google, known, checks, await google.owner());
}

/**
 * Decides for an owner that Google has named already.
 * @throws GoogleError as `ownerOfGrant`
 */
export async function checkedOwner(
  google: GoogleAccount,
  known: KnownIdentity,
  checks: Checks,
  owner: GoogleKeys,
): Promise<Checked> {
  const named = owner.address === null ? await addressOf(google, known) : owner;
  const keys = { sub: owner.sub, address: named.address };
  const profile = 'profile' in named ? named.profile : null;
  const outcome =
    byKeys(known, keys.sub, keys.address) ?? (await byRows(google, known, keys.address, checks));
  return { outcome, keys, profile };
}
