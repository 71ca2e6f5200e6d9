import { GoogleError, type Google, type GoogleAccount } from '@syncline/google';
import { unreachable, type Runtime } from '@syncline/runtime';
import type { KnownIdentity, Store } from '@syncline/store';
import { decisiveAddress, type AddressSource, type Profile } from '../resources/identity.js';
import { ownerOfGrant, type GoogleKeys } from './ask-google.js';
import { sameAddress, type NotTheSame } from './identity-outcome.js';
import { addressTaken, heldAccountState, type Held } from './words.js';

/*
 * An account's rows come from that account's Google identity only. A grant is not used before it
 * has passed this check. The check binds the account to the identity and stores the number of the
 * grant, so later runs need no further check until another grant is imported.
 */

export type GrantCheck =
  /** @property profile what the check has read of the mailbox, so that it is not read again */
  | { kind: 'passed'; profile: Profile | null }
  /** The account now waits for a person. */
  | { kind: 'held'; reason: string }
  /** Another grant was imported meanwhile: the next run checks that one. */
  | { kind: 'grant-replaced' };

export interface CheckedAccount {
  accountId: string;
  project: string;
  grant: number;
}

/** Thrown by work for an account that meanwhile began to wait for a person. */
export class AccountHeld extends Error {
  override readonly name = 'AccountHeld';
  constructor(readonly reason: string) {
    super(`the account waits for a person: ${reason}`);
  }
}

export interface CheckDeps {
  store: Store;
  google: Google;
}

/** @throws GoogleError when no answer of Google decides; nothing has changed then */
export async function checkGrant(
  rt: Runtime,
  deps: CheckDeps,
  google: GoogleAccount,
  account: CheckedAccount,
): Promise<GrantCheck> {
  const { store } = deps;
  const known = await store.grantChecks.known(account.accountId);
  if (!known || known.grant !== account.grant) return { kind: 'grant-replaced' };
  const { outcome, keys, profile } = await ownerOfGrant(google, known, store.grantChecks).catch(
    asUndecided,
  );
  if (outcome.kind !== 'same') {
    noteRefusal(rt, outcome, known);
    return await hold(store, account, heldAccountState(outcome, known));
  }
  return bind(rt, deps, google, account, { keys, profile });
}

/**
 * A "not found" of the check's requests concerns the check, not the collection whose run makes it.
 * @throws GoogleError
 */
function asUndecided(error: unknown): never {
  if (
    error instanceof GoogleError &&
    ['not-found', 'sync-position-expired', 'rejected'].includes(error.detail.kind)
  )
    throw new GoogleError(
      error.method,
      { kind: 'unavailable', retryAfterMs: null },
      { cause: error },
    );
  throw error;
}

/**
 * Handles the `address` by which Google names the account's mailbox or primary calendar. An address
 * other than the stored one is a new name of the same Google account, since the grant is the same:
 * the account's address, its watch and its aliases are updated. The mailbox's address decides where
 * there is a mailbox; it is requested (1 unit) when the account's calendar has another name.
 * @returns null when there is nothing to update
 */
export async function adoptAddress(
  rt: Runtime,
  deps: CheckDeps,
  google: GoogleAccount,
  account: CheckedAccount & { email: string },
  address: string,
  of: AddressSource,
): Promise<GrantCheck | null> {
  if (sameAddress(address, account.email)) return null;
  if (of === 'list') {
    const known = await deps.store.grantChecks.known(account.accountId);
    if (!known) return { kind: 'grant-replaced' };
    const decisive = await decisiveAddress(google, known);
    if (decisive !== null) return adoptAddress(rt, deps, google, account, decisive, 'profile');
  }
  return bind(rt, deps, google, account, { keys: { sub: null, address }, profile: null });
}

/** Logs that a grant of another Google account was imported: a security event for the operator. */
export function noteRefusal(
  rt: Runtime,
  outcome: NotTheSame,
  known: Pick<KnownIdentity, 'tenant' | 'email'> & { accountId: string | null },
): void {
  const { accountId, tenant } = known;
  rt.log.warn(
    { event: 'identity_refused', outcome: outcome.kind, accountId, tenant },
    heldAccountState(outcome, known).reason,
  );
}

async function bind(
  rt: Runtime,
  deps: CheckDeps,
  google: GoogleAccount,
  account: CheckedAccount,
  { keys, profile }: { keys: GoogleKeys; profile: Profile | null },
): Promise<GrantCheck> {
  const { accountId, grant } = account;
  const { store } = deps;
  const bound = await store.identities.bind(accountId, grant, keys);
  switch (bound.kind) {
    case 'bound':
      await google.chargeTo(bound.identityId, {
        merged: bound.merged,
        shared: (await store.identities.accountsSharing(accountId)).length > 1,
      });
      if (bound.renamedFrom !== null)
        rt.log.info(
          { event: 'account_renamed', accountId },
          "the account's address was changed to its Google account's",
        );
      return { kind: 'passed', profile };
    case 'address-taken':
      return await hold(store, account, addressTaken(keys.address));
    case 'grant-replaced':
      return bound;
    default:
      return unreachable(bound);
  }
}

async function hold(
  { grantChecks }: Pick<Store, 'grantChecks'>,
  { accountId, grant }: CheckedAccount,
  held: Held,
): Promise<GrantCheck> {
  return (await grantChecks.hold(accountId, grant, held))
    ? { kind: 'held', reason: held.reason }
    : { kind: 'grant-replaced' };
}
