import type { Google, GoogleAccount } from '@syncline/google';
import type { Store } from '@syncline/store';

/**
 * An account was bound to its Google identity: from now on its calls, those of this run included, count in the identity's windows, together with what
 * it has spent before, and with what identities have spent that turned out to be this one.
 *
 * @param merged identities that are no more: runs that began before they were joined are held back until they begin anew
 */
export async function chargeToIdentity(
  { store, google }: { store: Store; google: Google },
  account: GoogleAccount,
  { accountId, project }: { accountId: string; project: string },
  { identityId, merged }: { identityId: string; merged: readonly string[] },
): Promise<void> {
  const sharing = await store.identities.accountsSharing(accountId);
  const shared = sharing.length > 1;
  const users = [
    { user: accountId, retired: false },
    ...merged.map((user) => ({ user, retired: true })),
  ];
  await google.joinUsers(project, users, identityId, shared);
  account.chargeTo(identityId, shared);
}
