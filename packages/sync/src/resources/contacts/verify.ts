import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { Store } from '@syncline/store';
import { isRefusedAlone } from '../../account-refusal.js';
import {
  compareTwice,
  differencesOf,
  type Compared,
  type Difference,
} from '../../compare-twice.js';
import type { Comparison } from '../../verify.js';
import type { Drift } from '../resource.js';
import {
  CONNECTIONS_LIST,
  CONTACT_GROUPS_LIST,
  fingerprintsOf,
  OTHER_CONTACTS_LIST,
  type ContactList,
} from './lists.js';

/* Verification of contacts. */

const LISTS: readonly ContactList[] = [CONNECTIONS_LIST, OTHER_CONTACTS_LIST, CONTACT_GROUPS_LIST];

/**
 * Compares every item of the three lists, and compares differing ones a second time. Ids are
 * resource names; of a list that cannot be read, Google's name of the listing.
 * @throws GoogleError when no list can be read
 */
export function verifyContacts(comparison: Comparison): Promise<Drift> {
  const { store, account, accountId } = comparison;
  return compareTwice(comparison, () => compareLists(store, account, accountId));
}

async function compareLists(
  store: Store,
  account: GoogleAccount,
  accountId: string,
): Promise<Compared> {
  let checked = 0;
  const differences = new Map<string, Difference>();
  const unread: string[] = [];
  const errors: GoogleError[] = [];
  for (const list of LISTS) {
    const source = await fingerprintsOf(account, list).catch((error: unknown) => {
      // Each list has a scope of its own, which the grant may lack.
      if (!isRefusedAlone(error)) throw error;
      return error;
    });
    if (source instanceof GoogleError) {
      errors.push(source);
      unread.push(list.method);
    } else {
      checked += source.size;
      const found = await differencesOf(rowsOf(store, accountId, list), source);
      for (const [id, kind] of found) differences.set(id, kind);
    }
  }
  if (errors[0] && errors.length === LISTS.length) throw errors[0];
  return { checked, differences, unread };
}

async function* rowsOf(
  store: Store,
  accountId: string,
  { kind }: ContactList,
): AsyncGenerator<{ id: string; item: unknown }> {
  for await (const { id, resource } of store.mirror.contacts(accountId, kind))
    yield { id, item: resource };
}
