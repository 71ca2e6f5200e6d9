import { z } from 'zod';
import { accountListOf, FRESHNESS_HEADER, freshRead } from '../freshness.js';
import { accountParams, page, text, ID_LIMIT } from '../parameters.js';
import { route } from '../route.js';
import { contact, contactKind } from '../schemas/contacts.js';

const tag = 'Contacts';

export const CONTACT_ROUTES = {
  'contacts.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/contacts',
    tag,
    summary: 'List contacts',
    description:
      'People of the contacts, other contacts and contact groups, in the order of their resource names.',
    scope: 'contacts:read',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({
      ...page,
      ...freshRead,
      kind: contactKind
        .optional()
        .meta({ description: 'Omitted: the people, the other contacts and the groups.' }),
    }),
    body: null,
    answers: { 200: { description: 'A page of contacts', schema: accountListOf(contact) } },
    problems: ['bad-cursor', 'not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
  'contacts.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}/contacts/{contactId}',
    tag,
    summary: 'Get a contact',
    scope: 'contacts:read',
    accountIn: 'params',
    params: accountParams.extend({
      contactId: text(ID_LIMIT).meta({
        description: 'The resource name with its slash encoded: `people%2Fc123`.',
      }),
    }),
    query: z.strictObject(freshRead),
    body: null,
    answers: {
      200: { description: 'The contact', schema: contact, headers: FRESHNESS_HEADER },
    },
    problems: ['not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
};
