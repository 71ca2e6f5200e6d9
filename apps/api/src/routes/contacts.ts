import type { HandlersOf } from '../v1/handler.js';
import { accountList, idKey } from '../v1/account-list.js';
import { freshly, freshObject } from '../v1/fresh.js';
import { READ_FROM, type ContactKind } from '@syncline/store';
import type { ReadDeps } from './index.js';

export function contactHandlers(deps: ReadDeps): HandlersOf<'Contacts'> {
  const { reads } = deps.store;
  return {
    'contacts.list': (request) => {
      const { account, query } = request;
      const kind = query.kind ?? null;
      const asked = { route: 'contacts.list', params: { id: account.id }, query };
      return freshly(deps, request, READ_FROM.contacts(kind), (fresh) =>
        accountList(asked, fresh, {
          keyOf: idKey,
          read: (page) => reads.contacts(account.id, { ...page, kind }),
        }),
      );
    },
    'contacts.get': (request) => {
      const { contactId } = request.params;
      return freshObject(deps, request, READ_FROM.contacts(listOf(contactId)), {
        what: 'contact',
        read: () => reads.contact(request.account.id, contactId),
      });
    },
  };
}

const LISTS = new Map<string, ContactKind>([
  ['people', 'person'],
  ['otherContacts', 'other'],
  ['contactGroups', 'group'],
]);

/** Returns the list that a resource name is from; null when it says none. */
function listOf(resourceName: string): ContactKind | null {
  return LISTS.get(resourceName.split('/', 1)[0] ?? '') ?? null;
}
