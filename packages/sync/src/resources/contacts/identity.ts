import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { KnownIdentity } from '@syncline/store';
import { unproven, type IdentityOutcome } from '../../identity/identity-outcome.js';

/*
 * Stored contacts as evidence of whose an account is. Their resource names have random numbers of
 * 63 bits, so a grant that reads one of them belongs to the same Google account.
 */

type Evidence = Pick<GoogleAccount, 'people'>;

/**
 * Maximum number of pages of other contacts, of 1,000 each, that are searched: Google has no call
 * for one of them.
 */
const PAGES = 10;

/** @throws GoogleError when the result is undecided */
export async function byStoredContacts(
  google: Evidence,
  known: KnownIdentity,
  address: string | null,
): Promise<IdentityOutcome> {
  let undecided: GoogleError | null = null;
  for (const isFound of searches(google, known.people))
    try {
      if (await isFound()) return { kind: 'same', proof: 'contact' };
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      undecided ??= error;
    }
  // A list without an answer may have the one that proves it.
  if (undecided) throw undecided;
  return unproven(known, address, { kind: 'no-known-contact', asked: known.people.length });
}

/** Returns the calls that look for stored names, the cheapest first. */
function searches(google: Evidence, names: readonly string[]): readonly (() => Promise<boolean>)[] {
  const inCollection = (collection: string): string[] =>
    names.filter((name) => name.startsWith(`${collection}/`));
  const others = new Set(inCollection('otherContacts'));
  return [
    ...inCollection('people').map(
      (name) => async () => (await google.people.contact(name))?.resourceName === name,
    ),
    ...inCollection('contactGroups').map(
      (name) => async () => (await google.people.contactGroup(name)) !== null,
    ),
    ...(others.size > 0 ? [() => hasOneOf(google, others)] : []),
  ];
}

async function hasOneOf({ people }: Evidence, names: ReadonlySet<string>): Promise<boolean> {
  let pageToken: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const { items, nextPageToken } = await people.otherContacts({ syncToken: null, pageToken });
    if (items.some(({ id }) => names.has(id))) return true;
    if (nextPageToken === null) return false;
    pageToken = nextPageToken;
  }
  return false;
}
