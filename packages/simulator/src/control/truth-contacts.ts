import { GROUP_FIELDS, OTHER_CONTACT_FIELDS, PERSON_FIELDS, readMask } from '../people/fields.js';
import { groupResource } from '../people/group.js';
import { contactResource, otherContactResource } from '../people/person.js';
import type { Version } from '../people/versions.js';
import type { Account } from '../world.js';

/** The masks of the mirror; by default all fields, and of groups all but `memberCount`. */
export interface ContactMasks {
  personFields?: string;
  readMask?: string;
  groupFields?: string;
}

export interface ContactTruth {
  kind: 'person' | 'other' | 'group';
  resource: Record<string, unknown>;
}

/**
 * Yields groups, other contacts and people as their lists give them with the masks, sorted by
 * resource name. `memberCount` is left out by default because a change of it is in no
 * incremental list. Throws RangeError for an invalid mask.
 */
export function* contactsTruth(
  { contacts: book }: Account,
  masks: ContactMasks = {},
): Generator<ContactTruth> {
  const people = maskOf(masks.personFields, PERSON_FIELDS);
  const others = maskOf(masks.readMask, OTHER_CONTACT_FIELDS);
  const groups = maskOf(masks.groupFields, GROUP_FIELDS, 'memberCount');
  const view = { incremental: false, listed: true };
  for (const group of sorted(book.groups.current()))
    yield { kind: 'group', resource: groupResource(book, group, groups) };
  for (const other of sorted(book.others.current())) {
    const resource = otherContactResource(other, { ...view, mask: others, profile: false });
    yield { kind: 'other', resource };
  }
  for (const contact of sorted(book.contacts.current())) {
    const resource = contactResource(contact, { ...view, mask: people, profile: true });
    yield { kind: 'person', resource };
  }
}

function maskOf(
  text: string | undefined,
  valid: readonly string[],
  except = '',
): ReadonlySet<string> {
  const mask = readMask(text ?? valid.filter((path) => path !== except).join(), valid);
  if ('invalid' in mask) throw new RangeError(`"${mask.invalid}" is no path of this mask`);
  return mask;
}

function sorted<Body>(versions: Version<Body>[]): Version<Body>[] {
  return versions.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
