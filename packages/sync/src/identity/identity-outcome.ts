import { comparableAddress } from '@syncline/runtime';
import type { KnownIdentity } from '@syncline/store';

/*
 * Decides whether a grant belongs to an account, from stored data and Google's answers. Pure.
 *
 * If `sub` is known on both sides, it alone decides. Without it an address proves nothing for an
 * account that has rows, since addresses are reassigned to other people: the mailbox must then
 * still hold a message that is stored.
 */

/** The reason why a grant counts as the account's own. */
type Proof =
  | 'sub'
  /** The rows were read with this grant. */
  | 'same-grant'
  /** A person confirmed it. */
  | 'vouched'
  /** There are no rows yet, and the address is the account's. */
  | 'address'
  | 'message'
  /** The primary calendar's id, which is the account's address. */
  | 'primary-address'
  | 'contact';

export type NotTheSame = { kind: 'other'; address: string | null } | Unproven;

export interface Unproven {
  kind: 'unproven';
  because: Unprovable;
  /** The grant's address, if it is known and differs from the account's. */
  otherAddress: string | null;
}

export type Unprovable =
  /** @property asked number of stored messages that Google was asked for; it has none of them */
  | { kind: 'no-known-message'; asked: number }
  | { kind: 'other-primary-address' }
  /** @property asked number of stored contacts and groups that Google was asked for */
  | { kind: 'no-known-contact'; asked: number }
  /**
   * There are neither messages nor a primary address nor contacts. Labels prove nothing: each
   * mailbox numbers its own labels from one, and names repeat.
   */
  | { kind: 'no-evidence' }
  /** The grant's scopes do not allow requests for the rows that would prove it. */
  | { kind: 'not-covered'; evidence: Evidence };

/** The rows by which a grant without `sub` is compared. */
export type Evidence = 'messages' | 'primary-address' | 'people';

export type IdentityOutcome = { kind: 'same'; proof: Proof } | NotTheSame;

/** Decides by the keys alone; null when the rows have to be compared. */
export function byKeys(
  known: KnownIdentity,
  sub: string | null,
  address: string | null,
): IdentityOutcome | null {
  if (known.googleSub !== null && sub !== null)
    return known.googleSub === sub ? { kind: 'same', proof: 'sub' } : { kind: 'other', address };
  if (known.verified) return { kind: 'same', proof: 'same-grant' };
  if (known.vouched) return { kind: 'same', proof: 'vouched' };
  if (known.hasRows) return null;
  return address !== null && sameAddress(address, known.email)
    ? { kind: 'same', proof: 'address' }
    : { kind: 'other', address };
}

/**
 * Whether the mailbox still has a stored message, received at the same millisecond. One suffices:
 * Gmail never reuses an id within a mailbox.
 */
export function hasKnownMessage(
  stored: readonly { id: string; internalDateMs: number }[],
  found: readonly { id?: string | null; internalDate?: string | null }[],
): boolean {
  const dates = new Map(stored.map(({ id, internalDateMs }) => [id, internalDateMs]));
  return found.some(
    ({ id, internalDate }) => id && internalDate && dates.get(id) === Number(internalDate),
  );
}

export function unproven(
  known: KnownIdentity,
  address: string | null,
  because: Unprovable,
): Unproven {
  const isOther = address !== null && !sameAddress(address, known.email);
  return { kind: 'unproven', because, otherAddress: isOther ? address : null };
}

/**
 * Compares addresses without case. Gmail's own domain has two names, and dots and what follows a
 * plus do not count in it (Gmail Help, "Dots don't matter").
 */
export function sameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  const [local, domain] = split(comparableAddress(address));
  if (domain !== 'gmail.com' && domain !== 'googlemail.com') return `${local}@${domain}`;
  return `${(local.split('+')[0] ?? '').replaceAll('.', '')}@gmail.com`;
}

function split(address: string): [string, string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, Math.max(0, at)), address.slice(at + 1)];
}
