import type { GoogleAccount } from '@syncline/google';
import type { GoogleKeys, KnownIdentity } from '@syncline/store';
import { addressOf, byRows, type Checks, type Profile } from '../resources/identity.js';
import { byKeys, type IdentityOutcome } from './judge.js';

/**
 * What a check has found out, and the profile if it has read it: a full sync begins with one as
 * well.
 */
export interface Checked {
  outcome: IdentityOutcome;
  keys: GoogleKeys;
  profile: Profile | null;
}

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
  const named = owner.address === null ? await addressOf(google, known) : owner;
  const keys = { sub: owner.sub, address: named.address };
  const profile = 'profile' in named ? named.profile : null;
  const outcome =
    byKeys(known, keys.sub, keys.address) ?? (await byRows(google, known, keys.address, checks));
  return { outcome, keys, profile };
}
