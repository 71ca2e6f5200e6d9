/** People as the API serves them: what the user entered, with the fields that Google adds. */
import type { Contact, OtherContact } from './address-book.js';
import { personEtag, sourceEtag } from './etag.js';
import {
  ENTERED_FIELDS,
  PERSON_FIELDS,
  type EnteredField,
  type FieldItem,
  type Mask,
} from './fields.js';
import type { Version } from './versions.js';

export interface PersonView {
  mask: Mask;
  /** Whether data of a linked Google account is asked for (READ_SOURCE_TYPE_PROFILE). */
  profile: boolean;
  /** Whether the person is in the answer to a sync token, which has former names. */
  incremental: boolean;
  /** Lists have at most 100 addresses and numbers of a person. */
  listed: boolean;
}

type Json = Record<string, unknown>;
interface Source {
  type: 'CONTACT' | 'OTHER_CONTACT' | 'PROFILE';
  id: string;
}

/** "the number of email addresses is limited to 100", likewise phone numbers (Person). */
const LISTED_LIMIT = 100;
const LIMITED: readonly EnteredField[] = ['emailAddresses', 'phoneNumbers'];

export function contactResource(version: Version<Contact>, view: PersonView): Json {
  const { body } = version;
  const source: Source = { type: 'CONTACT', id: body.sourceId };
  const former = view.incremental ? formerNamesOf(body) : {};
  if (version.fate !== 'live') return tombstone(version.id, source, view.mask, former);
  const profile = view.profile ? body.profileId : null;
  const metadata = {
    sources: [
      ...(profile === null ? [] : [profileSource(profile, version)]),
      dated(source, version),
    ],
    ...former,
    objectType: 'PERSON',
  };
  return selected(version, view.mask, {
    metadata,
    ...entered(body.fields, source, view),
    ...(profile === null ? {} : profileNames(body, source, profile)),
    photos: photosOf(source),
    memberships: body.groups.map((id) => ({
      metadata: { source },
      contactGroupMembership: {
        contactGroupId: id,
        contactGroupResourceName: `contactGroups/${id}`,
      },
    })),
  });
}

export function otherContactResource(version: Version<OtherContact>, view: PersonView): Json {
  const source: Source = { type: 'OTHER_CONTACT', id: version.body.sourceId };
  if (version.fate !== 'live') return tombstone(version.id, source, view.mask);
  return selected(version, view.mask, {
    metadata: { sources: [dated(source, version)], objectType: 'PERSON' },
    ...entered(version.body.fields, source, view),
    photos: photosOf(source),
  });
}

/** A deleted person (recorded: no fields, and a source without etag and time). */
/**
 * "Any former resource names this person has had. Populated only for `people.connections.list`
 * requests that include a sync token" (PersonMetadata.previousResourceNames), deleted people
 * included.
 */
function formerNamesOf({ formerNames }: Contact): Json {
  return formerNames.length > 0 ? { previousResourceNames: formerNames } : {};
}

function tombstone(id: string, source: Source, mask: Mask, former: Json = {}): Json {
  return {
    resourceName: id,
    etag: personEtag(numbersOf(mask), null),
    ...(mask.has('metadata')
      ? { metadata: { sources: [source], ...former, deleted: true, objectType: 'PERSON' } }
      : {}),
  };
}

function selected(version: Version<unknown>, mask: Mask, fields: Json): Json {
  const etag = personEtag(numbersOf(mask), sourceEtag(version.id, version.revision));
  return {
    resourceName: version.id,
    etag,
    ...Object.fromEntries(
      Object.entries(fields).filter(
        ([name, value]) => mask.has(name) && !(Array.isArray(value) && value.length === 0),
      ),
    ),
  };
}

function numbersOf(mask: Mask): number[] {
  return PERSON_FIELDS.flatMap((name, index) => (mask.has(name) ? [index + 1] : []));
}

function dated(source: Source, { id, revision, atMs }: Version<unknown>): Json {
  return {
    ...source,
    etag: `#${sourceEtag(id, revision)}`,
    updateTime: new Date(atMs).toISOString(),
  };
}

function profileSource(id: string, version: Version<unknown>): Json {
  return {
    ...dated({ type: 'PROFILE', id }, { ...version, revision: 0 }),
    profileMetadata: { objectType: 'PERSON', userTypes: ['GOOGLE_USER'] },
  };
}

/** The account's own name is a second name, which is not the primary one. */
function profileNames({ fields }: Contact, source: Source, id: string): Json {
  const own = entered({ names: fields.names ?? [] }, source, null)['names'] ?? [];
  const [displayName] = own.map((name) => name['displayName']);
  if (typeof displayName !== 'string') return {};
  const theirs = {
    ...named({ unstructuredName: displayName }),
    metadata: { source: { type: 'PROFILE', id } },
  };
  return { names: [...own, theirs] };
}

/** The first item of a field is the primary one. */
function entered(
  fields: Contact['fields'],
  source: Source,
  view: PersonView | null,
): Partial<Record<EnteredField, Json[]>> {
  return Object.fromEntries(
    ENTERED_FIELDS.flatMap((field) => {
      const all = fields[field] ?? [];
      const items =
        view?.listed === true && LIMITED.includes(field) ? all.slice(0, LISTED_LIMIT) : all;
      if (items.length === 0) return [];
      const complete = items.map((item, index) => ({
        metadata: {
          ...(index === 0 ? { primary: true } : {}),
          source,
          ...(index === 0 ? { sourcePrimary: true } : {}),
        },
        ...(ADDED[field] ?? typed)(item),
      }));
      return [[field, complete]];
    }),
  );
}

/** What Google adds to the items of a field. */
const ADDED: Partial<Record<EnteredField, (item: FieldItem) => FieldItem>> = {
  names: named,
  phoneNumbers: numbered,
};

function typed(item: FieldItem): FieldItem {
  const { type } = item;
  return typeof type === 'string' && type !== ''
    ? { ...item, formattedType: `${type.charAt(0).toUpperCase()}${type.slice(1)}` }
    : item;
}

function named(item: FieldItem): FieldItem {
  const { givenName, familyName, unstructuredName } = item as Record<string, string | undefined>;
  const whole = [givenName, familyName].filter((part) => part !== undefined).join(' ');
  const displayName = whole === '' ? (unstructuredName ?? '') : whole;
  return {
    displayName,
    ...item,
    displayNameLastFirst:
      familyName === undefined || givenName === undefined
        ? displayName
        : `${familyName}, ${givenName}`,
    unstructuredName: unstructuredName ?? displayName,
  };
}

/** Numbers with a country code have a canonical form. */
function numbered(item: FieldItem): FieldItem {
  const { value } = item;
  return typeof value === 'string' && value.startsWith('+')
    ? { ...typed(item), canonicalForm: `+${value.replaceAll(/\D/g, '')}` }
    : typed(item);
}

function photosOf(source: Source): Json[] {
  const url = `https://lh3.googleusercontent.com/cm/${Buffer.from(source.id).toString('base64url')}=s100`;
  return [{ metadata: { primary: true, source }, url, default: true }];
}
