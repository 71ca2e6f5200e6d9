import { type Simulator, startSimulator } from '@syncline/simulator';
import { type Bench, openBench } from '../../../test-support/bench-google.js';
import type { GoogleAccount } from '../../index.js';

/** The real client against the simulated Google, which checks the requests. */
let bench: Bench;
let sim: Simulator;
let ada: string;
let people: GoogleAccount['people'];
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(async () => {
  await bench.fresh();
  sim = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    contactsPerAccount: 12,
    largestPage: 5,
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
  });
  const [account] = sim.accounts();
  ada = account!.email;
  bench.tokens.current.set(ada, account!.refreshToken);
  const google = await bench.open({ apiUrl: sim.url });
  ({ people } = google.account(ada, { lane: 'bulk' }));
});
afterEach(() => sim.close());
afterAll(() => bench.stop());

type List = 'connections' | 'otherContacts' | 'contactGroups';
const LISTS: readonly [List, string][] = [
  ['connections', 'person'],
  ['otherContacts', 'other'],
  ['contactGroups', 'group'],
];

async function whole(
  list: List,
  syncToken: string | null = null,
): Promise<{ ids: string[]; syncToken: string | null }> {
  const ids: string[] = [];
  for (let pageToken: string | null = null; ;) {
    const page: Awaited<ReturnType<(typeof people)[List]>> = await people[list]({
      syncToken,
      pageToken,
    });
    ids.push(...page.items.map(({ id }) => id));
    pageToken = page.nextPageToken;
    if (pageToken === null) return { ids, syncToken: page.nextSyncToken };
  }
}

const truth = (kind: string): string[] =>
  sim
    .contactsTruth(ada)
    .filter((one) => one.kind === kind)
    .map(({ resource }) => String(resource['resourceName']));

test.each(LISTS)(
  '%s are listed in pages, with a sync token that returns the changes',
  async (list, kind) => {
    const full = await whole(list);
    expect(full.ids.toSorted()).toEqual(truth(kind));
    expect((await whole(list, full.syncToken)).ids).toEqual([]);
    const action = {
      connections: 'contact-create',
      otherContacts: 'other-create',
      contactGroups: 'group-create',
    } as const;
    const { resourceName } = sim.act(ada, { action: action[list] });
    expect((await whole(list, full.syncToken)).ids).toEqual([resourceName]);
  },
);

test.each(LISTS)(
  'an expired sync token of %s is an expired sync position, on a later page too',
  async (list) => {
    const { syncToken } = await whole(list);
    const action = {
      connections: 'contact-create',
      otherContacts: 'other-create',
      contactGroups: 'group-create',
    } as const;
    for (let i = 0; i < 7; i++) sim.act(ada, { action: action[list] });
    const { nextPageToken } = await people[list]({ syncToken, pageToken: null });
    sim.faults.add({ kind: 'invalid-sync-token' });
    for (const pageToken of [null, nextPageToken])
      await expect(people[list]({ syncToken, pageToken })).rejects.toMatchObject({
        detail: { kind: 'sync-position-expired' },
      });
  },
);

test('a sync token of other parameters has expired, and a refused page token is rejected', async () => {
  await expect(
    people.connections({ syncToken: 'of another version', pageToken: null }),
  ).rejects.toMatchObject({ detail: { kind: 'sync-position-expired' } });
  const { syncToken } = await whole('connections');
  for (const token of [null, syncToken])
    await expect(
      people.connections({ syncToken: token, pageToken: 'forgotten' }),
    ).rejects.toMatchObject({ detail: { kind: 'rejected', reason: 'INVALID_ARGUMENT' } });
});

test('one contact is read by its present or a former name, one group by its name', async () => {
  const [kept, merged] = truth('person');
  sim.act(ada, { action: 'contact-merge', resourceName: kept!, formerName: merged! });
  expect(await people.contact(kept!)).toMatchObject({ resourceName: kept });
  expect(await people.contact(merged!)).toMatchObject({ resourceName: kept });
  expect(await people.contact('people/c1')).toBeNull();
  expect(await people.contactGroup('contactGroups/starred')).not.toBeNull();
  expect(await people.contactGroup('contactGroups/none')).toBeNull();
});

test('the quota of full syncs and a missing scope are different errors', async () => {
  sim.faults.add({ kind: '429-full-sync', count: 1 });
  await expect(people.connections({ syncToken: null, pageToken: null })).rejects.toMatchObject({
    detail: { kind: 'rate-limited', scope: 'user', source: 'google' },
  });
  bench.tokens.current.set(ada, sim.consent(ada, ['contacts.other.readonly']));
  await bench.rt.clock.sleep(0);
  const google = await bench.open({ apiUrl: sim.url, redisPrefix: bench.redis.prefix() });
  const narrow = google.account(ada, { lane: 'bulk' });
  await expect(
    narrow.people.contactGroups({ syncToken: null, pageToken: null }),
  ).rejects.toMatchObject({ detail: { kind: 'forbidden', reason: 'insufficientPermissions' } });
  await narrow.people.otherContacts({ syncToken: null, pageToken: null });
});

test('each call costs one request of the user', async () => {
  await whole('connections');
  await people.contact('people/c1');
  const { methods, violations } = sim.ledger.snapshot();
  expect([methods['people.connections.list']?.units, methods['people.get']?.units]).toEqual([3, 1]);
  expect(violations.total).toBe(0);
});
