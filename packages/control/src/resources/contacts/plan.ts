/** What is asked of an account's contacts in a plan. */
export interface AskedContacts {
  /** Omitted: they are not mirrored. */
  contacts?: number | null | undefined;
}

export function contactsShape({ contacts = null }: AskedContacts): {
  contactsPerAccount: number | null;
} {
  return { contactsPerAccount: contacts };
}
