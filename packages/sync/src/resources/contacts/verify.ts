import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { Store } from '@syncline/store';
import { fingerprint } from '../../fingerprint.js';
import { isRefusedAlone } from '../../account-refusal.js';
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
export async function verifyContacts({
  store,
  account,
  accountId,
  options: { progress },
  catchUp,
}: Comparison): Promise<Drift> {
  const report: Drift = { checked: 0, missing: [], extra: [], stale: [], unread: [] };
  const first = await compareLists(store, account, accountId);
  report.checked = first.checked;
  progress?.(first.checked);
  if (first.differences.size + first.unread.length === 0) return report;
  await catchUp();
  const second = await compareLists(store, account, accountId);
  for (const [id, kind] of second.differences)
    if (first.differences.get(id) === kind) report[kind].push(id);
  report.unread.push(...second.unread);
  return report;
}

type Difference = 'missing' | 'extra' | 'stale';

interface Compared {
  checked: number;
  differences: Map<string, Difference>;
  unread: string[];
}

async function compareLists(
  store: Store,
  account: GoogleAccount,
  accountId: string,
): Promise<Compared> {
  const all: Compared = { checked: 0, differences: new Map(), unread: [] };
  const errors: GoogleError[] = [];
  for (const list of LISTS) {
    const source = await fingerprintsOf(account, list).catch((error: unknown) => {
      // Each list has a scope of its own, which the grant may lack.
      if (!isRefusedAlone(error)) throw error;
      return error;
    });
    if (source instanceof GoogleError) {
      errors.push(source);
      all.unread.push(list.method);
    } else {
      all.checked += source.size;
      await compareList(store, accountId, list, source, all.differences);
    }
  }
  if (errors[0] && errors.length === LISTS.length) throw errors[0];
  return all;
}

async function compareList(
  store: Store,
  accountId: string,
  list: ContactList,
  source: Map<string, string>,
  differences: Map<string, Difference>,
): Promise<void> {
  for await (const { id, resource } of store.mirror.contacts(accountId, list.kind)) {
    const there = source.get(id);
    if (there === undefined) differences.set(id, 'extra');
    else if (there !== fingerprint(resource)) differences.set(id, 'stale');
    source.delete(id);
  }
  for (const id of source.keys()) differences.set(id, 'missing');
}
