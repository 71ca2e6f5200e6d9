import { Client, type Answer, type Json } from '../../test-support/client.js';
import type { ActionName, ActionOrder, ActResult } from '../control/act.js';
import { startSimulator, type Simulator } from '../simulator.js';

/* What the People API answers, apart from sync tokens (sync.test.ts). */

const CONTACTS = '/v1/people/me/connections';
const OTHERS = '/v1/otherContacts';
const GROUPS = '/v1/contactGroups';

let simulator: Simulator;
let client: Client;
let email: string;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    contactsPerAccount: 24,
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
    nowMs: Date.UTC(2026, 5, 1, 12),
  });
  const [account] = simulator.accounts();
  email = account!.email;
  client = await Client.signIn(simulator.url, account!.refreshToken);
});
afterEach(() => simulator.close());

function act(action: ActionName, order: Partial<ActionOrder> = {}): ActResult {
  return simulator.act(email, { action, ...order });
}

/** Returns the items of all pages. */
async function listAll(path: string, parameters: Record<string, string>): Promise<Json[]> {
  const items: Json[] = [];
  for (let pageToken = ''; ;) {
    const page = await get(path, { ...parameters, ...(pageToken === '' ? {} : { pageToken }) });
    expect(page.status).toBe(200);
    items.push(
      ...(page.json.connections ?? page.json.otherContacts ?? page.json.contactGroups ?? []),
    );
    if (page.json.nextPageToken === undefined) return items;
    pageToken = page.json.nextPageToken;
  }
}

async function get(path: string, parameters: Record<string, string> = {}): Promise<Answer> {
  return client.get(`${path}?${new URLSearchParams(parameters)}`);
}

const contact = (name: string, personFields: string): Promise<Answer> =>
  get(`/v1/${name}`, { personFields });

const names = (items: Json[]): string[] => items.map((item) => item.resourceName);
const truth = (kind: string): unknown[] =>
  simulator
    .contactsTruth(email)
    .filter((one) => one.kind === kind)
    .map((one) => one.resource);
const byName = (a: Json, b: Json): number => (a.resourceName < b.resourceName ? -1 : 1);

const ALL_FIELDS =
  'addresses,ageRanges,biographies,birthdays,calendarUrls,clientData,coverPhotos,emailAddresses,events,externalIds,genders,imClients,interests,locales,locations,memberships,metadata,miscKeywords,names,nicknames,occupations,organizations,phoneNumbers,photos,relations,sipAddresses,skills,urls,userDefined';

describe('people.connections.list', () => {
  test('pages have every contact of the truth once, and the number of all', async () => {
    const parameters = { personFields: ALL_FIELDS, pageSize: '5' };
    const items = await listAll(CONTACTS, parameters);
    expect(items.toSorted(byName)).toEqual(truth('person'));
    const { json } = await get(CONTACTS, parameters);
    expect(json).toMatchObject({ totalPeople: 24, totalItems: 24 });
    expect(json).not.toHaveProperty('nextSyncToken');
  });

  test('a person has its name, its source and the requested fields only', async () => {
    const { resourceName } = act('contact-create', {
      person: {
        names: [{ givenName: 'Zoë', familyName: 'Ærø' }],
        emailAddresses: [{ value: 'zoe@fjord.example', type: 'work' }, { value: 'z@x.example' }],
      },
    });
    const id = BigInt(resourceName!.slice('people/c'.length)).toString(16);
    const { json } = await contact(resourceName!, 'names,emailAddresses');
    const source = { type: 'CONTACT', id };
    const primary = { primary: true, source, sourcePrimary: true };
    expect(json).toEqual({
      resourceName,
      etag: expect.stringMatching(/^%/),
      names: [
        {
          metadata: primary,
          displayName: 'Zoë Ærø',
          givenName: 'Zoë',
          familyName: 'Ærø',
          displayNameLastFirst: 'Ærø, Zoë',
          unstructuredName: 'Zoë Ærø',
        },
      ],
      emailAddresses: [
        { metadata: primary, value: 'zoe@fjord.example', type: 'work', formattedType: 'Work' },
        { metadata: { source }, value: 'z@x.example' },
      ],
    });
    const { metadata } = (await contact(resourceName!, 'metadata')).json;
    expect(metadata).toEqual({
      sources: [
        { ...source, etag: expect.stringMatching(/^#/), updateTime: '2026-06-01T12:00:00.000Z' },
      ],
      objectType: 'PERSON',
    });
  });

  test('a list has at most 100 addresses of a person, people.get all', async () => {
    const emailAddresses = Array.from({ length: 130 }, (_, n) => ({ value: `a${n}@x.example` }));
    const { resourceName } = act('contact-create', { person: { emailAddresses } });
    const listed = await listAll(CONTACTS, { personFields: 'emailAddresses' });
    const inList = listed.find((one) => one.resourceName === resourceName);
    const alone = (await contact(resourceName!, 'emailAddresses')).json;
    expect([inList.emailAddresses.length, alone.emailAddresses.length]).toEqual([100, 130]);
  });

  test('the order is that of the last change, or another one on request', async () => {
    const [oldest] = await listAll(CONTACTS, { personFields: 'names' });
    act('contact-update', { resourceName: oldest.resourceName });
    const ascending = names(await listAll(CONTACTS, { personFields: 'names', pageSize: '7' }));
    const descending = await listAll(CONTACTS, {
      personFields: 'names',
      pageSize: '7',
      sortOrder: 'LAST_MODIFIED_DESCENDING',
    });
    expect(ascending.at(-1)).toBe(oldest.resourceName);
    expect(names(descending)).toEqual(ascending.toReversed());
    const byFirstName = await listAll(CONTACTS, {
      personFields: 'names',
      sortOrder: 'FIRST_NAME_ASCENDING',
    });
    expect(names(byFirstName).toSorted()).toEqual(ascending.toSorted());
  });

  test.each<[string, Record<string, string>, string]>([
    [CONTACTS, {}, 'personFields mask is required. Please specify one or more valid paths.'],
    [CONTACTS, { personFields: 'names,faces' }, 'Invalid personFields mask path: "faces".'],
    [CONTACTS, { personFields: 'names', pageSize: '1001' }, 'Request contains an invalid'],
    [CONTACTS, { personFields: 'names', sortOrder: 'AGE' }, 'Request contains an invalid'],
    [CONTACTS, { personFields: 'names', sources: 'FRIENDS' }, 'Request contains an invalid'],
    [CONTACTS, { personFields: 'names', pageToken: 'x' }, 'Request contains an invalid'],
    ['/v1/people/c1/connections', { personFields: 'names' }, 'Request contains an invalid'],
    [OTHERS, {}, 'readMask is required. Please specify one or more valid paths.'],
    [OTHERS, { readMask: 'birthdays' }, 'Invalid readMask mask path: "birthdays".'],
    [
      OTHERS,
      { readMask: 'names', sources: 'READ_SOURCE_TYPE_PROFILE' },
      'Request contains an invalid',
    ],
    [GROUPS, { groupFields: 'members' }, 'Invalid groupFields mask path: "members".'],
  ])('%s with %j is an invalid argument', async (path, parameters, message) => {
    const { status, json } = await get(path, parameters);
    expect([status, json]).toEqual([
      400,
      {
        error: {
          code: 400,
          message: expect.stringContaining(message),
          status: 'INVALID_ARGUMENT',
        },
      },
    ]);
  });

  test('a page token belongs to its parameters', async () => {
    const first = { personFields: 'names,metadata', pageSize: '5' };
    const { nextPageToken: pageToken } = (await get(CONTACTS, first)).json;
    const status = async (more: Record<string, string>): Promise<number> =>
      (await get(CONTACTS, { ...first, pageToken, ...more })).status;
    expect([
      await status({}),
      await status({ personFields: 'metadata,names' }),
      await status({ personFields: 'names' }),
      await status({ pageSize: '6' }),
      await status({ requestSyncToken: 'true' }),
      await status({ sources: 'READ_SOURCE_TYPE_CONTACT' }),
    ]).toEqual([200, 200, 400, 400, 400, 400]);
  });

  test('fields select from the answer', async () => {
    const { json } = await get(CONTACTS, {
      personFields: 'names',
      fields: 'connections(resourceName),totalItems',
    });
    expect(Object.keys(json)).toEqual(['connections', 'totalItems']);
    expect(Object.keys(json.connections[0])).toEqual(['resourceName']);
    expect((await get(CONTACTS, { personFields: 'names', fields: 'items' })).status).toBe(400);
  });
});

describe('otherContacts.list', () => {
  const MASK = 'names,emailAddresses,phoneNumbers,photos,metadata';

  test('pages have every other contact of the truth once', async () => {
    const items = await listAll(OTHERS, { readMask: MASK, pageSize: '5' });
    expect(items.toSorted(byName)).toEqual(truth('other'));
    expect(items).toHaveLength(12);
    expect(items[0].resourceName).toMatch(/^otherContacts\/c\d+$/);
    expect((await get(OTHERS, { readMask: MASK })).json.totalSize).toBe(12);
  });

  test('one that becomes a contact keeps its number', async () => {
    const [other] = await listAll(OTHERS, { readMask: 'emailAddresses' });
    const promoted = act('other-promote', { resourceName: other.resourceName });
    expect(promoted.resourceName).toBe(other.resourceName.replace('otherContacts', 'people'));
    const { json } = await contact(promoted.resourceName!, 'emailAddresses,memberships');
    expect([json.emailAddresses[0].value, json.memberships]).toEqual([
      other.emailAddresses[0].value,
      [expect.objectContaining({ contactGroupMembership: expect.anything() })],
    ]);
    expect(names(await listAll(OTHERS, { readMask: 'names' }))).not.toContain(other.resourceName);
  });
});

describe('contactGroups', () => {
  test("the user's groups come first; system groups have no etag, and a count of 0 is absent", async () => {
    const { resourceName } = act('group-create', { name: 'Empty' });
    const groups = await listAll(GROUPS, { pageSize: '3' });
    const ofUser = groups.filter((group) => group.groupType === 'USER_CONTACT_GROUP');
    expect(groups.slice(0, 4)).toEqual(ofUser);
    expect(names(groups.slice(4))).toEqual(
      'chatBuddies all myContacts friends family coworkers blocked starred'
        .split(' ')
        .map((id) => `contactGroups/${id}`),
    );
    expect(groups.find((group) => group.resourceName === resourceName)).toEqual({
      resourceName,
      etag: expect.any(String),
      metadata: { updateTime: '2026-06-01T12:00:00.000Z' },
      groupType: 'USER_CONTACT_GROUP',
      name: 'Empty',
      formattedName: 'Empty',
    });
    expect(groups.find((group) => group.name === 'myContacts')).toEqual({
      resourceName: 'contactGroups/myContacts',
      groupType: 'SYSTEM_CONTACT_GROUP',
      name: 'myContacts',
      formattedName: 'My Contacts',
      memberCount: 24,
    });
  });

  test('a group has its members, and they have their memberships', async () => {
    const { resourceName: group } = act('group-create', { name: 'Choir' });
    const { resourceName } = act('contact-create');
    act('group-add', { resourceName: resourceName!, groupName: group! });
    const { json } = await get(`/v1/${group}`, { maxMembers: '10' });
    expect(json).toMatchObject({ memberCount: 1, memberResourceNames: [resourceName] });
    const { memberships } = (await contact(resourceName!, 'memberships')).json;
    expect(memberships.at(-1).contactGroupMembership).toEqual({
      contactGroupId: group!.slice('contactGroups/'.length),
      contactGroupResourceName: group,
    });
    act('group-remove', { resourceName: resourceName!, groupName: group! });
    expect((await get(`/v1/${group}`, { maxMembers: '10' })).json).not.toHaveProperty(
      'memberCount',
    );
  });

  test('a deleted group is gone, and so are the memberships in it', async () => {
    const { resourceName: group } = act('group-create', { name: 'Choir' });
    const { resourceName } = act('contact-create');
    act('group-add', { resourceName: resourceName!, groupName: group! });
    act('group-delete', { resourceName: group! });
    expect((await get(`/v1/${group}`)).status).toBe(404);
    expect((await contact(resourceName!, 'memberships')).json.memberships).toHaveLength(1);
  });

  test('batchGet answers for each name', async () => {
    const query = 'resourceNames=contactGroups/starred&resourceNames=contactGroups/none';
    const { json } = await client.get(`${GROUPS}:batchGet?${query}`);
    expect(json.responses).toEqual([
      {
        requestedResourceName: 'contactGroups/starred',
        status: {},
        contactGroup: expect.objectContaining({ name: 'starred' }),
      },
      { requestedResourceName: 'contactGroups/none', status: expect.objectContaining({ code: 5 }) },
    ]);
    expect((await client.get(`${GROUPS}:batchGet`)).status).toBe(400);
  });
});

describe('people by name', () => {
  const batch = async (...asked: string[]): Promise<Json[]> => {
    const query = new URLSearchParams({ personFields: 'metadata' });
    for (const name of asked) query.append('resourceNames', name);
    return (await client.get(`/v1/people:batchGet?${query}`)).json.responses;
  };

  test('a deleted contact is 404, alone and in a batch', async () => {
    const [kept, gone] = [act('contact-create'), act('contact-create')];
    act('contact-delete', { resourceName: gone.resourceName! });
    const { status, json } = await contact(gone.resourceName!, 'names');
    expect([status, json]).toEqual([
      404,
      { error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' } },
    ]);
    expect(await batch(kept.resourceName!, gone.resourceName!)).toEqual([
      {
        httpStatusCode: 200,
        requestedResourceName: kept.resourceName,
        status: {},
        person: expect.objectContaining({ resourceName: kept.resourceName }),
      },
      {
        httpStatusCode: 404,
        requestedResourceName: gone.resourceName,
        status: { code: 5, message: 'Requested entity was not found.' },
      },
    ]);
  });

  test('a former name finds the person, who has another name', async () => {
    const [kept, merged] = [act('contact-create'), act('contact-create')];
    act('contact-merge', { resourceName: kept.resourceName!, formerName: merged.resourceName! });
    const linked = act('contact-link', { resourceName: kept.resourceName! });
    expect(linked.resourceName).toMatch(/^people\/1\d{20}$/);
    for (const name of [kept.resourceName!, merged.resourceName!])
      expect((await contact(name, 'names')).json.resourceName).toBe(linked.resourceName);
    const [{ requestedResourceName, person }] = await batch(merged.resourceName!);
    expect([requestedResourceName, person.resourceName]).toEqual([
      merged.resourceName,
      linked.resourceName,
    ]);
  });

  test('a linked contact has a profile as a source and as a second name, if it is asked for', async () => {
    const created = act('contact-create', { person: { names: [{ givenName: 'Ada' }] } });
    const { resourceName } = act('contact-link', { resourceName: created.resourceName! });
    const both = (await contact(resourceName!, 'names,metadata')).json;
    const own = (
      await get(`/v1/${resourceName}`, {
        personFields: 'names,metadata',
        sources: 'READ_SOURCE_TYPE_CONTACT',
      })
    ).json;
    const types = (person: Json): string[] =>
      person.metadata.sources.map((one: { type: string }) => one.type);
    expect([types(both), both.names.length]).toEqual([['PROFILE', 'CONTACT'], 2]);
    expect([types(own), own.names.length]).toEqual([['CONTACT'], 1]);
  });
});

test.each<[string, string, string, string]>([
  ['contacts.other.readonly', CONTACTS, 'personFields=names', 'ListConnections'],
  ['contacts', OTHERS, 'readMask=names', 'ListOtherContacts'],
  ['contacts.other.readonly', GROUPS, '', 'ListContactGroups'],
])('a token with %s does not read %s', async (scope, path, query, call) => {
  client = await Client.signIn(simulator.url, simulator.consent(email, [scope]));
  const { status, json } = await client.get(`${path}?${query}`);
  expect([status, json.error]).toEqual([
    403,
    {
      code: 403,
      message: 'Request had insufficient authentication scopes.',
      status: 'PERMISSION_DENIED',
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
          domain: 'googleapis.com',
          metadata: {
            service: 'people.googleapis.com',
            method: `google.people.v1.PeopleService.${call}`,
          },
        },
      ],
    },
  ]);
});

test('contacts may read what contacts.readonly reads', async () => {
  client = await Client.signIn(simulator.url, simulator.consent(email, ['contacts']));
  expect((await get(CONTACTS, { personFields: 'names' })).status).toBe(200);
  expect((await get(GROUPS)).status).toBe(200);
});

test('what is no method is 404 in the envelope of the API', async () => {
  for (const path of [
    '/v1/people',
    '/v1/people/c1/friends',
    '/v1/otherContacts/c1',
    '/v1/people:x',
  ])
    expect([path, (await client.get(path)).json.error.status]).toEqual([path, 'NOT_FOUND']);
  expect((await client.post(CONTACTS)).status).toBe(404);
});
