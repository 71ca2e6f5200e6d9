import type { Named, Person } from '@syncline/google';
import { meaningOfConnections, meaningOfGroups, meaningOfOtherContacts } from './interpret.js';

const person = (id: string, resource: Person = {}): Named<Person> => ({
  id,
  resource: { resourceName: id, ...resource },
});
const deleted = (id: string): Named<Person> => person(id, { metadata: { deleted: true } });
const former = (id: string, ...previousResourceNames: string[]): Named<Person> =>
  person(id, { metadata: { previousResourceNames } });

/** The ids that a page stores and deletes. */
function effectOf(items: Named<Person>[]): { stored: string[]; gone: string[] } {
  const { delta, listedIds } = meaningOfConnections(items);
  if (delta.kind !== 'contacts-connections') throw new Error('another delta');
  const stored = delta.rows.map(({ id }) => id);
  expect(listedIds).toEqual(stored);
  return { stored, gone: delta.deleted };
}

test('a person with metadata.deleted is deleted, any other one stored', () => {
  expect(effectOf([person('people/c1'), deleted('people/c2')])).toEqual({
    stored: ['people/c1'],
    gone: ['people/c2'],
  });
});

test('former names are deleted, whether or not the page also reports them as deleted', () => {
  const merged = former('people/c1', 'people/c2', 'people/c3');
  expect(effectOf([merged])).toEqual({ stored: ['people/c1'], gone: ['people/c2', 'people/c3'] });
  expect(effectOf([deleted('people/c3'), merged])).toEqual({
    stored: ['people/c1'],
    gone: ['people/c3', 'people/c2'],
  });
});

test('a name of which the page has a person is not a former one, in any order', () => {
  const pages = [
    [former('people/c1', 'people/c2'), person('people/c2')],
    [person('people/c2'), former('people/c1', 'people/c2')],
    [former('people/c1', 'people/c1'), person('people/c2')],
  ];
  for (const page of pages) expect(effectOf(page).gone).toEqual([]);
});

test('of two items with one name the later one counts', () => {
  expect(effectOf([person('people/c1'), deleted('people/c1')])).toEqual({
    stored: [],
    gone: ['people/c1'],
  });
  expect(effectOf([deleted('people/c1'), person('people/c1')])).toEqual({
    stored: ['people/c1'],
    gone: [],
  });
});

test('the stored resource has no former names, so that both kinds of lists give the same row', () => {
  const listed = person('people/c1', { etag: 'e', metadata: { objectType: 'PERSON' } });
  const changed = person('people/c1', {
    etag: 'e',
    metadata: { objectType: 'PERSON', previousResourceNames: ['people/c2'] },
  });
  const [full, incremental] = [listed, changed].map((one) => meaningOfConnections([one]).delta);
  expect(incremental).toMatchObject({ ...full, deleted: ['people/c2'] });
});

test('columns are filled from the fields of the documented form, and from no others', () => {
  const hostile = {
    names: 'Ada',
    emailAddresses: [null, { value: 7 }, { value: 'ada@example.com' }],
    phoneNumbers: { value: '1' },
    memberships: [{}, { contactGroupMembership: null }],
  } as unknown as Person;
  for (const metadata of [null, 'deleted', 7, [], { previousResourceNames: [7, null] }]) {
    const item = person('people/c1', { metadata } as unknown as Person);
    expect(effectOf([item])).toEqual({ stored: ['people/c1'], gone: [] });
  }
  expect(meaningOfConnections([person('people/c1', hostile)]).delta).toMatchObject({
    rows: [
      {
        id: 'people/c1',
        displayName: null,
        emailAddresses: ['ada@example.com'],
        phoneNumbers: [],
        groupIds: [],
      },
    ],
  });
});

test('other contacts and groups have deltas of their own', () => {
  expect(meaningOfOtherContacts([deleted('otherContacts/c1')]).delta).toEqual({
    kind: 'contacts-other',
    rows: [],
    deleted: ['otherContacts/c1'],
  });
  const group = { resourceName: 'contactGroups/1', name: 'Choir', groupType: 'USER_CONTACT_GROUP' };
  const meaning = meaningOfGroups([
    { id: 'contactGroups/1', resource: group },
    { id: 'contactGroups/2', resource: { metadata: { deleted: true } } },
  ]);
  expect(meaning.delta).toMatchObject({
    kind: 'contacts-groups',
    rows: [{ id: 'contactGroups/1', name: 'Choir', type: 'USER_CONTACT_GROUP' }],
    deleted: ['contactGroups/2'],
  });
});
