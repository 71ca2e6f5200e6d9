/** Field names of the answers, from googleapis' types, used to check `fields` selectors. */
import type { Shape } from '../http/fields.js';
import { ENTERED_FIELDS } from './fields.js';
import type { PeopleMethod } from '../methods.js';

const named = (names: string): Shape =>
  Object.fromEntries(names.split(' ').map((name) => [name, true as const]));

const PERSON: Shape = named(
  `resourceName etag metadata photos memberships ageRange ageRanges braggingRights coverPhotos fileAses relationshipInterests relationshipStatuses residences skills taglines ${ENTERED_FIELDS.join(' ')}`,
);
const GROUP: Shape = named(
  'resourceName etag metadata groupType name formattedName memberResourceNames memberCount clientData',
);
const PAGED = named('nextPageToken nextSyncToken');

export const PEOPLE_SHAPES: Record<PeopleMethod, Shape> = {
  'people.connections.list': {
    ...PAGED,
    ...named('totalPeople totalItems'),
    connections: PERSON,
  },
  'people.get': PERSON,
  'people.getBatchGet': {
    responses: { ...named('httpStatusCode requestedResourceName status'), person: PERSON },
  },
  'otherContacts.list': { ...PAGED, totalSize: true, otherContacts: PERSON },
  'contactGroups.list': { ...PAGED, totalItems: true, contactGroups: GROUP },
  'contactGroups.get': GROUP,
  'contactGroups.batchGet': {
    responses: { ...named('requestedResourceName status'), contactGroup: GROUP },
  },
};
