import { Client, type Answer, type Json } from '../../test-support/client.js';
import type { ActionName, ActionOrder, ActResult } from '../control/act.js';
import type { SimulatorOptions } from '../options.js';
import { startSimulator, type Simulator } from '../simulator.js';

/* Sync tokens of the three lists, what ends them, and the quotas. */

const DAY_MS = 86_400_000;
const CONTACTS = '/v1/people/me/connections?personFields=names,emailAddresses,memberships,metadata';
const OTHERS = '/v1/otherContacts?readMask=names,emailAddresses,metadata';
const GROUPS = '/v1/contactGroups?groupFields=name,groupType,metadata';
const LISTS = { person: CONTACTS, other: OTHERS, group: GROUPS } as const;
type Kind = keyof typeof LISTS;
const MASKS = {
  personFields: 'names,emailAddresses,memberships,metadata',
  readMask: 'names,emailAddresses,metadata',
  groupFields: 'name,groupType,metadata',
};

let simulator: Simulator;
let client: Client;
let email: string;

async function begin(options: SimulatorOptions = {}): Promise<void> {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    contactsPerAccount: 12,
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
    nowMs: Date.UTC(2026, 5, 1, 12),
    ...options,
  });
  email = simulator.accounts()[0]!.email;
  await signIn();
}
afterEach(() => simulator.close());

/** Access tokens expire when the clock moves. */
async function signIn(): Promise<void> {
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
}

function act(action: ActionName, order: Partial<ActionOrder> = {}): ActResult {
  return simulator.act(email, { action, ...order });
}

interface Listing {
  items: Json[];
  syncToken: string;
  totals: unknown;
}

/** Lists like a correct client: all parameters again with each page token. */
async function list(kind: Kind, syncToken = '', pageSize = '5'): Promise<Listing> {
  const items: Json[] = [];
  for (let pageToken = ''; ;) {
    const { status, json } = await page(kind, { syncToken, pageSize, pageToken });
    expect(status).toBe(200);
    items.push(...(json.connections ?? json.otherContacts ?? json.contactGroups ?? []));
    expect('nextPageToken' in json).not.toBe('nextSyncToken' in json);
    const { nextPageToken, nextSyncToken, totalPeople, totalItems, totalSize } = json;
    if (nextPageToken === undefined)
      return { items, syncToken: nextSyncToken, totals: totalPeople ?? totalSize ?? totalItems };
    pageToken = nextPageToken;
  }
}

async function page(kind: Kind, parameters: Record<string, string> = {}): Promise<Answer> {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== ''));
  if (kind !== 'group') query.set('requestSyncToken', 'true');
  return client.get(`${LISTS[kind]}&${query}`);
}

const truth = (kind: Kind): Json[] =>
  simulator
    .contactsTruth(email, MASKS)
    .filter((one) => one.kind === kind)
    .map((one) => one.resource);

/** A mirror of one list. Former names are no property of a person. */
class Mirror {
  private readonly rows = new Map<string, Json>();
  apply(items: Json[]): void {
    for (const { metadata, ...item } of items) {
      const { previousResourceNames = [], ...kept } = metadata ?? {};
      for (const former of previousResourceNames) this.rows.delete(former);
      if (kept.deleted === true) this.rows.delete(item.resourceName);
      else this.rows.set(item.resourceName, { ...item, ...(metadata ? { metadata: kept } : {}) });
    }
  }

  /** In the order of the truth. */
  all(): Json[] {
    return [...this.rows.values()].toSorted((a, b) => (a.resourceName < b.resourceName ? -1 : 1));
  }
}

const errorOf = ({ status, json }: Answer): [number, string, string] => [
  status,
  json.error.status,
  json.error.message,
];
const INVALID = [400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'];
const EXPIRED = [
  400,
  'FAILED_PRECONDITION',
  'Sync token is expired. Clear local cache and retry call without the sync token.',
];

describe('incremental lists', () => {
  beforeEach(() => begin());

  test.each<Kind>(['person', 'other', 'group'])(
    'a full list of kind %s with the later changes applied equals the truth',
    async (kind) => {
      const mirror = new Mirror();
      let { items, syncToken } = await list(kind);
      mirror.apply(items);
      expect(mirror.all()).toEqual(truth(kind));
      for (let round = 0; round < 20; round++) {
        simulator.actAtRandom(15);
        ({ items, syncToken } = await list(kind, syncToken, '5'));
        mirror.apply(items);
        expect(mirror.all()).toEqual(truth(kind));
      }
    },
  );

  test('without changes a list is empty', async () => {
    const { syncToken } = await list('person');
    const { json } = await page('person', { syncToken, pageSize: '5' });
    expect(json).toEqual({ nextSyncToken: expect.any(String) });
  });

  test('a deleted contact is a bare person with metadata.deleted', async () => {
    const { syncToken } = await list('person');
    const { resourceName } = act('contact-delete');
    const { items, totals } = await list('person', syncToken);
    expect(items).toEqual([
      {
        resourceName,
        etag: expect.any(String),
        metadata: {
          sources: [{ type: 'CONTACT', id: expect.any(String) }],
          deleted: true,
          objectType: 'PERSON',
        },
      },
    ]);
    expect(totals).toBe(1);
  });

  test('without metadata in the mask nothing says that a contact is deleted', async () => {
    const path = '/v1/people/me/connections?personFields=names&requestSyncToken=true';
    const { nextSyncToken } = (await client.get(path)).json;
    const { resourceName } = act('contact-delete');
    const { json } = await client.get(`${path}&syncToken=${encodeURIComponent(nextSyncToken)}`);
    expect(json.connections).toEqual([{ resourceName, etag: expect.any(String) }]);
  });

  test('a restored contact comes again under its name', async () => {
    const { resourceName } = act('contact-delete');
    const { syncToken } = await list('person');
    act('contact-restore', { resourceName: resourceName! });
    const { items } = await list('person', syncToken);
    expect(items).toEqual([expect.objectContaining({ resourceName, names: expect.anything() })]);
    expect(() => act('contact-restore', { resourceName: resourceName! })).toThrow(
      'no such deleted contact',
    );
  });

  test.each([true, false])(
    'a merged contact is a former name of the other one; tombstone: %s',
    async (tombstone) => {
      const { syncToken } = await list('person');
      const { resourceName, formerName } = act('contact-merge', { tombstone });
      const { items } = await list('person', syncToken);
      const kept = items.find((one) => one.resourceName === resourceName);
      const gone = items.filter((one) => one.resourceName === formerName);
      expect(kept.metadata.previousResourceNames).toEqual([formerName]);
      expect(gone.map((one) => one.metadata.deleted)).toEqual(tombstone ? [true] : []);
      const full = (await list('person')).items;
      expect(full.map((one) => one.metadata.previousResourceNames)).toEqual(
        full.map(() => undefined),
      );
      expect(full.map((one) => one.resourceName)).not.toContain(formerName);
    },
  );

  test('all former names come with every later change', async () => {
    const created = act('contact-create').resourceName!;
    const merged = act('contact-merge', { resourceName: created, tombstone: false });
    const linked = act('contact-link', { resourceName: created, tombstone: false });
    const { syncToken } = await list('person');
    act('contact-update', { resourceName: linked.resourceName! });
    const [changed] = (await list('person', syncToken)).items;
    expect([changed.resourceName, changed.metadata.previousResourceNames]).toEqual([
      linked.resourceName,
      [merged.formerName, created],
    ]);
  });

  test('a contact that is linked and then deleted still names its former name', async () => {
    const created = act('contact-create').resourceName!;
    const { syncToken } = await list('person');
    const { resourceName } = act('contact-link', { resourceName: created, tombstone: false });
    act('contact-delete', { resourceName: resourceName! });
    const { items } = await list('person', syncToken);
    expect(items.map((one) => [one.resourceName, one.metadata])).toEqual([
      [resourceName, expect.objectContaining({ deleted: true, previousResourceNames: [created] })],
    ]);
  });

  test('a promoted other contact is deleted in one list and new in the other', async () => {
    const [people, others] = [await list('person'), await list('other')];
    const { resourceName, formerName } = act('other-promote');
    expect((await list('other', others.syncToken)).items).toEqual([
      {
        resourceName: formerName,
        etag: expect.any(String),
        metadata: {
          sources: [{ type: 'OTHER_CONTACT', id: expect.any(String) }],
          deleted: true,
          objectType: 'PERSON',
        },
      },
    ]);
    expect((await list('person', people.syncToken)).items).toEqual([
      expect.objectContaining({ resourceName }),
    ]);
  });

  test('a deleted group is in its list, and its members are changed people', async () => {
    const { resourceName: group } = act('group-create', { name: 'Choir' });
    const { resourceName } = act('group-add', { groupName: group! });
    const [people, groups] = [await list('person'), await list('group')];
    act('group-delete', { resourceName: group! });
    const [deleted] = (await list('group', groups.syncToken)).items;
    expect([deleted.resourceName, deleted.metadata.deleted]).toEqual([group, true]);
    const [member] = (await list('person', people.syncToken)).items;
    expect(member.resourceName).toBe(resourceName);
    expect(JSON.stringify(member.memberships)).not.toContain(group);
  });

  test('a new member changes the person and is no change of the group', async () => {
    const [people, groups] = [await list('person'), await list('group')];
    const { resourceName } = act('group-add');
    expect((await list('group', groups.syncToken)).items).toEqual([]);
    expect((await list('person', people.syncToken)).items.map((one) => one.resourceName)).toEqual([
      resourceName,
    ]);
  });

  test('a contact that changes during a full list comes again at its end', async () => {
    const first = (await page('person', { pageSize: '5' })).json;
    const { resourceName } = first.connections[0];
    act('contact-update', { resourceName });
    const later: string[] = [];
    for (let pageToken = first.nextPageToken; pageToken !== undefined;) {
      const { json } = await page('person', { pageSize: '5', pageToken });
      later.push(...json.connections.map((one: { resourceName: string }) => one.resourceName));
      pageToken = json.nextPageToken;
    }
    expect(later.at(-1)).toBe(resourceName);
    expect(new Set(later).size).toBe(later.length);
  });

  test('without requestSyncToken there is no new sync token', async () => {
    const { syncToken } = await list('person', '', '1000');
    const query = new URLSearchParams({ syncToken, pageSize: '1000' });
    const { status, json } = await client.get(`${CONTACTS}&${query}`);
    expect([status, json]).toEqual([200, {}]);
  });
});

describe('sync tokens', () => {
  beforeEach(() => begin());

  test.each<Kind>(['person', 'other', 'group'])('of kind %s end after seven days', async (kind) => {
    const { syncToken } = await list(kind);
    simulator.clock.advance(7 * DAY_MS - 1);
    await signIn();
    const renewed = await list(kind, syncToken);
    simulator.clock.advance(1);
    for (const token of [syncToken, renewed.syncToken])
      expect(errorOf(await page(kind, { syncToken: token, pageSize: '5' }))).toEqual(EXPIRED);
    expect((await list(kind)).items.length).toBeGreaterThan(0);
  });

  test('the error has the documented reason', async () => {
    const { syncToken } = await list('person');
    simulator.faults.add({ kind: 'invalid-sync-token', email });
    expect((await page('person', { syncToken, pageSize: '5' })).json.error.details).toEqual([
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'EXPIRED_SYNC_TOKEN',
        domain: 'people.googleapis.com',
      },
    ]);
  });

  test('one that expires between two pages ends an incremental listing and no full listing', async () => {
    const { syncToken } = await list('person');
    for (let n = 0; n < 8; n++) act('contact-create');
    const changes = (await page('person', { syncToken, pageSize: '5' })).json;
    const full = (await page('person', { pageSize: '5' })).json;
    simulator.faults.add({ kind: 'invalid-sync-token', method: 'people.connections.list' });
    const pages = { pageSize: '5', pageToken: changes.nextPageToken };
    expect(errorOf(await page('person', { ...pages, syncToken }))).toEqual(EXPIRED);
    const next = await page('person', { pageSize: '5', pageToken: full.nextPageToken });
    expect(next.status).toBe(200);
  });

  test('the fault can be limited to one list', async () => {
    const [people, others] = [await list('person'), await list('other')];
    simulator.faults.add({ kind: 'invalid-sync-token', method: 'otherContacts.list' });
    const status = async (kind: Kind, syncToken: string): Promise<number> =>
      (await page(kind, { syncToken, pageSize: '5' })).status;
    expect([
      await status('person', people.syncToken),
      await status('other', others.syncToken),
    ]).toEqual([200, 400]);
  });

  test('other parameters, another list and garbage are invalid arguments', async () => {
    const { syncToken } = await list('person');
    const others = await list('other');
    const refused: Record<string, string>[] = [
      { syncToken, pageSize: '6' },
      { syncToken, pageSize: '5', sources: 'READ_SOURCE_TYPE_CONTACT' },
      { syncToken: others.syncToken, pageSize: '5' },
      { syncToken: 'garbage', pageSize: '5' },
    ];
    for (const parameters of refused)
      expect(errorOf(await page('person', parameters))).toEqual(INVALID);
  });
});

test('changes appear in sync requests after the propagation delay, and elsewhere at once', async () => {
  await begin({ propagationDelayMs: 180_000 });
  const before = await list('person');
  const created = act('contact-create').resourceName!;
  const { resourceName: gone } = act('contact-delete');
  const early = await list('person', before.syncToken);
  expect(early.items).toEqual([]);
  const inFull = (await list('person')).items.map((one) => one.resourceName);
  expect([inFull.includes(created), inFull.includes(gone!)]).toEqual([false, gone !== created]);
  expect((await client.get(`/v1/${created}?personFields=names`)).status).toBe(
    gone === created ? 404 : 200,
  );
  const plain = (await client.get(`${CONTACTS}&pageSize=1000`)).json.connections;
  expect(plain.map((one: { resourceName: string }) => one.resourceName)).not.toContain(gone);
  simulator.clock.advance(180_000);
  const mirror = new Mirror();
  mirror.apply(before.items);
  mirror.apply((await list('person', early.syncToken)).items);
  expect(mirror.all()).toEqual(truth('person'));
});

describe('quotas', () => {
  test('a user has 90 requests a minute, counted apart from Gmail and Calendar', async () => {
    await begin({ quota: { fullSyncsPerUserMinute: 1_000 } });
    for (let n = 0; n < 90; n++) expect((await client.get(GROUPS)).status).toBe(200);
    const { status, json } = await client.get(GROUPS);
    expect([status, json.error]).toEqual([
      429,
      {
        code: 429,
        message:
          "Quota exceeded for quota metric 'Critical read requests (Contact and Profile Reads)' and limit 'Critical read requests (Contact and Profile Reads) per minute per user' of service 'people.googleapis.com' for consumer 'project_number:123456789012'.",
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'RATE_LIMIT_EXCEEDED',
            domain: 'googleapis.com',
            metadata: {
              service: 'people.googleapis.com',
              consumer: 'projects/123456789012',
              quota_metric: 'people.googleapis.com/critical_read_requests',
              quota_limit: 'CriticalReadsPerMinutePerProjectPerUser',
            },
          },
        ],
      },
    ]);
    const { project, users, violations } = simulator.ledger.snapshot();
    expect(project).toMatchObject({ peopleRequests: 90, calendarRequests: 0, gmailUnits: 0 });
    expect(users[email]?.peoplePeakRequestsPerMinute).toBe(90);
    expect(violations.recent.map(({ kind }) => kind)).toEqual(['user-quota']);
    simulator.clock.advance(60_000);
    expect((await client.get(GROUPS)).status).toBe(200);
  });

  test('the first page of a full sync has a quota of its own for each list', async () => {
    await begin({ quota: { fullSyncsPerUserMinute: 2 } });
    const { syncToken } = await list('person');
    await list('person');
    const refused = await page('person', { pageSize: '5' });
    expect([refused.status, refused.json.error.status]).toEqual([429, 'RESOURCE_EXHAUSTED']);
    expect((await list('person', syncToken)).items).toEqual([]);
    expect((await client.get(CONTACTS)).status).toBe(200);
    expect((await list('other')).items).toHaveLength(6);
    for (let n = 0; n < 5; n++) await list('group');
    expect(simulator.ledger.snapshot().violations.recent.map(({ kind }) => kind)).toEqual([
      'full-sync-quota',
    ]);
    simulator.clock.advance(60_000);
    expect((await list('person')).items).toHaveLength(12);
  });
});
