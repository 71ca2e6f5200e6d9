import { type Simulator, startSimulator } from '@syncline/simulator';
import { type Bench, QUOTAS, openBench } from '../test-support/bench-google.js';
import type { GoogleAccount } from './index.js';

/** The real client against the simulated Google, which checks the requests. */
let bench: Bench;
let sim: Simulator;
let ada: string;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(async () => {
  await bench.fresh();
  sim = await startSimulator({
    accounts: 2,
    messagesPerAccount: 120,
    calendarsPerAccount: 3,
    eventsPerCalendar: 40,
  });
  for (const { email, refreshToken } of sim.accounts())
    bench.tokens.current.set(email, refreshToken);
  ada = sim.accounts()[0]?.email ?? '';
});
afterEach(() => sim.close());
afterAll(() => bench.stop());

async function account(over: object = {}): Promise<GoogleAccount> {
  return (await bench.open({ apiUrl: sim.url, quotas: { ...QUOTAS, ...over } })).account(ada, {
    lane: 'bulk',
  });
}

test('a whole mailbox is listed, and its changes are read from the pinned id', async () => {
  const { gmail, takeSpent } = await account();
  const { historyId, messagesTotal } = await gmail.profile();
  const { ids, nextPageToken } = await gmail.listMessages({ pageToken: null });
  const { messages, missing, failed } = await gmail.getMessages(ids.map(({ id }) => id));
  const truth = sim.gmailTruth(ada);
  expect([missing, failed, nextPageToken]).toEqual([[], [], null]);
  expect(new Map(messages.map(({ id, snippet }) => [id, snippet]))).toEqual(
    new Map(truth.map(({ id, snippet }) => [id, snippet])),
  );
  expect([messagesTotal, messages.length]).toEqual([truth.length, truth.length]);
  expect((await gmail.labels()).map(({ id }) => id)).toContain('INBOX');

  sim.actAtRandom(20);
  const page = await gmail.history({ startHistoryId: historyId!, pageToken: null });
  expect(page.historyId).toBeGreaterThanOrEqual(historyId!);
  expect(takeSpent().reduce((sum, { units }) => sum + units, 0)).toBe(
    sim.ledger.snapshot().users[ada]?.units,
  );
  expect(sim.ledger.snapshot().violations.total).toBe(0);
});

test('every calendar and its events are listed with a token, and the token returns the changes', async () => {
  const { calendar } = await account();
  const { items: calendars, nextSyncToken } = await calendar.calendars({
    syncToken: null,
    pageToken: null,
  });
  expect(calendars.length).toBeGreaterThanOrEqual(3);
  expect(nextSyncToken).not.toBeNull();
  for (const { id } of calendars) {
    const full = await calendar.events({ calendarId: id ?? '', syncToken: null, pageToken: null });
    const delta = await calendar.events({
      calendarId: id ?? '',
      syncToken: full.nextSyncToken,
      pageToken: null,
    });
    const truth = sim.calendarTruth(ada).filter(({ calendarId }) => calendarId === id);
    expect(new Set(full.items.map((event) => event.id))).toEqual(
      new Set(truth.map(({ event }) => event.id)),
    );
    expect(delta.items).toEqual([]);
  }
});

test('an expired sync position is classified as one, for Gmail and Calendar', async () => {
  const { gmail, calendar } = await account();
  const { historyId } = await gmail.profile();
  const { nextSyncToken: syncToken } = await calendar.events({
    calendarId: ada,
    syncToken: null,
    pageToken: null,
  });
  sim.actAtRandom(50);
  sim.faults.add({ kind: 'expire-history' });
  sim.faults.add({ kind: 'invalid-sync-token' });
  await expect(
    gmail.history({ startHistoryId: historyId!, pageToken: null }),
  ).rejects.toMatchObject({ detail: { kind: 'sync-position-expired' } });
  await expect(
    calendar.events({ calendarId: ada, syncToken, pageToken: null }),
  ).rejects.toMatchObject({ detail: { kind: 'sync-position-expired' } });
});

test('a withdrawn grant is tried once', async () => {
  const { gmail } = await account();
  await gmail.profile();
  sim.faults.add({ kind: 'revoke-grant', email: ada });
  for (let i = 0; i < 3; i += 1)
    await expect(gmail.profile()).rejects.toMatchObject({ detail: { kind: 'unauthorized' } });
  expect(sim.ledger.snapshot().callsAfterInvalidGrant).toBe(0);
});

test('transient errors cause retries of some parts and lose nothing', async () => {
  for (const kind of ['500', '503-html', '429-concurrent'] as const)
    sim.faults.add({ kind, method: 'messages.get', probability: 0.05 });
  const { gmail } = await account();
  const { ids } = await gmail.listMessages({ pageToken: null });
  const { messages, failed } = await gmail.getMessages(ids.map(({ id }) => id));
  expect(messages.length + failed.length).toBe(ids.length);
  expect(failed.length).toBeLessThan(3);
  expect(sim.ledger.snapshot().violations.total).toBe(0);
});

test('a mailbox under more load than its quota allows is never overcharged', async () => {
  const { gmail } = await account({ gmailUnitsPerUserMinute: 1_000 });
  const { ids } = await gmail.listMessages({ pageToken: null });
  const { messages, failed } = await gmail.getMessages(ids.map(({ id }) => id));
  expect(messages).toHaveLength(49);
  expect(new Set(failed.map(({ error }) => error.detail.kind))).toEqual(new Set(['rate-limited']));
  expect(sim.ledger.snapshot().users[ada]?.gmailPeakUnitsPerMinute).toBe(985);
});
