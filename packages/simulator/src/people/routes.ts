import type { Handlers, Route } from '../gmail/routes.js';
import type { PeopleMethod } from '../methods.js';
import { batchGetContactGroups, batchGetPeople, getContactGroup, getPerson } from './get.js';
import { listConnections, listContactGroups, listOtherContacts } from './lists.js';

/** Pub/Sub has the paths below /v1/projects/ on the same origin. */
export function isPeoplePath(path: string): boolean {
  return /^\/v1\/(?:people|otherContacts|contactGroups)(?:[/:]|$)/.test(path);
}

/** Returns the method for a path below /v1/, or null. The token identifies the user. */
export function routePeople(httpMethod: string, path: readonly string[]): Route | null {
  if (httpMethod !== 'GET') return null;
  const [collection = '', id, child, ...rest] = path;
  if (rest.length > 0) return null;
  if (id === undefined) return route(COLLECTIONS.get(collection));
  if (child !== undefined)
    return collection === 'people' && child === 'connections'
      ? route('people.connections.list', `people/${id}`)
      : null;
  return route(ITEMS.get(collection), `${collection}/${id}`);
}

export const peopleHandlers: Handlers<PeopleMethod> = {
  'people.connections.list': listConnections,
  'people.get': getPerson,
  'people.getBatchGet': batchGetPeople,
  'otherContacts.list': listOtherContacts,
  'contactGroups.list': listContactGroups,
  'contactGroups.get': getContactGroup,
  'contactGroups.batchGet': batchGetContactGroups,
};

/** Whether the call has the additional quota: the first page of a full sync. */
export function isFullSyncStart(name: string, query?: URLSearchParams): boolean {
  const has = (parameter: string): boolean => (query?.get(parameter) ?? '') !== '';
  return (
    (name === 'people.connections.list' || name === 'otherContacts.list') &&
    query?.get('requestSyncToken')?.toLowerCase() === 'true' &&
    !has('syncToken') &&
    !has('pageToken')
  );
}

const COLLECTIONS = new Map<string, PeopleMethod>([
  ['otherContacts', 'otherContacts.list'],
  ['contactGroups', 'contactGroups.list'],
  ['people:batchGet', 'people.getBatchGet'],
  ['contactGroups:batchGet', 'contactGroups.batchGet'],
]);
const ITEMS = new Map<string, PeopleMethod>([
  ['people', 'people.get'],
  ['contactGroups', 'contactGroups.get'],
]);

function route(name: PeopleMethod | undefined, ...ids: string[]): Route | null {
  return name === undefined ? null : { method: { api: 'people', name }, userId: 'me', ids };
}
