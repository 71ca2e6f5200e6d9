/**
 * The fields of people and groups, and the masks that select them. The names are those of the
 * People API (`Schema$Person`, `Schema$ContactGroup` of googleapis' people_v1), the valid masks of
 * developers.google.com/people/api/rest/v1/people.connections/list, otherContacts/list and
 * contactGroups/list.
 */

/** What a user enters. The fields that Google computes are added when it is served. */
export const ENTERED_FIELDS = [
  'names',
  'nicknames',
  'emailAddresses',
  'phoneNumbers',
  'addresses',
  'organizations',
  'occupations',
  'birthdays',
  'events',
  'biographies',
  'urls',
  'relations',
  'imClients',
  'sipAddresses',
  'genders',
  'interests',
  'locales',
  'locations',
  'externalIds',
  'miscKeywords',
  'calendarUrls',
  'clientData',
  'userDefined',
] as const;
export type EnteredField = (typeof ENTERED_FIELDS)[number];
export type FieldItem = Readonly<Record<string, unknown>>;
export type EnteredFields = Readonly<Partial<Record<EnteredField, readonly FieldItem[]>>>;

export const PERSON_FIELDS: readonly string[] = [
  'metadata',
  ...ENTERED_FIELDS,
  'photos',
  'memberships',
  'ageRanges',
  'coverPhotos',
  'skills',
];
/** Without READ_SOURCE_TYPE_PROFILE, other contacts have these only. */
export const OTHER_CONTACT_FIELDS: readonly string[] = [
  'metadata',
  'names',
  'emailAddresses',
  'phoneNumbers',
  'photos',
];
export const GROUP_FIELDS: readonly string[] = [
  'clientData',
  'groupType',
  'memberCount',
  'metadata',
  'name',
];
export const DEFAULT_GROUP_FIELDS = 'metadata,groupType,memberCount,name';

export type Mask = ReadonlySet<string>;

/** Returns the paths of a mask, or the first one that is not valid. */
export function readMask(text: string, valid: readonly string[]): Mask | { invalid: string } {
  const paths = text
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '');
  const invalid = paths.find((path) => !valid.includes(path));
  return invalid === undefined ? new Set(paths) : { invalid };
}
