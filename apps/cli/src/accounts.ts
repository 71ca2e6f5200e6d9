/** Finds the account that an address on the command line denotes. */
import * as accounts from '@syncline/control/accounts';
import type { AccountRefusal, Found } from '@syncline/control/accounts';
import { OperatorError, unreachable } from '@syncline/runtime';
import type { AccountView, NamedAccount, Store } from '@syncline/store';
import { UsageError } from './errors.js';

/**
 * Finds the account of `email`.
 * @throws OperatorError when there is none; UsageError when several tenants have it and none is
 * named
 */
export async function findAccount(
  store: Store,
  email: string,
  tenant?: string,
): Promise<NamedAccount> {
  return foundOr(await accounts.findAccount({ store }, { email, tenant }));
}

/** Finds the account with its collections. */
export async function findAccountView(
  store: Store,
  email: string,
  tenant?: string,
): Promise<AccountView> {
  return foundOr(await accounts.findAccountView({ store }, { email, tenant }));
}

/**
 * Finds the accounts of `emails` in the same way as `findAccount`; null when none are named, which
 * means all.
 */
export async function findAccounts(
  store: Store,
  emails: readonly string[],
  tenant?: string,
): Promise<NamedAccount[] | null> {
  return foundOr(await accounts.findAccounts({ store }, { emails, tenant }));
}

/** @throws OperatorError or UsageError with what a person can do about the refusal */
export function foundOr<T>(result: Found<T>): T {
  if (result.kind === 'found') return result.found;
  throw refusalError(result);
}

function refusalError(refusal: AccountRefusal): Error {
  switch (refusal.kind) {
    case 'not-found': {
      const { email, tenant, otherTenants } = refusal;
      return new OperatorError(
        otherTenants.length === 0
          ? `No account has the address ${email}. See: syncline accounts list`
          : `The tenant ${tenant} has no account ${email}; ${otherTenants.join(', ')} has.`,
      );
    }
    case 'ambiguous':
      return new UsageError(
        `${refusal.email} is connected by several tenants (${refusal.tenants.join(', ')}): name one with --tenant`,
      );
    case 'unknown-id':
      return new OperatorError(
        `${refusal.id} is neither an address nor the id of an account, a collection, an operation or a connect session. See: syncline accounts list --json`,
      );
    case 'tenant-without-accounts':
      return new OperatorError(
        `tenant ${refusal.tenant} has no accounts. See: syncline accounts list`,
      );
    default:
      return unreachable(refusal);
  }
}
