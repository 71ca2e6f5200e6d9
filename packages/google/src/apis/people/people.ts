/**
 * The contacts of one account. Each call returns one page of Google's answer, checked and typed
 * ("People API v1" reference).
 */
import type { people_v1 } from 'googleapis/build/src/apis/people/v1';
import { GoogleError } from '../../errors.js';
import { namedItems } from '../../nameless.js';
import { requestPage } from '../../paging.js';
import { type Session, orNull, requestJson } from '../../request.js';
import { isObject, listOf, syncTokenOrNull } from '../../shape.js';
import type { PeopleMethod } from './methods.js';

export type Person = people_v1.Schema$Person;
export type ContactGroup = people_v1.Schema$ContactGroup;

/** An item of a list; its id is the resource name. */
export interface Named<Resource> {
  id: string;
  resource: Resource;
}

export interface PeoplePage<Resource> {
  items: Named<Resource>[];
  /**
   * Number of items without a resource name. They are not in `items`; any of them may be a stored
   * row that seems to be missing.
   */
  nameless: number;
  nextPageToken: string | null;
  /** On the last page only. */
  nextSyncToken: string | null;
}

interface ListQuery {
  syncToken: string | null;
  pageToken: string | null;
}

/**
 * Every call throws GoogleError, or the caller's abort reason. With a `syncToken` a page holds what
 * changed since, with `metadata.deleted` for what is deleted; the same token is sent with every
 * page. `sync-position-expired` means that a full sync is due.
 */
export interface People {
  /**
   * The user's contacts. With a sync token `metadata.previousResourceNames` has the former names of
   * a person that was merged or linked.
   */
  connections(q: ListQuery): Promise<PeoplePage<Person>>;
  /** People from correspondence who are no contacts. */
  otherContacts(q: ListQuery): Promise<PeoplePage<Person>>;
  contactGroups(q: ListQuery): Promise<PeoplePage<ContactGroup>>;
  /**
   * One contact's metadata. A former name returns the person under its present name. Null when
   * Google does not have it.
   */
  contact(resourceName: string): Promise<Person | null>;
  /** One group; null when Google does not have it. */
  contactGroup(resourceName: string): Promise<ContactGroup | null>;
}

/** Every valid path of `personFields` (reference of people.connections.list). */
const PERSON_FIELDS = [
  'addresses',
  'ageRanges',
  'biographies',
  'birthdays',
  'calendarUrls',
  'clientData',
  'coverPhotos',
  'emailAddresses',
  'events',
  'externalIds',
  'genders',
  'imClients',
  'interests',
  'locales',
  'locations',
  'memberships',
  'metadata',
  'miscKeywords',
  'names',
  'nicknames',
  'occupations',
  'organizations',
  'phoneNumbers',
  'photos',
  'relations',
  'sipAddresses',
  'skills',
  'urls',
  'userDefined',
].join();

/**
 * All parameters, for full and token calls alike: "When the page_token or sync_token is specified,
 * all other request parameters must match the first call" (people.connections.list). So a release
 * that changes them makes every stored sync token invalid. 1,000 is the largest page.
 */
const EVERY_CONTACT = {
  pageSize: '1000',
  requestSyncToken: 'true',
  personFields: PERSON_FIELDS,
};
/** The paths that are valid for the source of other contacts (otherContacts.list). */
const EVERY_OTHER_CONTACT = {
  pageSize: '1000',
  requestSyncToken: 'true',
  readMask: 'emailAddresses,metadata,names,phoneNumbers,photos',
};
/**
 * Without `memberCount`: a new member changes the person, not the group, so no incremental list
 * would have the new count. Lists of groups always have a sync token.
 */
const EVERY_GROUP = { pageSize: '1000', groupFields: 'clientData,groupType,metadata,name' };

export function peopleOf(session: Session): People {
  return {
    connections: (q) => page<Person>(session, CONNECTIONS, EVERY_CONTACT, q),
    otherContacts: (q) => page<Person>(session, OTHER_CONTACTS, EVERY_OTHER_CONTACT, q),
    contactGroups: (q) => page<ContactGroup>(session, CONTACT_GROUPS, EVERY_GROUP, q),
    contact: (resourceName) =>
      one<Person>(session, 'people.people.get', resourceName, {
        personFields: 'metadata',
        // Without the contact's own source, a name that is also a profile's would be answered with
        // that profile.
        sources: 'READ_SOURCE_TYPE_CONTACT',
      }),
    contactGroup: (resourceName) =>
      one<ContactGroup>(session, 'people.contactGroups.get', resourceName, {
        groupFields: 'metadata',
      }),
  };
}

interface List {
  method: PeopleMethod;
  path: string;
  /** Name of the items in the answer. */
  items: string;
}

const CONNECTIONS: List = {
  method: 'people.people.connections.list',
  path: '/v1/people/me/connections',
  items: 'connections',
};
const OTHER_CONTACTS: List = {
  method: 'people.otherContacts.list',
  path: '/v1/otherContacts',
  items: 'otherContacts',
};
const CONTACT_GROUPS: List = {
  method: 'people.contactGroups.list',
  path: '/v1/contactGroups',
  items: 'contactGroups',
};

function page<Resource extends Person | ContactGroup>(
  session: Session,
  { method, path, items: name }: List,
  parameters: Record<string, string>,
  { syncToken, pageToken }: ListQuery,
): Promise<PeoplePage<Resource>> {
  const query = new URLSearchParams(parameters);
  if (syncToken !== null) query.set('syncToken', syncToken);
  return requestPage(
    session,
    { method, path, query, pageToken, syncToken: syncToken !== null },
    (body) => {
      const list = listOf(body[name], name).map(named);
      const { items, nameless } = namedItems(session, method, list, name);
      return {
        items: items as unknown as Named<Resource>[],
        nameless,
        nextSyncToken: syncTokenOrNull(body.nextSyncToken),
      };
    },
    // A person that changes during an incremental listing is returned again in another version.
    ({ items }) =>
      items.map(({ id, resource }) =>
        syncToken === null ? id : `${id} ${JSON.stringify(resource.etag)}`,
      ),
  ).catch((error: unknown) => {
    throw asExpired(error, { syncToken, pageToken });
  });
}

/** Gives an item of a list an id, if it has a resource name. */
function named(item: unknown): unknown {
  return isObject(item) ? { id: item['resourceName'], resource: item } : item;
}

/**
 * Google's refusals of a sync token: ErrorInfo with the reason EXPIRED_SYNC_TOKEN after seven days,
 * and 400 INVALID_ARGUMENT without a detail for a token that belongs to other parameters. With a
 * page token the second one may concern that token instead, and the listing begins again first.
 */
function asExpired(error: unknown, { syncToken, pageToken }: ListQuery): unknown {
  if (!(error instanceof GoogleError) || syncToken === null) return error;
  const { detail, method } = error;
  if (detail.kind !== 'rejected') return error;
  const isExpired =
    detail.reason === 'EXPIRED_SYNC_TOKEN' ||
    (detail.reason === 'INVALID_ARGUMENT' && pageToken === null);
  return isExpired
    ? new GoogleError(method, { kind: 'sync-position-expired' }, { cause: error })
    : error;
}

/** The slash of a resource name separates segments of the path. */
function one<Resource>(
  session: Session,
  method: PeopleMethod,
  resourceName: string,
  parameters: Record<string, string>,
): Promise<Resource | null> {
  const name = resourceName.split('/').map(encodeURIComponent).join('/');
  const path = `/v1/${name}?${new URLSearchParams(parameters).toString()}`;
  return orNull(requestJson(session, { method, path }, (body) => body as Resource));
}
