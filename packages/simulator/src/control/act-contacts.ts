import {
  contactFields,
  contactPatch,
  groupName,
  otherContactFields,
} from '../generate/seed-contacts.js';
import type { AddressBook } from '../people/address-book.js';
import type { Version } from '../people/versions.js';
import type { Prng } from '../prng.js';
import type { ActionOrder, ActResult, ActionContext } from './act.js';

export const CONTACT_ACTIONS = [
  'contact-create',
  'contact-update',
  'contact-delete',
  'contact-restore',
  'contact-merge',
  'contact-link',
  'other-create',
  'other-update',
  'other-delete',
  'other-promote',
  'group-create',
  'group-rename',
  'group-delete',
  'group-add',
  'group-remove',
] as const;
export type ContactAction = (typeof CONTACT_ACTIONS)[number];
type Touched = Pick<ActResult, 'resourceName' | 'formerName' | 'groupName'>;

interface ContactActionContext {
  book: AddressBook;
  prng: Prng;
  nowMs: number;
  order: ActionOrder;
}

/** Returns null when there was nothing to act on. */
export function actOnContacts(
  { account, clock }: ActionContext,
  order: ActionOrder & { action: ContactAction },
): Touched | null {
  const { contacts: book, prng } = account;
  return PERFORM[order.action]({ book, prng, nowMs: clock.nowMs(), order });
}

const PERFORM: Record<ContactAction, (action: ContactActionContext) => Touched | null> = {
  'contact-create': ({ book, prng, nowMs, order }) =>
    touched(book.addContact({ ...contactFields(prng), ...order.person }, nowMs)),
  'contact-update': (action) =>
    onContact(action, ({ book, prng, nowMs, order }, { id, body }) =>
      book.updateContact(id, order.person ?? contactPatch(prng, body.fields), nowMs),
    ),
  'contact-delete': (action) =>
    onContact(action, ({ book, nowMs }, { id }) => book.deleteContact(id, nowMs)),
  'contact-restore': restoreContact,
  'contact-merge': mergeContacts,
  'contact-link': linkContact,
  'other-create': ({ book, prng, nowMs, order }) =>
    touched(book.addOther({ ...otherContactFields(prng), ...order.person }, nowMs)),
  'other-update': (action) =>
    onOther(action, ({ book, prng, nowMs, order }, name) =>
      book.updateOther(name, order.person ?? otherContactFields(prng), nowMs),
    ),
  'other-delete': (action) =>
    onOther(action, ({ book, nowMs }, name) => book.deleteOther(name, nowMs)),
  'other-promote': promoteOther,
  'group-create': ({ book, prng, nowMs, order }) =>
    touched(book.addGroup(order.name ?? groupName(prng), nowMs)),
  'group-rename': (action) =>
    onGroup(action, ({ book, prng, nowMs, order }, name) =>
      book.renameGroup(name, order.name ?? groupName(prng), nowMs),
    ),
  'group-delete': (action) =>
    onGroup(action, ({ book, nowMs }, name) => book.deleteGroup(name, nowMs)),
  'group-add': (action) => setMembership(action, true),
  'group-remove': (action) => setMembership(action, false),
};

/** Restores the contact that was named; none is chosen at random. */
function restoreContact({ book, nowMs, order }: ContactActionContext): Touched | null {
  if (order.resourceName === undefined) return null;
  const restored = book.restoreContact(order.resourceName, nowMs);
  if (restored === null) throw new Error('no such deleted contact');
  return touched(restored);
}

/** Merges `formerName` into `resourceName`. */
function mergeContacts(action: ContactActionContext): Touched | null {
  const { book, prng, nowMs, order } = action;
  return onContact(action, (_, { id }) => {
    const others = book.contacts.current().filter((contact) => contact.id !== id);
    if (others.length === 0) return null;
    const formerName = order.formerName ?? prng.pick(others).id;
    const merged = book.mergeContacts(id, formerName, nowMs, order.tombstone ?? prng.chance(0.5));
    if (merged === null) throw new Error('no such contact to merge');
    return { ...touched(merged), formerName };
  });
}

function linkContact(action: ContactActionContext): Touched | null {
  const { book, prng, nowMs, order } = action;
  return onContact(action, (_, { id }) => {
    const linked = book.linkContact(id, nowMs, order.tombstone ?? prng.chance(0.5));
    return linked && { ...touched(linked), formerName: id };
  });
}

function promoteOther(action: ContactActionContext): Touched | null {
  const { book, nowMs } = action;
  return onOther(action, (_, name) => {
    const contact = book.promoteOther(name, nowMs);
    return contact && { ...touched(contact), formerName: name };
  });
}

/** Contacts can be added to the user's groups and to starred, and removed from those. */
function setMembership(action: ContactActionContext, isMember: boolean): Touched | null {
  const { book, prng, nowMs, order } = action;
  const groups = [...book.userGroups().map(({ id }) => id), 'contactGroups/starred'];
  const name = order.groupName ?? prng.pick(groups);
  if (!groups.includes(name)) throw new Error('no such group to be a member of');
  const id = name.slice('contactGroups/'.length);
  const candidates = book.contacts
    .current()
    .filter(({ body }) => body.groups.includes(id) !== isMember);
  const contact = order.resourceName ?? (candidates.length > 0 ? prng.pick(candidates).id : null);
  if (contact === null) return null;
  if (book.find(contact) === null) throw new Error('no such contact');
  const changed = book.setMembership(contact, id, isMember, nowMs);
  return changed && { ...touched(changed), groupName: name };
}

type Change<Subject> = (
  action: ContactActionContext,
  subject: Subject,
) => Version<unknown> | Touched | null;

function onContact(
  action: ContactActionContext,
  change: Change<NonNullable<ReturnType<AddressBook['find']>>>,
): Touched | null {
  const { book, prng, order } = action;
  const known = book.contacts.current();
  if (order.resourceName === undefined && known.length === 0) return null;
  const contact =
    order.resourceName === undefined ? prng.pick(known) : book.find(order.resourceName);
  if (contact === null) throw new Error('no such contact');
  return asTouched(change(action, contact));
}

function onOther(action: ContactActionContext, change: Change<string>): Touched | null {
  const { book, prng, order } = action;
  const known = book.others.current();
  if (order.resourceName === undefined && known.length === 0) return null;
  const name = order.resourceName ?? prng.pick(known).id;
  const result = change(action, name);
  if (result === null) throw new Error('no such other contact');
  return asTouched(result);
}

function onGroup(action: ContactActionContext, change: Change<string>): Touched | null {
  const { book, prng, order } = action;
  const known = book.userGroups();
  if (order.resourceName === undefined && known.length === 0) return null;
  const name = order.resourceName ?? prng.pick(known).id;
  const result = change(action, name);
  if (result === null) throw new Error('no such user group');
  return asTouched(result);
}

function asTouched(result: Version<unknown> | Touched | null): Touched | null {
  return result !== null && 'id' in result ? touched(result) : result;
}

function touched(version: Version<unknown>): Touched {
  return { resourceName: version.id };
}
