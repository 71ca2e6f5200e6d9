/** `people.get`, `people.getBatchGet`, `contactGroups.get` and `contactGroups.batchGet`. */
import { notFound } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import { invalidArgument } from './errors.js';
import { DEFAULT_GROUP_FIELDS, GROUP_FIELDS, PERSON_FIELDS, type Mask } from './fields.js';
import { groupResource } from './group.js';
import { isReply, maskOf, sourcesOf } from './parameters.js';
import { contactResource } from './person.js';

/** "There is a maximum of 200 resource names." */
const MOST_NAMES = 200;

/** A contact is found by a former name too, and has its present name in the answer. */
export function getPerson(asked: Asked): Reply {
  const view = viewOf(asked);
  if (isReply(view)) return view;
  const person = personOf(asked, asked.ids[0] ?? '', view);
  return person === null ? notFound('people') : jsonReply(person, asked.format);
}

/** "May be different than the resource name on the returned person" (requestedResourceName). */
export function batchGetPeople(asked: Asked): Reply {
  const view = viewOf(asked);
  if (isReply(view)) return view;
  const names = namesOf(asked);
  if (names === null) return invalidArgument();
  const responses = names.map((requestedResourceName) => {
    const person = personOf(asked, requestedResourceName, view);
    return person === null
      ? { httpStatusCode: 404, requestedResourceName, status: NOT_FOUND }
      : { httpStatusCode: 200, person, requestedResourceName, status: {} };
  });
  return jsonReply({ responses }, asked.format);
}

export function getContactGroup(asked: Asked): Reply {
  const mask = groupMaskOf(asked);
  if (isReply(mask)) return mask;
  const group = groupOf(asked, asked.ids[0] ?? '', mask);
  return group === null ? notFound('people') : jsonReply(group, asked.format);
}

export function batchGetContactGroups(asked: Asked): Reply {
  const mask = groupMaskOf(asked);
  if (isReply(mask)) return mask;
  const names = namesOf(asked);
  if (names === null) return invalidArgument();
  const responses = names.map((requestedResourceName) => {
    const contactGroup = groupOf(asked, requestedResourceName, mask);
    return contactGroup === null
      ? { requestedResourceName, status: NOT_FOUND }
      : { requestedResourceName, status: {}, contactGroup };
  });
  return jsonReply({ responses }, asked.format);
}

/** google.rpc.Code 5 is NOT_FOUND. */
const NOT_FOUND = { code: 5, message: 'Requested entity was not found.' };

function viewOf(asked: Asked): { mask: Mask; profile: boolean } | Reply {
  const mask = maskOf(asked, 'personFields', PERSON_FIELDS);
  if (isReply(mask)) return mask;
  const sources = sourcesOf(asked, ['READ_SOURCE_TYPE_CONTACT', 'READ_SOURCE_TYPE_PROFILE']);
  if (!Array.isArray(sources)) return sources;
  return { mask, profile: sources.includes('READ_SOURCE_TYPE_PROFILE') };
}

function personOf(
  asked: Asked,
  name: string,
  view: { mask: Mask; profile: boolean },
): Record<string, unknown> | null {
  const contact = asked.account.contacts.find(name);
  return contact && contactResource(contact, { ...view, incremental: false, listed: false });
}

function groupMaskOf(asked: Asked): Mask | Reply {
  return maskOf(asked, 'groupFields', GROUP_FIELDS, DEFAULT_GROUP_FIELDS);
}

function groupOf(asked: Asked, name: string, mask: Mask): Record<string, unknown> | null {
  const book = asked.account.contacts;
  const group = book.findGroup(name);
  const most = asked.query.get('maxMembers') ?? '';
  return group && groupResource(book, group, mask, /^\d{1,6}$/.test(most) ? Number(most) : 0);
}

function namesOf(asked: Asked): string[] | null {
  const names = asked.query.getAll('resourceNames');
  return names.length === 0 || names.length > MOST_NAMES ? null : names;
}
