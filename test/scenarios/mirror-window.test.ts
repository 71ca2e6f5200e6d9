import { syncCollection, verifyAccount, type Outcome } from '@syncline/sync';
import { Interruption } from '../oracle/interruption.js';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/*
 * A window of some days, which can be extended later: only the older slice is listed and fetched.
 */

const DAY_MS = 86_400_000;

let world: World;
let mailbox: MailboxSteps;
afterEach(() => world.close());

async function mirrored(
  windowDays: number,
  options: Parameters<typeof startWorld>[0],
): Promise<void> {
  world = await startWorld({
    accounts: 1,
    messagesPerAccount: 150,
    bodyBytes: 200,
    threadLength: 1,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
    largestPage: 20,
    mirror: { windowDays },
    ...options,
  });
  mailbox = await mailboxSteps(world);
  await world.catchUp();
}

/**
 * As SQL knows it: from when on the mailbox is mirrored, and how far back an extension of the
 * window is going.
 */
const window = async (): Promise<{ fromMs: number; goalMs: number | null; phase: string }> => {
  const { rows } = await world.database.pool.query(
    "SELECT window_from, window_goal, phase FROM syncline.collections WHERE kind = 'gmail'",
  );
  return {
    fromMs: rows[0].window_from?.getTime() ?? 0,
    goalMs: rows[0].window_goal?.getTime() ?? null,
    phase: rows[0].phase,
  };
};
const collectionId = async (): Promise<string> =>
  (await world.database.pool.query("SELECT id FROM syncline.collections WHERE kind = 'gmail'"))
    .rows[0].id;
const daysBack = (ms: number): number => Math.round((world.rt.clock.nowMs() - ms) / DAY_MS);
const since =
  (fromMs: number) =>
  (message: Record<string, unknown>): boolean =>
    Number(message['internalDate']) >= fromMs;
const inSource = async (fromMs: number, beforeMs = Infinity): Promise<string[]> =>
  (await world.control.truth(mailbox.email, 'gmail'))
    .filter((message) => since(fromMs)(message) && Number(message['internalDate']) < beforeMs)
    .map((message) => String(message['id']));
const calls = async (method: string): Promise<number> =>
  (await world.control.ledger()).methods[method]?.calls ?? 0;
const places = async (): Promise<Map<string, string>> =>
  new Map(
    (
      await world.database.pool.query('SELECT id, ctid::text AS place FROM syncline.gmail_messages')
    ).rows.map((row: { id: string; place: string }) => [row.id, row.place]),
  );
const lastSeq = async (): Promise<bigint> =>
  BigInt(
    (await world.database.pool.query('SELECT feed_seq FROM syncline.accounts')).rows[0].feed_seq,
  );
const events = async (after: bigint): Promise<string[]> =>
  (await rowChanges(world.store, mailbox.accountId, after, 10_000))
    .filter(({ entity }) => entity === 'message')
    .map(({ op, id }) => `${op} ${id}`);
const full = (): Promise<unknown> =>
  world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
const verify = (): ReturnType<typeof verifyAccount> =>
  verifyAccount(world.rt, world, mailbox.accountId, 'gmail');

test('the first full sync lists and fetches the window only; changes of older messages are ignored', async () => {
  await mirrored(90, { seed: 151 });
  const { fromMs } = await window();
  expect(daysBack(fromMs)).toBe(90);
  const drift = await world.drift(since(fromMs));
  expect(drift).toMatchObject(NO_DRIFT);
  expect([drift.checked.messages > 10, drift.checked.messages < 140]).toEqual([true, true]);
  // The list takes in a second more than the window.
  expect(await calls('messages.get')).toBe(drift.checked.messages);
  const [old, older] = await inSource(0, fromMs - DAY_MS);
  const [seq, before] = [await lastSeq(), await calls('messages.get')];
  await mailbox.act({ action: 'label', messageId: old, labelId: 'STARRED' });
  await mailbox.act({ action: 'trash', messageId: old });
  await mailbox.act({ action: 'delete', messageId: older });
  const { messageId } = await mailbox.act({ action: 'deliver', text: 'New' });
  await world.catchUp();
  expect([await events(seq), (await calls('messages.get')) - before]).toEqual([
    [`created ${messageId}`],
    1,
  ]);
  // Old mail that arrives now, as an import does, shows its date only when it is fetched.
  await mailbox.act({ action: 'deliver', text: 'Imported', internalDateMs: fromMs - 1 });
  await mailbox.act({ action: 'deliver', text: 'Imported', internalDateMs: fromMs });
  await world.catchUp();
  expect([(await events(seq)).length, (await calls('messages.get')) - before]).toEqual([2, 3]);
  expect(await world.drift(since(fromMs))).toMatchObject(NO_DRIFT);
  expect(await verify()).toMatchObject(NO_DRIFT);
});

test('a resync and a full sync keep to the window that was mirrored, and a smaller one deletes nothing', async () => {
  await mirrored(120, { seed: 152 });
  const { fromMs } = await window();
  const count = (await mailbox.rows()).size;
  world.mirror = { windowDays: 10 };
  await mailbox.act({ action: 'deliver', text: 'New' });
  await world.control.fault({ kind: 'expire-history' });
  const [seq, before] = [await lastSeq(), await calls('messages.get')];
  await world.catchUp();
  expect([(await events(seq)).length, (await calls('messages.get')) - before]).toEqual([1, 1]);
  await full();
  await world.catchUp();
  expect(await window()).toEqual({ fromMs, goalMs: null, phase: 'incremental' });
  expect((await mailbox.rows()).size).toBe(count + 1);
  expect(await world.drift(since(fromMs))).toMatchObject(NO_DRIFT);
});

test('a larger window fetches the older slice only, while rows stay readable and new mail is not delayed', async () => {
  await mirrored(60, { seed: 153 });
  const { fromMs } = await window();
  const [seq, laidBefore, getsBefore, listsBefore] = [
    await lastSeq(),
    await places(),
    await calls('messages.get'),
    await calls('messages.list'),
  ];
  world.mirror = { windowDays: 500 };
  await mailbox.step();
  const going = await window();
  expect(going).toMatchObject({ fromMs, phase: 'full' });
  expect(daysBack(going.goalMs!)).toBe(500);
  // Its full sync is on the lane of full syncs, but not as that of a new account.
  const collection = await collectionId();
  expect(await world.store.leases.claim(collection)).toMatchObject({
    kind: 'claimed',
    lease: { phase: 'full', onboarding: false, window: { fromMs, goalMs: going.goalMs } },
  });
  await world.database.pool.query(
    'UPDATE syncline.collections SET lease_until = NULL, open_runs = 0 WHERE id = $1',
    [collection],
  );
  const slice = await inSource(going.goalMs!, fromMs);
  expect(slice.length).toBeGreaterThan(40);
  const { messageId } = await mailbox.act({ action: 'deliver', text: 'New' });
  await mailbox.stepUntil(
    (cursor) =>
      (cursor['extension'] as { listed: number }).listed > 25 && cursor['listing'] === null,
  );
  const half = await mailbox.rows();
  expect([
    half.has(messageId!),
    [...laidBefore.keys()].every((id) => half.has(id)),
    slice.every((id) => half.has(id)),
  ]).toEqual([true, true, false]);
  expect(await verify()).toMatchObject(NO_DRIFT);
  const [verified, verifiedLists] = [half.size, Math.ceil((laidBefore.size + 1) / 20)];
  await world.catchUp();
  expect(await window()).toEqual({ fromMs: going.goalMs, goalMs: null, phase: 'incremental' });
  expect((await events(seq)).sort()).toEqual(
    [...slice, messageId].map((id) => `created ${id}`).sort(),
  );
  const laidAfter = await places();
  expect([...laidBefore].filter(([id, place]) => laidAfter.get(id) !== place)).toEqual([]);
  expect((await calls('messages.get')) - getsBefore - verified).toBeLessThanOrEqual(
    slice.length + 1,
  );
  expect((await calls('messages.list')) - listsBefore - verifiedLists).toBeLessThanOrEqual(
    Math.ceil(slice.length / 20) + 1,
  );
  expect(await world.drift(since(going.goalMs!))).toMatchObject(NO_DRIFT);
  // And to the beginning, which a resync meets half-way: it continues to where the extension of the
  // window was going.
  world.mirror = {};
  await mailbox.step();
  await world.control.fault({ kind: 'expire-history' });
  await world.catchUp();
  expect(await window()).toEqual({ fromMs: 0, goalMs: null, phase: 'incremental' });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a window extension completes after repeated crashes, and stored messages are not fetched again', async () => {
  await mirrored(60, { seed: 154, largestPage: 30 });
  const { fromMs } = await window();
  world.mirror = { windowDays: 700 };
  const collection = await collectionId();
  const seq = await lastSeq();
  const stops: { at: string; side: 'before' | 'after' }[] = [
    { at: 'store.leases.commitPage', side: 'before' },
    { at: 'store.leases.commitPage', side: 'after' },
    { at: 'google.gmail.getMessages', side: 'after' },
    { at: 'google.gmail.listMessages', side: 'after' },
    { at: 'google.gmail.history', side: 'before' },
  ];
  const cursors = new Set<string>();
  for (const stop of [...stops, ...stops]) {
    const interruption = new Interruption({ kind: 'crash', ...stop });
    const deps = {
      store: interruption.guard(world.store, 'store'),
      google: interruption.guard(world.google, 'google'),
      policy: { activeMs: 60_000, idleMs: 900_000 },
      mirror: world.mirror,
    };
    const running = syncCollection(world.rt, deps, collection, {
      sliceMs: 5_000,
      signal: interruption.signal,
    });
    await Promise.race([running, interruption.met]);
    expect(interruption.where).toBe(stop.at);
    // Its lease runs out, and so does the suspicion that a message has killed it.
    await world.database.pool.query(
      'WITH forgiven AS (DELETE FROM syncline.collection_crashes WHERE collection_id = $1) UPDATE syncline.collections SET lease_until = NULL WHERE id = $1',
      [collection],
    );
    cursors.add(JSON.stringify(await mailbox.cursor()));
  }
  expect(cursors.size).toBeGreaterThan(4);
  expect((await window()).phase).toBe('full');
  const { goalMs } = await window();
  await world.catchUp();
  expect(await window()).toEqual({ fromMs: goalMs, goalMs: null, phase: 'incremental' });
  expect(await world.drift(since(goalMs!))).toMatchObject(NO_DRIFT);
  expect((await events(seq)).sort()).toEqual(
    (await inSource(goalMs!, fromMs)).map((message) => `created ${message}`).sort(),
  );
});

test('an expired page token begins the slice again; when all expire the extension waits and history continues', async () => {
  await mirrored(60, { seed: 155, largestPage: 10 });
  world.mirror = { windowDays: 700 };
  const before = await calls('messages.get');
  const spoil = (): Promise<unknown> =>
    world.database.pool.query(
      `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{extension,pageToken}', '"00000000000000000000"') WHERE kind = 'gmail'`,
    );
  const isBetweenPages = (cursor: Record<string, unknown>): boolean => {
    const extension = cursor['extension'] as
      { pageToken: string | null; incrementalFirst: boolean } | undefined;
    return (
      extension?.pageToken != null && !extension.incrementalFirst && cursor['listing'] === null
    );
  };
  await mailbox.stepUntil(isBetweenPages);
  let outcome = '';
  for (let restarts = 0; restarts < 6; restarts++) {
    await mailbox.stepUntil(isBetweenPages);
    await spoil();
    outcome = (await mailbox.step()).kind;
  }
  expect(outcome).toBe('snoozed');
  expect(await mailbox.cursor()).toMatchObject({
    extension: { pageToken: null, restarts: 0, incrementalFirst: true },
  });
  const { messageId } = await mailbox.act({ action: 'deliver', text: 'New' });
  await world.catchUp();
  const rows = await mailbox.rows();
  expect(rows.has(messageId!)).toBe(true);
  const { fromMs } = await window();
  expect(daysBack(fromMs)).toBe(700);
  expect(await world.drift(since(fromMs))).toMatchObject(NO_DRIFT);
  expect((await calls('messages.get')) - before).toBeLessThanOrEqual(rows.size + 1);
});

test.each(['500', '403-permission', '404', 'malformed-json'])(
  'a list of older mail that always gives %s does not delay new mail, and continues when it answers',
  async (kind) => {
    await mirrored(60, { seed: 156, largestPage: 10 });
    world.mirror = { windowDays: 700 };
    await world.control.fault({ kind, method: 'messages.list' });
    const collection = await collectionId();
    const run = (): Promise<Outcome> =>
      syncCollection(
        world.rt,
        {
          store: world.store,
          google: world.google,
          policy: { activeMs: 60_000, idleMs: 900_000 },
          mirror: world.mirror,
        },
        collection,
        { sliceMs: 5_000, signal: new AbortController().signal },
      );
    expect(await run()).toMatchObject({
      kind: 'snoozed',
      reason: expect.stringContaining('does not list older mail') as string,
    });
    const { messageId } = await mailbox.act({ action: 'deliver', text: 'New' });
    expect(await run()).toMatchObject({ kind: 'snoozed' });
    expect((await mailbox.rows()).has(messageId!)).toBe(true);
    await world.control.clearFaults();
    await world.catchUp();
    const { fromMs } = await window();
    expect(daysBack(fromMs)).toBe(700);
    expect(await world.drift(since(fromMs))).toMatchObject(NO_DRIFT);
  },
);
