import type { ContactGroup, Named, Person } from '@syncline/google';
import {
  storable,
  type ContactGroupRow,
  type ContactRow,
  type OtherContactRow,
} from '@syncline/store';

/*
 * Google's people and contact groups → rows. Fields of another form than documented leave their
 * columns empty; the resource column keeps them as Google gave them.
 */

export function parseContact({ id, resource }: Named<Person>): ContactRow {
  return storable.contact({
    ...personOf(id, resource),
    groupIds: textsIn(resource.memberships, (membership) =>
      fieldOf(membership['contactGroupMembership'], 'contactGroupResourceName'),
    ),
  });
}

export function parseOtherContact({ id, resource }: Named<Person>): OtherContactRow {
  return storable.otherContact(personOf(id, resource));
}

export function parseContactGroup({ id, resource }: Named<ContactGroup>): ContactGroupRow {
  return storable.contactGroup({
    id,
    name: resource.name ?? null,
    type: resource.groupType ?? null,
    etag: resource.etag ?? null,
    resource: storable.serialised(resource),
  });
}

/**
 * Returns a person as a full list has it. Only lists of changes name a person's former names, and a
 * mirror does not depend on the way in which it was read.
 */
function withoutFormerNames(person: Person): Person {
  if (person.metadata?.previousResourceNames === undefined) return person;
  const { previousResourceNames: _former, ...metadata } = person.metadata;
  return { ...person, metadata };
}

function personOf(id: string, person: Person): OtherContactRow {
  const [displayName = null] = textsIn(person.names, (name) => name['displayName']);
  return {
    id,
    displayName,
    emailAddresses: textsIn(person.emailAddresses, (address) => address['value']),
    phoneNumbers: textsIn(person.phoneNumbers, (number) => number['value']),
    etag: person.etag ?? null,
    resource: storable.serialised(withoutFormerNames(person)),
  };
}

type Fields = Record<string, unknown>;

/** Returns the texts of a repeated field; its primary one comes first. */
function textsIn(items: unknown, textOf: (item: Fields) => unknown): string[] {
  if (!Array.isArray(items)) return [];
  return items
    .filter(isObject)
    .toSorted((a, b) => Number(isPrimary(b)) - Number(isPrimary(a)))
    .map(textOf)
    .filter((text) => typeof text === 'string');
}

/** `primary` of people_v1's FieldMetadata: one item at most of a repeated field has it. */
function isPrimary(field: Fields): boolean {
  return fieldOf(field['metadata'], 'primary') === true;
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}
