/** Pauses and resumes the work for an account. */
import type { AccountView, NamedAccount, Store } from '@syncline/store';

interface Deps {
  store: { accounts: Pick<Store['accounts'], 'pause' | 'resume'> };
}

export type Paused =
  /** @property already whether the account was paused before */
  { kind: 'paused'; already: boolean } | { kind: 'refused'; state: AccountView['state'] };

/** The state of an account that cannot be resumed. `reauth_required` needs a new refresh token. */
export type NotResumable = { kind: 'refused'; state: AccountView['state']; reason: string | null };

/** Stops the work for the account; its rows stay. Runs in progress end within two seconds. */
export async function pauseAccount({ store }: Deps, account: NamedAccount): Promise<Paused> {
  return (await store.accounts.pause(account.id))
    ? { kind: 'paused', already: account.state === 'paused' }
    : { kind: 'refused', state: account.state };
}

/**
 * Resumes the account from its cursors; all its collections are due at once. A grant that Google
 * refused is tried once.
 */
export async function resumeAccount(
  { store }: Deps,
  { id, state, reason }: NamedAccount,
): Promise<{ kind: 'active' } | NotResumable> {
  return (await store.accounts.resume(id))
    ? { kind: 'active' }
    : { kind: 'refused', state, reason };
}

/**
 * Records a person's confirmation that the new grant belongs to the mirrored mailbox, although
 * nothing proves it. `not-waiting`: the account does not wait for a confirmation.
 */
export async function confirmMailbox(
  { store }: { store: { grantChecks: Pick<Store['grantChecks'], 'vouch'> } },
  account: Pick<NamedAccount, 'id'>,
): Promise<'active' | 'not-waiting'> {
  return (await store.grantChecks.vouch(account.id)) ? 'active' : 'not-waiting';
}
