/** `people.connections.list`, `otherContacts.list` and `contactGroups.list`. */
import type { Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import type { Contact, Group, OtherContact } from './address-book.js';
import { invalidArgument } from './errors.js';
import {
  DEFAULT_GROUP_FIELDS,
  GROUP_FIELDS,
  OTHER_CONTACT_FIELDS,
  PERSON_FIELDS,
} from './fields.js';
import { groupResource } from './group.js';
import { firstPageOf, servePage, type ListCall, type Row } from './listing.js';
import { isReply, maskOf, orderOf, sizeOf, sourcesOf, wantsSyncToken } from './parameters.js';
import { contactResource, otherContactResource } from './person.js';
import type { Version } from './versions.js';

const CONTACT = 'READ_SOURCE_TYPE_CONTACT';
const PROFILE = 'READ_SOURCE_TYPE_PROFILE';
/** "Defaults to 100 if not set or set to 0" (connections, other contacts), 30 for groups. */
const DEFAULT_SIZE = 100;
const DEFAULT_GROUPS = 30;

export function listConnections(asked: Asked): Reply {
  return answerOf(asked, connectionsCall);
}

export function listOtherContacts(asked: Asked): Reply {
  return answerOf(asked, otherContactsCall);
}

export function listContactGroups(asked: Asked): Reply {
  return answerOf(asked, contactGroupsCall);
}

/** Returns a page token for the first page of the requested list; null for other methods. */
export function firstPeoplePage(asked: Asked): string | null {
  switch (asked.method.name) {
    case 'people.connections.list':
      return first(asked, connectionsCall);
    case 'otherContacts.list':
      return first(asked, otherContactsCall);
    case 'contactGroups.list':
      return first(asked, contactGroupsCall);
    default:
      return null;
  }
}

type Read<Body> = (asked: Asked) => ListCall<Body> | Reply;

function answerOf<Body>(asked: Asked, read: Read<Body>): Reply {
  const call = read(asked);
  return isReply(call) ? call : servePage(asked, call);
}

function first<Body>(asked: Asked, read: Read<Body>): string | null {
  const call = read(asked);
  return isReply(call) ? null : firstPageOf(asked, call);
}

function connectionsCall(asked: Asked): ListCall<Contact> | Reply {
  const { contacts } = asked.account;
  const mask = maskOf(asked, 'personFields', PERSON_FIELDS);
  if (isReply(mask)) return mask;
  const size = sizeOf(asked, DEFAULT_SIZE);
  const sources = sourcesOf(asked, [CONTACT, PROFILE]);
  const order = orderOf(asked);
  // "Only people/me is valid."
  if (asked.ids[0] !== 'people/me') return invalidArgument();
  if (typeof size !== 'number') return size;
  if (typeof order !== 'string') return order;
  if (!Array.isArray(sources)) return sources;
  const wantsToken = wantsSyncToken(asked);
  const profile = sources.includes(PROFILE);
  // SortOrder: "Only used if sync is not requested."
  const sorted = wantsToken ? undefined : SORTS.get(order);
  return {
    entries: contacts.contacts,
    size,
    parameters: [size, [...mask].sort().join(), sources.join(), order],
    wantsToken,
    ...(sorted === undefined ? {} : { order: sorted }),
    render: (version, incremental) =>
      contactResource(version, { mask, profile, incremental, listed: true }),
    items: 'connections',
    totals: ['totalPeople', 'totalItems'],
  };
}

function otherContactsCall(asked: Asked): ListCall<OtherContact> | Reply {
  const sources = sourcesOf(asked, [CONTACT]);
  if (!Array.isArray(sources)) return sources;
  const profile = sources.includes(PROFILE);
  // "Specifying READ_SOURCE_TYPE_PROFILE without specifying READ_SOURCE_TYPE_CONTACT is not
  // permitted", and no other source is possible.
  const isPermitted = sources.includes(CONTACT) && sources.length === (profile ? 2 : 1);
  if (!isPermitted) return invalidArgument();
  const mask = maskOf(asked, 'readMask', profile ? PERSON_FIELDS : OTHER_CONTACT_FIELDS);
  if (isReply(mask)) return mask;
  const size = sizeOf(asked, DEFAULT_SIZE);
  if (typeof size !== 'number') return size;
  return {
    entries: asked.account.contacts.others,
    size,
    parameters: [size, [...mask].sort().join(), sources.join()],
    wantsToken: wantsSyncToken(asked),
    render: (version, incremental) =>
      otherContactResource(version, { mask, profile, incremental, listed: true }),
    items: 'otherContacts',
    totals: ['totalSize'],
  };
}

/** Groups always have a sync token; there is no parameter for it. */
function contactGroupsCall(asked: Asked): ListCall<Group> | Reply {
  const book = asked.account.contacts;
  const mask = maskOf(asked, 'groupFields', GROUP_FIELDS, DEFAULT_GROUP_FIELDS);
  if (isReply(mask)) return mask;
  const size = sizeOf(asked, DEFAULT_GROUPS);
  if (typeof size !== 'number') return size;
  return {
    entries: book.groups,
    size,
    parameters: [size, [...mask].sort().join()],
    wantsToken: true,
    order: userGroupsFirst,
    render: (version) => groupResource(book, version, mask),
    items: 'contactGroups',
    totals: ['totalItems'],
  };
}

/** The user's groups come before those of the system, as recorded. */
function userGroupsFirst(groups: Version<Group>[]): Row<Group>[] {
  return groups.map((version) => ({
    at: version.revision + (version.body.type === 'SYSTEM_CONTACT_GROUP' ? SYSTEM_GROUPS_AT : 0),
    version,
  }));
}

const SYSTEM_GROUPS_AT = 1e12;

/** Orders other than that of the latest change. */
const SORTS: ReadonlyMap<string, (contacts: Version<Contact>[]) => Row<Contact>[]> = new Map([
  [
    'LAST_MODIFIED_DESCENDING',
    (contacts) => numbered(contacts.toSorted((a, b) => b.revision - a.revision)),
  ],
  ['FIRST_NAME_ASCENDING', (contacts) => numbered(byName(contacts, 'givenName'))],
  ['LAST_NAME_ASCENDING', (contacts) => numbered(byName(contacts, 'familyName'))],
]);

function numbered(contacts: Version<Contact>[]): Row<Contact>[] {
  return contacts.map((version, index) => ({ at: index + 1, version }));
}

function byName(contacts: Version<Contact>[], part: string): Version<Contact>[] {
  const nameOf = ({ body }: Version<Contact>): string => {
    const [name = {}] = (body.fields.names ?? []) as Record<string, string>[];
    return name[part] ?? name['unstructuredName'] ?? '';
  };
  return contacts.toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
}
