import type { AccountView } from '@syncline/store';
import { maintainWatch, syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { scaled, startWorld, type World } from '../support/world.js';

const CAUGHT_UP = { kind: 'caught-up', changes: expect.any(Number) };

/*
 * One deployment with accounts in two Google projects, and an account whose project is taken out of the configuration.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld({
    seed: 71,
    accounts: 2,
    messagesPerAccount: 12,
    calendarsPerAccount: 1,
    eventsPerCalendar: 4,
    projects: [{ name: 'b', clientId: 'client-b', clientSecret: 'b', quotas: scaled(100) }],
  });
});
afterAll(() => world.close());

const accountAt = async (index: number): Promise<AccountView> =>
  (await world.store.accounts.list())[index]!;

async function importInto(project: string): Promise<void> {
  const known = (await world.control.accounts())[1]!;
  await world.store.accounts.import({
    ...known,
    tenant: 'default',
    resources: ['gmail', 'calendar'],
    project,
  });
}

async function runMailbox(account: AccountView): Promise<Outcome> {
  const { id } = account.collections.find(({ kind }) => kind === 'gmail')!;
  return syncCollection(world.rt, { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } }, id, {
    sliceMs: 5_000,
    signal: new AbortController().signal,
  });
}

test('each account is mirrored through its own project, and charged to it', async () => {
  await importInto('b');
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const spent = await world.store.quota.today();
  for (const project of ['default', 'b']) {
    const units = spent
      .filter((entry) => entry.project === project && entry.method.startsWith('gmail.'))
      .reduce((sum, entry) => sum + entry.units, 0);
    expect(units).toBeGreaterThan(0);
    expect((await world.google.quotaUsage([], project)).gmail.day.used).toBe(units);
  }
});

test("a mailbox is watched with its project's topic; without a topic no watch is requested", async () => {
  const watchTargets = {
    topic: null,
    projectTopics: { b: 'projects/b/topics/gmail' },
    channelAddress: null,
  };
  world.simulator.pubsub.addTopic('projects/b/topics/gmail');
  for (const index of [0, 1]) {
    const { id } = (await accountAt(index)).collections.find(({ kind }) => kind === 'gmail')!;
    await syncCollection(
      world.rt,
      { ...world, policy: { activeMs: 60_000, idleMs: 900_000 }, watchTargets },
      id,
      { sliceMs: 5_000, signal: new AbortController().signal },
    );
    await maintainWatch(world.rt, { ...world, watchTargets }, id, {
      signal: new AbortController().signal,
    });
  }
  const email = (await world.control.accounts())[1]!.email;
  expect(await (await fetch(`${world.simulator.url}/sim/watches`)).json()).toMatchObject({
    gmail: [{ email, topic: 'projects/b/topics/gmail' }],
  });
});

test('an account of an unconfigured project waits with that reason, unchanged, and continues in a configured one', async () => {
  await importInto('gone');
  const calls = world.simulator.ledger.snapshot().requests;
  expect(await runMailbox(await accountAt(1))).toMatchObject({
    kind: 'parked',
    reason: expect.stringContaining('GOOGLE_PROJECTS_FILE'),
  });
  expect(world.simulator.ledger.snapshot().requests).toBe(calls);
  expect((await accountAt(1)).collections.find(({ kind }) => kind === 'gmail')).toMatchObject({
    parked: 'unknown-project',
    nextSyncAt: expect.any(Date),
  });
  expect(await runMailbox(await accountAt(0))).toEqual(CAUGHT_UP);

  await importInto('default');
  expect(await runMailbox(await accountAt(1))).toEqual(CAUGHT_UP);
  expect((await accountAt(1)).collections.find(({ kind }) => kind === 'gmail')).toMatchObject({
    parked: null,
    phase: 'incremental',
  });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
