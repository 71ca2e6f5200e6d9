import { Client, type Answer, type Json } from '../../test-support/client.js';
import type { FaultOrder } from '../faults.js';
import { startSimulator, type Simulator } from '../simulator.js';

/* Faults of the People API's methods. */

const CONTACTS =
  '/v1/people/me/connections?personFields=names,metadata&requestSyncToken=true&pageSize=5';
const OTHERS =
  '/v1/otherContacts?readMask=emailAddresses,metadata&requestSyncToken=true&pageSize=5';
const GROUPS = '/v1/contactGroups?pageSize=3';

let simulator: Simulator;
let client: Client;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    contactsPerAccount: 14,
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
    nowMs: Date.UTC(2026, 5, 1, 12),
    quota: { scale: 100 },
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
});
afterEach(() => simulator.close());

const fault = (order: FaultOrder): number => simulator.faults.add(order).id;

async function next(path: string, { json }: Answer): Promise<Answer> {
  return client.get(`${path}&pageToken=${encodeURIComponent(json.nextPageToken)}`);
}

async function syncTokenOf(path: string): Promise<string> {
  let page = await client.get(path);
  while (page.json.nextPageToken !== undefined) page = await next(path, page);
  return page.json.nextSyncToken;
}

const names = ({ json }: Answer): string[] =>
  (json.connections ?? json.otherContacts ?? json.contactGroups).map(
    (one: Json) => one.resourceName,
  );

test('the quota of full syncs refuses their first pages only', async () => {
  const syncToken = await syncTokenOf(CONTACTS);
  const first = await client.get(CONTACTS);
  fault({ kind: '429-full-sync', method: 'people.connections.list' });
  const { status, json } = await client.get(CONTACTS);
  expect([status, json.error.status]).toEqual([429, 'RESOURCE_EXHAUSTED']);
  expect((await next(CONTACTS, first)).status).toBe(200);
  const incremental = `${CONTACTS}&syncToken=${encodeURIComponent(syncToken)}`;
  expect((await client.get(incremental)).status).toBe(200);
  expect((await client.get(OTHERS)).status).toBe(200);
  expect(simulator.ledger.snapshot()).toMatchObject({
    faults: { '429-full-sync': 1 },
    violations: { total: 0 },
  });
});

test('an expired sync token refuses calls with one only', async () => {
  const syncToken = await syncTokenOf(OTHERS);
  fault({ kind: '400-expired-sync-token' });
  const { status, json } = await client.get(`${OTHERS}&syncToken=${encodeURIComponent(syncToken)}`);
  expect([status, json.error.details[0].reason]).toEqual([400, 'EXPIRED_SYNC_TOKEN']);
  expect((await client.get(OTHERS)).status).toBe(200);
});

test.each<[FaultOrder['kind'], number, string, string | undefined]>([
  ['403-api-disabled', 403, 'People API has not been used in project', 'SERVICE_DISABLED'],
  [
    '403-insufficient-scope',
    403,
    'Request had insufficient authentication scopes.',
    'ACCESS_TOKEN_SCOPE_INSUFFICIENT',
  ],
  ['403-user-rate', 429, 'Quota exceeded for quota metric', 'RATE_LIMIT_EXCEEDED'],
  ['404', 404, 'Requested entity was not found.', undefined],
])('%s has the message of the People API', async (kind, status, message, reason) => {
  fault({ kind, method: 'contactGroups.list' });
  const answer = await client.get(GROUPS);
  const { error } = answer.json;
  expect([answer.status, error.details?.[0].reason]).toEqual([status, reason]);
  expect(error.message.startsWith(message)).toBe(true);
  expect(error).not.toHaveProperty('errors');
});

test('a fault of one person applies to its name in a path and in batchGet', async () => {
  const [bad, good] = names(await client.get(CONTACTS));
  fault({ kind: '500', item: bad! });
  const status = async (path: string): Promise<number> => (await client.get(path)).status;
  expect([
    await status(`/v1/${bad}?personFields=names`),
    await status(`/v1/${good}?personFields=names`),
    await status(`/v1/people:batchGet?personFields=names&resourceNames=${bad}`),
    await status(`/v1/people:batchGet?personFields=names&resourceNames=${good}`),
  ]).toEqual([500, 200, 500, 200]);
});

test('a person can be altered wherever an answer contains it', async () => {
  const [resourceName] = names(await client.get(CONTACTS));
  fault({ kind: 'altered-answer', item: resourceName!, patch: { resourceName: null } });
  expect((await client.get(CONTACTS)).json.connections[0]).not.toHaveProperty('resourceName');
});

test('a full list can be empty or leave people out; answers to sync tokens are whole', async () => {
  const syncToken = await syncTokenOf(CONTACTS);
  const empty = fault({ kind: 'empty-listing', method: 'people.connections.list' });
  const { json } = await client.get(CONTACTS);
  expect([json.connections, json.nextPageToken, typeof json.nextSyncToken]).toEqual([
    [],
    undefined,
    'string',
  ]);
  simulator.faults.end(empty);
  fault({ kind: 'omitting-listing' });
  const left = (await client.get(CONTACTS.replace('pageSize=5', 'pageSize=100'))).json.connections;
  expect(left.length).toBeGreaterThan(0);
  expect(left.length).toBeLessThan(14);
  simulator.act('user1@demo.example', { action: 'contact-create' });
  const changes = await client.get(`${CONTACTS}&syncToken=${encodeURIComponent(syncToken)}`);
  expect(changes.json.connections).toHaveLength(1);
});

test.each([CONTACTS, OTHERS, GROUPS])('listings of %s can be without an end', async (path) => {
  const first = await client.get(path);
  const selfNaming = fault({ kind: 'page-names-itself' });
  const again = await next(path, first);
  expect(again.json.nextPageToken).toBe(first.json.nextPageToken);
  simulator.faults.end(selfNaming);
  const repeating = fault({ kind: 'pages-repeat' });
  const repeated = await next(path, await client.get(path));
  expect(names(repeated)).toEqual(names(first));
  simulator.faults.end(repeating);
  fault({ kind: 'empty-pages' });
  const empty = await client.get(path);
  expect(Object.keys(empty.json)).not.toContain('connections');
  expect(empty.json.nextPageToken).toEqual(expect.any(String));
  expect((await next(path, empty)).status).toBe(200);
});

test('pages can overlap, and the last one can be without a sync token', async () => {
  const first = await client.get(CONTACTS);
  const overlapping = fault({ kind: 'overlapping-pages' });
  const before = await client.get(CONTACTS);
  const second = await next(CONTACTS, before);
  expect(names(second).slice(0, 3)).toEqual(names(first).slice(-3));
  simulator.faults.end(overlapping);
  fault({ kind: 'no-sync-token', method: 'people.connections.list' });
  expect(await syncTokenOf(CONTACTS)).toBeUndefined();
});

test('pages can come short and empty, and end as whole lists', async () => {
  simulator.setPages({ shortPeoplePages: true });
  const found = new Set<string>();
  let pages = 1;
  let page = await client.get(OTHERS);
  for (; ; pages++) {
    for (const person of page.json.otherContacts ?? []) found.add(person.resourceName);
    if (page.json.nextPageToken === undefined) break;
    page = await next(OTHERS, page);
  }
  expect(found.size).toBe(7);
  expect(pages).toBeGreaterThan(2);
});

test('a page token that expired is an invalid argument', async () => {
  const first = await client.get(CONTACTS);
  fault({ kind: '400-page-token' });
  expect((await next(CONTACTS, first)).json.error).toEqual({
    code: 400,
    message: 'Request contains an invalid argument.',
    status: 'INVALID_ARGUMENT',
  });
});
