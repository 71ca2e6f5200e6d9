/** The rows as the sync engine passes them: plain data, already cleaned. */

export interface OtherContactRow {
  /** Google's resource name. */
  id: string;
  displayName: string | null;
  emailAddresses: string[];
  phoneNumbers: string[];
  etag: string | null;
  resource: string;
}

export interface ContactRow extends OtherContactRow {
  groupIds: string[];
}

export interface ContactGroupRow {
  /** Google's resource name. */
  id: string;
  name: string | null;
  type: string | null;
  etag: string | null;
  resource: string;
}
