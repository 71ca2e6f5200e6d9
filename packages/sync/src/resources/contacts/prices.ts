import type { Config } from '@syncline/runtime';
import { pollsADay, type SyncPolicy } from '../../policy.js';

/* What contacts cost of the People API's quota, in requests. Pure. */

export interface ContactsShape {
  /**
   * Contacts and other contacts of an account, on average; null when they are not mirrored.
   */
  contactsPerAccount: number | null;
}

export interface ContactsPrices {
  /** Of the full syncs of an account. */
  peopleRequestsPerAccount: number;
  /** Those of them that are first pages, which Google also counts by a quota that it does not name. */
  peopleFirstPagesPerAccount: number;
}

/** The limits of Google's quota in requests. */
export interface PeopleLimits {
  userMinute: number;
  projectMinute: number;
}

/** Contacts, other contacts, and groups. */
const LISTS = 3;
const PEOPLE_PER_PAGE = 1_000;

/** Each list has a page, however short; the two lists of people share the rest of the people. */
export function contactsPrices({ contactsPerAccount }: ContactsShape): ContactsPrices {
  if (contactsPerAccount === null)
    return { peopleRequestsPerAccount: 0, peopleFirstPagesPerAccount: 0 };
  const further = Math.max(0, Math.ceil(contactsPerAccount / PEOPLE_PER_PAGE) - 1);
  return { peopleRequestsPerAccount: LISTS + further, peopleFirstPagesPerAccount: LISTS };
}

/** Contacts rarely change, so each list is polled at the idle interval. */
export function contactPolls({ contactsPerAccount }: ContactsShape, policy: SyncPolicy): number {
  return contactsPerAccount === null ? 0 : Math.ceil(LISTS * pollsADay(policy, 0));
}

export function peopleLimits(quotas: Config['quotas']): PeopleLimits {
  return {
    userMinute: quotas.peopleRequestsPerUserMinute,
    projectMinute: quotas.peopleRequestsPerProjectMinute,
  };
}
