/** Contacts, other contacts and contact groups of one account, and what its user does to them. */
import type { Prng } from '../prng.js';
import type { EnteredFields } from './fields.js';
import { VersionedList, type Version } from './versions.js';

export interface Contact {
  /** The id of its source in hexadecimal; the resource name has the same number in decimal. */
  readonly sourceId: string;
  readonly fields: EnteredFields;
  /** Ids of its contact groups. */
  readonly groups: readonly string[];
  /** Resource names that it had, and those of contacts that were merged into it. */
  readonly formerNames: readonly string[];
  /** The Google account that it is linked with. */
  readonly profileId: string | null;
}

export type OtherContact = Pick<Contact, 'sourceId' | 'fields'>;

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly type: 'USER_CONTACT_GROUP' | 'SYSTEM_CONTACT_GROUP';
  readonly formattedName: string;
}

/** Every account has these, in this order (an answer of 2020, IamNator/mysql-golang-web). */
const SYSTEM_GROUPS: readonly (readonly [id: string, formattedName: string])[] = [
  ['chatBuddies', 'Chat contacts'],
  ['all', 'All Contacts'],
  ['myContacts', 'My Contacts'],
  ['friends', 'Friends'],
  ['family', 'Family'],
  ['coworkers', 'Coworkers'],
  ['blocked', 'Blocked'],
  ['starred', 'Starred'],
];
/** "A contact must always have at least one contact group membership" (ContactGroupMembership). */
const OF_EVERY_CONTACT = 'myContacts';

export class AddressBook {
  readonly contacts: VersionedList<Contact>;
  readonly others: VersionedList<OtherContact>;
  readonly groups: VersionedList<Group>;
  /** A former resource name → the one after it. */
  private readonly renamed = new Map<string, string>();

  /** @param keptMs how long changes need to reach the lists */
  constructor(
    private readonly prng: Prng,
    keptMs: number,
    createdMs: number,
  ) {
    this.contacts = new VersionedList(keptMs);
    this.others = new VersionedList(keptMs);
    this.groups = new VersionedList(keptMs);
    for (const [id, formattedName] of SYSTEM_GROUPS)
      this.groups.put(
        `contactGroups/${id}`,
        { id, name: id, type: 'SYSTEM_CONTACT_GROUP', formattedName },
        createdMs,
      );
  }

  /** The lists by the methods that serve them. */
  byMethod(): Record<string, { expireSyncTokens(): void }> {
    return {
      'people.connections.list': this.contacts,
      'otherContacts.list': this.others,
      'contactGroups.list': this.groups,
    };
  }

  isEmpty(): boolean {
    return this.contacts.current().length === 0 && this.others.current().length === 0;
  }

  /** Returns the contact that has or had this resource name, unless it is deleted. */
  find(name: string): Version<Contact> | null {
    const next = this.renamed.get(name);
    if (next !== undefined) return this.find(next);
    const version = this.contacts.get(name);
    return version?.fate === 'live' ? version : null;
  }

  findOther(name: string): Version<OtherContact> | null {
    const version = this.others.get(name);
    return version?.fate === 'live' ? version : null;
  }

  findGroup(name: string): Version<Group> | null {
    const version = this.groups.get(name);
    return version?.fate === 'live' ? version : null;
  }

  /** Returns the contacts of a group; all contacts are in `all`. */
  members(groupId: string): Version<Contact>[] {
    return this.contacts
      .current()
      .filter(({ body }) => groupId === 'all' || body.groups.includes(groupId));
  }

  addContact(
    fields: EnteredFields,
    nowMs: number,
    { sourceId = this.newId(), groups = [] }: { sourceId?: string; groups?: string[] } = {},
  ): Version<Contact> {
    const body = {
      sourceId,
      fields,
      groups: [...new Set([OF_EVERY_CONTACT, ...groups])],
      formerNames: [],
      profileId: null,
    };
    return this.contacts.put(`people/c${BigInt(`0x${sourceId}`)}`, body, nowMs);
  }

  /** Replaces fields; an empty list removes one. */
  updateContact(name: string, patch: EnteredFields, nowMs: number): Version<Contact> | null {
    return this.change(name, nowMs, ({ fields }) => ({ fields: { ...fields, ...patch } }));
  }

  deleteContact(name: string, nowMs: number): Version<Contact> | null {
    const contact = this.find(name);
    return contact && this.contacts.put(contact.id, contact.body, nowMs, 'deleted');
  }

  /** Brings a deleted contact back, as Google's trash does; it keeps its resource name. */
  restoreContact(name: string, nowMs: number): Version<Contact> | null {
    const contact = this.contacts.get(name);
    if (contact?.fate !== 'deleted' || this.renamed.has(name)) return null;
    const groups = contact.body.groups.filter((id) => this.findGroup(`contactGroups/${id}`));
    return this.contacts.put(name, { ...contact.body, groups }, nowMs);
  }

  /**
   * Merges the second contact into the first one, which gets its fields, groups and names.
   * @param tombstone whether lists report the merged contact as deleted too
   */
  mergeContacts(
    name: string,
    mergedName: string,
    nowMs: number,
    tombstone: boolean,
  ): Version<Contact> | null {
    const [kept, merged] = [this.find(name), this.find(mergedName)];
    if (kept === null || merged === null || kept.id === merged.id) return null;
    this.contacts.put(merged.id, merged.body, nowMs, tombstone ? 'deleted' : 'absorbed');
    this.renamed.set(merged.id, kept.id);
    return this.contacts.put(
      kept.id,
      {
        ...kept.body,
        fields: together(kept.body.fields, merged.body.fields),
        groups: [...new Set([...kept.body.groups, ...merged.body.groups])],
        formerNames: [...kept.body.formerNames, merged.id, ...merged.body.formerNames],
      },
      nowMs,
    );
  }

  /**
   * Links the contact with a Google account, as adding a verified address does. Its resource name
   * changes ("The resource name may change when adding or removing fields that link a contact and
   * profile", PersonMetadata.previousResourceNames).
   */
  linkContact(name: string, nowMs: number, tombstone: boolean): Version<Contact> | null {
    const contact = this.find(name);
    if (contact === null || contact.body.profileId !== null) return null;
    const profileId = `1${this.prng.digits(20)}`;
    this.contacts.put(contact.id, contact.body, nowMs, tombstone ? 'deleted' : 'absorbed');
    this.renamed.set(contact.id, `people/${profileId}`);
    const formerNames = [...contact.body.formerNames, contact.id];
    return this.contacts.put(
      `people/${profileId}`,
      { ...contact.body, profileId, formerNames },
      nowMs,
    );
  }

  /** Adds the contact to a group or removes it; null when it is so already. */
  setMembership(
    name: string,
    groupId: string,
    isMember: boolean,
    nowMs: number,
  ): Version<Contact> | null {
    const contact = this.find(name);
    if (contact?.body.groups.includes(groupId) !== !isMember) return null;
    return this.change(name, nowMs, ({ groups }) => ({
      groups: isMember ? [...groups, groupId] : groups.filter((id) => id !== groupId),
    }));
  }

  addOther(fields: EnteredFields, nowMs: number): Version<OtherContact> {
    const sourceId = this.newId();
    return this.others.put(
      `otherContacts/c${BigInt(`0x${sourceId}`)}`,
      { sourceId, fields },
      nowMs,
    );
  }

  updateOther(name: string, patch: EnteredFields, nowMs: number): Version<OtherContact> | null {
    const other = this.findOther(name);
    const fields = { ...other?.body.fields, ...patch };
    return other && this.others.put(name, { ...other.body, fields }, nowMs);
  }

  deleteOther(name: string, nowMs: number): Version<OtherContact> | null {
    const other = this.findOther(name);
    return other && this.others.put(name, other.body, nowMs, 'deleted');
  }

  /**
   * Makes a contact of an other contact. The other contact is deleted, and the contact has the same
   * number in its name (two answers of 2020 in the source of a client, which has both by number).
   */
  promoteOther(name: string, nowMs: number): Version<Contact> | null {
    const other = this.deleteOther(name, nowMs);
    return other && this.addContact(other.body.fields, nowMs, { sourceId: other.body.sourceId });
  }

  /** Throws when the user has a group of that name, which Google answers with 409. */
  addGroup(name: string, nowMs: number): Version<Group> {
    this.refuseTaken(name);
    const id = this.newId();
    const body = { id, name, type: 'USER_CONTACT_GROUP', formattedName: name } as const;
    return this.groups.put(`contactGroups/${id}`, body, nowMs);
  }

  renameGroup(resourceName: string, name: string, nowMs: number): Version<Group> | null {
    const group = this.findUserGroup(resourceName);
    if (group === null) return null;
    this.refuseTaken(name);
    return this.groups.put(resourceName, { ...group.body, name, formattedName: name }, nowMs);
  }

  /** Deletes the group and the memberships in it; the contacts remain. */
  deleteGroup(resourceName: string, nowMs: number): Version<Group> | null {
    const group = this.findUserGroup(resourceName);
    if (group === null) return null;
    for (const contact of this.members(group.body.id))
      this.setMembership(contact.id, group.body.id, false, nowMs);
    return this.groups.put(resourceName, group.body, nowMs, 'deleted');
  }

  userGroups(): Version<Group>[] {
    return this.groups.current().filter(({ body }) => body.type === 'USER_CONTACT_GROUP');
  }

  private findUserGroup(resourceName: string): Version<Group> | null {
    const group = this.findGroup(resourceName);
    return group?.body.type === 'USER_CONTACT_GROUP' ? group : null;
  }

  private refuseTaken(name: string): void {
    if (this.groups.current().some(({ body }) => body.name === name))
      throw new Error('a group of that name exists');
  }

  private change(
    name: string,
    nowMs: number,
    patch: (contact: Contact) => Partial<Contact>,
  ): Version<Contact> | null {
    const contact = this.find(name);
    return (
      contact && this.contacts.put(contact.id, { ...contact.body, ...patch(contact.body) }, nowMs)
    );
  }

  /** Returns 63 bits in hexadecimal without leading zeros, as Google writes the ids of sources. */
  private newId(): string {
    return (BigInt(`0x${this.prng.hex(16)}`) >> 1n || 1n).toString(16);
  }
}

/** Single fields of the first win ("This field is a singleton for contact sources", Person). */
const SINGLE_FIELDS = new Set(['names', 'biographies', 'birthdays', 'genders']);

function together(first: EnteredFields, second: EnteredFields): EnteredFields {
  const names = [...new Set([...Object.keys(first), ...Object.keys(second)])];
  return Object.fromEntries(
    (names as (keyof EnteredFields)[]).map((name) => {
      const [own = [], other = []] = [first[name], second[name]];
      const all = [...own, ...other];
      return [name, SINGLE_FIELDS.has(name) ? all.slice(0, 1) : distinct(all)];
    }),
  );
}

function distinct<T>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
