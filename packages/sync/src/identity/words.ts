import { unreachable } from '@syncline/runtime';
import type { KnownIdentity, Store } from '@syncline/store';
import { contradiction } from '../resources/identity.js';
import type { NotTheSame } from './identity-outcome.js';

/** The state of an account that waits for a person, or for Google to accept its grant again. */
export type Held = Parameters<Store['grantChecks']['hold']>[2];

/**
 * Returns `a***@example.com`: a person who knows the addresses recognizes it, and it does not
 * disclose the address.
 */
export function masked(address: string | null): string {
  if (address === null) return 'whose address is unknown';
  const at = address.lastIndexOf('@');
  return at < 1
    ? '***'
    : `${String.fromCodePoint(address.codePointAt(0) ?? 0x2a)}***${address.slice(at)}`;
}

/**
 * Returns the state of an account whose grant is not known to be its own, and what a person can do.
 */
export function heldAccountState(outcome: NotTheSame, known: Pick<KnownIdentity, 'email'>): Held {
  switch (outcome.kind) {
    case 'other':
      return {
        state: 'reauth_required',
        code: 'identity-refused',
        reason: `this grant belongs to another Google account (${masked(outcome.address)}); import a grant of ${masked(known.email)}`,
      };
    case 'unproven':
      return {
        state: 'reauth_required',
        code: 'identity-unproven',
        reason: `${
          outcome.otherAddress === null
            ? 'nothing proves that this grant belongs to the same Google account'
            : `this grant belongs to another Google account (${masked(outcome.otherAddress)}) as far as is known`
        }: ${contradiction(outcome.because)}; if it is the same account, run: syncline accounts resume EMAIL --same-mailbox; otherwise remove the account and import it again`,
      };
    default:
      return unreachable(outcome);
  }
}

/**
 * Returns the state of an account whose mailbox now has the address of another account of its
 * tenant.
 */
export function addressTaken(address: string | null): Held {
  return {
    state: 'disabled',
    code: 'address-taken',
    reason: `its mailbox has another address by now (${masked(address)}), which another account of the tenant has; remove that account, or wait until it is renamed, then run: syncline accounts resume EMAIL`,
  };
}
