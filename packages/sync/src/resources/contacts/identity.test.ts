import { GoogleError } from '@syncline/google';
import type { KnownIdentity } from '@syncline/store';
import { byStoredContacts } from './identity.js';

type People = Parameters<typeof byStoredContacts>[0]['people'];

const known = (...names: string[]): KnownIdentity => ({
  accountId: 'a',
  tenant: 'default',
  email: 'ann@example.com',
  aliases: [],
  project: 'default',
  resources: ['contacts'],
  googleSub: null,
  grant: 1,
  version: 1,
  verified: false,
  vouched: false,
  hasRows: true,
  hasMessages: false,
  primaryAddress: null,
  people: names,
});

/** A Google that has these resource names, 1,000 other contacts a page. */
function googleWith(names: string[], over: Partial<People> = {}): { people: People } {
  const others = names.filter((name) => name.startsWith('otherContacts/'));
  const none = { nameless: 0, nextPageToken: null, nextSyncToken: null };
  return {
    people: {
      connections: async () => ({ items: [], ...none }),
      contactGroups: async () => ({ items: [], ...none }),
      otherContacts: async ({ pageToken }) => {
        const at = Number(pageToken ?? 0);
        const items = others.slice(at, at + 1_000).map((id) => ({ id, resource: {} }));
        const isLast = at + 1_000 >= others.length;
        return { ...none, items, nextPageToken: isLast ? null : String(at + 1_000) };
      },
      contact: async (name) => (names.includes(name) ? { resourceName: name } : null),
      contactGroup: async (name) => (names.includes(name) ? {} : null),
      ...over,
    },
  };
}

const SAME = { kind: 'same', proof: 'contact' };
const forbidden = (): Promise<never> =>
  Promise.reject(
    new GoogleError('people.people.get', { kind: 'forbidden', reason: 'insufficientPermissions' }),
  );

test('one stored contact, group or other contact that Google still has proves the account', async () => {
  const stored = known('people/c1', 'people/c2', 'contactGroups/g', 'otherContacts/c3');
  for (const name of stored.people)
    expect(await byStoredContacts(googleWith([name]), stored, null)).toEqual(SAME);
});

test('a contact that has another name by now proves nothing', async () => {
  const google = googleWith([], { contact: async () => ({ resourceName: 'people/c9' }) });
  expect(await byStoredContacts(google, known('people/c1'), null)).toMatchObject({
    kind: 'unproven',
    because: { kind: 'no-known-contact', asked: 1 },
  });
});

test('an other contact is found on a later page', async () => {
  const others = Array.from({ length: 2_500 }, (_, i) => `otherContacts/c${i}`);
  expect(await byStoredContacts(googleWith(others), known('otherContacts/c2400'), null)).toEqual(
    SAME,
  );
});

test('a call that fails decides nothing, unless another one finds a stored name', async () => {
  const stored = known('people/c1', 'otherContacts/c3');
  const google = googleWith(['otherContacts/c3'], { contact: forbidden });
  expect(await byStoredContacts(google, stored, null)).toEqual(SAME);
  const refused = byStoredContacts(googleWith([], { contact: forbidden }), stored, null);
  await expect(refused).rejects.toThrow(GoogleError);
});
