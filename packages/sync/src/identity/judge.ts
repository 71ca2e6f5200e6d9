import type { KnownIdentity, StoredMessageDate } from '@syncline/store';

/*
 * Decides whether a grant belongs to an account, from stored data and Google's answers. Pure.
 *
 * `sub` on both sides decides alone. Without it an address proves nothing for an account that has
 * rows, since addresses are given to other people: then the mailbox must still hold a message that
 * we know.
 */

/** Why a grant is taken for the account's own. */
type Proof =
  | 'sub'
  /** It brought the rows. */
  | 'same-grant'
  /** A person said so. */
  | 'vouched'
  /** There are no rows yet, and the address is the account's. */
  | 'address'
  | 'message'
  /** The primary calendar's id, which is the account's address. */
  | 'primary-address';

export type NotTheSame = { kind: 'other'; address: string | null } | Unproven;

export interface Unproven {
  kind: 'unproven';
  because: Unprovable;
  /** Where the grant tells one and it is not the account's. */
  otherAddress: string | null;
}

export type Unprovable =
  /** @property asked stored messages that Google was asked for, and has none of */
  | { kind: 'no-known-message'; asked: number }
  | { kind: 'other-primary-address' }
  /**
   * There are neither messages nor a primary address. Labels prove nothing: each mailbox numbers its
   * own from one, and names repeat.
   */
  | { kind: 'no-evidence' }
  /** The grant does not let the rows be asked for that would prove it. */
  | { kind: 'not-covered'; evidence: Evidence };

/** The rows that a grant without `sub` is compared by. */
export type Evidence = 'messages' | 'primary-address';

export type IdentityOutcome = { kind: 'same'; proof: Proof } | NotTheSame;

/** What the keys alone decide; null when the rows have to be looked at. */
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
 * One message that the mailbox still has, received at the same millisecond, suffices: Gmail never
 * gives an id twice in a mailbox.
 */
export function hasKnownMessage(
  stored: readonly StoredMessageDate[],
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
 * Without case; Gmail's own domain has two names, and dots and what follows a plus do not count in
 * it (Gmail Help, "Dots don't matter").
 */
export function sameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  const [local, domain] = split(address.toLowerCase());
  if (domain !== 'gmail.com' && domain !== 'googlemail.com') return `${local}@${domain}`;
  return `${(local.split('+')[0] ?? '').replaceAll('.', '')}@gmail.com`;
}

function split(address: string): [string, string] {
  const at = address.lastIndexOf('@');
  return [address.slice(0, Math.max(0, at)), address.slice(at + 1)];
}
