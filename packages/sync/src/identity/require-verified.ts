import type { CallOptions, Google, GoogleAccount } from '@syncline/google';
import { OperatorError, type Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { callerOf } from '../caller.js';
import { checkGrant } from './check-grant.js';

/**
 * Returns Google access in an account's name for a person's request outside the account's runs. A
 * grant that was not checked yet is checked first: another person's grant would show another
 * mailbox, and a comparison with that mailbox would report every row of the account.
 * @throws OperatorError when the grant is not known to be the account's own; GoogleError when the
 * check got no answer
 */
export async function verifiedAccount(
  rt: Runtime,
  { store, google }: { store: Store; google: Google },
  accountId: string,
  options: CallOptions,
): Promise<GoogleAccount> {
  const caller = await store.accounts.caller(accountId);
  if (!caller) throw new OperatorError('the account no longer exists');
  const account = google.account(accountId, { ...options, ...callerOf(caller) });
  const { verified, number } = caller.grant;
  if (verified) return account;
  const check = await checkGrant(rt, { store, google }, account, {
    accountId,
    project: caller.project,
    grant: number,
  });
  if (check.kind === 'passed') return account;
  throw new OperatorError(
    check.kind === 'held'
      ? `Google is not asked for this account: ${check.reason}`
      : 'Google is not asked for this account: its grant is not known to be its own (syncline why EMAIL)',
  );
}
