/** Stopping the work for an account, and starting it again. */
import type { AccountState, NamedAccount, Store } from '@syncline/store';

interface Deps {
  store: { accounts: Pick<Store['accounts'], 'pause' | 'resume'> };
}

export type Paused =
  /** @property already it was paused before */
  { kind: 'paused'; already: boolean } | { kind: 'refused'; state: AccountState };

/**
 * The state of an account that cannot go on from where it is. `reauth_required` needs a new refresh
 * token.
 */
export type NotResumable = { kind: 'refused'; state: AccountState; reason: string | null };

/** No more work for the account; its rows stay. Runs that are under way end within two seconds. */
export async function pauseAccount({ store }: Deps, account: NamedAccount): Promise<Paused> {
  return (await store.accounts.pause(account.id))
    ? { kind: 'paused', already: account.state === 'paused' }
    : { kind: 'refused', state: account.state };
}

/**
 * The account goes on from its cursors, and everything of it is synced now. A grant that Google
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
 * A person says that the new grant is of the mailbox that is mirrored, although nothing proves it.
 * `not-waiting`: the account does not wait for that.
 */
export async function vouchForMailbox(
  { store }: { store: { grantChecks: Pick<Store['grantChecks'], 'vouch'> } },
  account: Pick<NamedAccount, 'id'>,
): Promise<'active' | 'not-waiting'> {
  return (await store.grantChecks.vouch(account.id)) ? 'active' : 'not-waiting';
}
