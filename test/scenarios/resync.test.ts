import type { ExportedMessage } from '@syncline/store';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* History expires after a week or so. The mailbox is listed again, label by label, and nothing that is known is fetched. */

let world: World;
let mailbox: MailboxSteps;
afterEach(() => world.close());

async function mirrored(options: Parameters<typeof startWorld>[0]): Promise<void> {
  world = await startWorld({
    accounts: 1,
    calendarsPerAccount: 1,
    eventsPerCalendar: 3,
    ...options,
  });
  await world.catchUp();
  mailbox = await mailboxSteps(world);
}

const units = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (
      await world.database.pool.query(
        "SELECT method, sum(calls)::int AS calls FROM syncline.quota_ledger WHERE method LIKE 'gmail%' GROUP BY method",
      )
    ).rows.map((row: { method: string; calls: number }) => [row.method, row.calls]),
  );

/** The place of each row in its table: a row that is written again has another. */
const places = async (): Promise<Map<string, string>> =>
  new Map(
    (
      await world.database.pool.query('SELECT id, ctid::text AS place FROM syncline.gmail_messages')
    ).rows.map((row: { id: string; place: string }) => [row.id, row.place]),
  );

const lastSeq = async (): Promise<bigint> =>
  BigInt(
    (
      await world.database.pool.query(
        'SELECT coalesce(max(seq), 0) AS seq FROM syncline.changes WHERE account_id = $1',
        [mailbox.accountId],
      )
    ).rows[0].seq,
  );

/** The change events between `before` and `after`, and no others. */
function difference(
  before: Map<string, ExportedMessage>,
  after: Map<string, ExportedMessage>,
): string[] {
  const events = [...after].flatMap(([id, row]) => {
    if (!before.has(id)) return [`created ${id}`];
    const isSame = JSON.stringify(before.get(id)) === JSON.stringify(row);
    return isSame ? [] : [`updated ${id}`];
  });
  return [
    ...events,
    ...[...before.keys()].filter((id) => !after.has(id)).map((id) => `deleted ${id}`),
  ].sort();
}

async function meanwhile(): Promise<void> {
  const { labelId } = await mailbox.act({ action: 'label-create', name: 'Brand new' });
  for (let i = 0; i < 8; i++) await mailbox.act({ action: 'label', labelId });
  for (const action of [
    'label-rename',
    'label-delete',
    'trash',
    'trash',
    'delete',
    'delete',
    'delete',
    'deliver',
    'deliver',
    'draft-save',
    'draft-save',
    'draft-save',
  ])
    await mailbox.act({ action });
  for (let i = 0; i < 10; i++) await mailbox.act({ action: i % 2 ? 'label' : 'unlabel' });
}

test('changes are found page by page, and unchanged messages are neither fetched, rewritten nor announced', async () => {
  await mirrored({ seed: 51, messagesPerAccount: 400 });
  const [before, laidBefore, seq, spent] = [
    await mailbox.rows(),
    await places(),
    await lastSeq(),
    await units(),
  ];
  await meanwhile();
  await world.control.fault({ kind: 'expire-history' });
  const steps = new Set<unknown>();
  for (let outcome = await mailbox.step(); outcome.kind === 'more'; outcome = await mailbox.step())
    steps.add((await mailbox.cursor())['step']);
  expect([...steps]).toEqual(expect.arrayContaining(['labels', 'relabel', 'fetch']));
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const after = await mailbox.rows();
  const changes = difference(before, after);
  expect(changes.length).toBeGreaterThan(20);
  const feed = (await rowChanges(world.store, mailbox.accountId, seq, 10_000))
    .filter((event) => event.entity === 'message')
    .map((event) => `${event.op} ${event.id}`);
  expect(feed.sort()).toEqual(changes);
  const laidAfter = await places();
  const rewritten = [...before.keys()]
    .filter((id) => after.has(id) && laidBefore.get(id) !== laidAfter.get(id))
    .map((id) => `updated ${id}`);
  expect(rewritten.sort()).toEqual(changes.filter((change) => change.startsWith('updated')));
  const created = changes.filter((change) => change.startsWith('created')).length;
  // Besides, the messages that lose the deleted label are asked whether they carry it.
  const asked = 4;
  expect(
    ((await units())['gmail.users.messages.get'] ?? 0) - (spent['gmail.users.messages.get'] ?? 0),
  ).toBe(created + asked);
  const scratch = await world.database.pool.query(
    'SELECT (SELECT count(*) FROM syncline.full_sync_labels)::int + (SELECT count(*) FROM syncline.full_sync_items)::int AS left',
  );
  expect(scratch.rows).toEqual([{ left: 0 }]);
});

test('changes during a resync are applied from the history id that was pinned before it', async () => {
  await mirrored({ seed: 52, messagesPerAccount: 250, latencyMs: 3 });
  await meanwhile();
  await world.control.fault({ kind: 'expire-history' });
  await world.control.rate(60);
  await world.catchUp({ sliceMs: 0 });
  await world.control.rate(0);
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a requested full sync fetches everything, with or without an expired history', async () => {
  await mirrored({ seed: 53, messagesPerAccount: 40, threadLength: 1 });
  const before = (await units())['gmail.users.messages.get'] ?? 0;
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await world.control.fault({ kind: 'expire-history' });
  await world.catchUp();
  expect((await units())['gmail.users.messages.get']! - before).toBeGreaterThanOrEqual(40 - 3 * 13);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

describe('a resync whose page tokens expire', () => {
  const spoil = (): Promise<unknown> =>
    world.database.pool.query(
      `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{pageToken}', '"00000000000000000000"') WHERE kind = 'gmail'`,
    );

  test("begins the list again under a new generation, and a label's list by itself", async () => {
    await mirrored({ seed: 54, messagesPerAccount: 600, bodyBytes: 500 });
    await meanwhile();
    const seq = await lastSeq();
    const before = await mailbox.rows();
    await world.control.fault({ kind: 'expire-history' });
    await mailbox.stepUntil(
      (cursor) => cursor['step'] === 'list' && typeof cursor['pageToken'] === 'string',
    );
    await spoil();
    await mailbox.step();
    expect(await mailbox.cursor()).toMatchObject({
      step: 'list',
      pageToken: null,
      listed: 0,
      restarts: 1,
      resync: true,
    });
    await mailbox.stepUntil((cursor) => cursor['step'] === 'labels' && cursor['label'] === 'INBOX');
    await spoil();
    await mailbox.step();
    expect(await mailbox.cursor()).toMatchObject({
      step: 'labels',
      label: 'INBOX',
      pageToken: null,
      restarts: 2,
    });
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
    const feed = (await rowChanges(world.store, mailbox.accountId, seq, 10_000))
      .filter((event) => event.entity === 'message')
      .map((event) => `${event.op} ${event.id}`);
    expect(feed.sort()).toEqual(difference(before, await mailbox.rows()));
    expect(
      (
        await world.database.pool.query(
          "SELECT generation FROM syncline.collections WHERE kind = 'gmail'",
        )
      ).rows,
    ).toEqual([{ generation: 3 }]);
  });

  test('is parked after too many full syncs, with the reason, and keeps its rows', async () => {
    await mirrored({ seed: 55, messagesPerAccount: 600, bodyBytes: 200 });
    await world.control.fault({ kind: 'expire-history' });
    let outcome = '';
    for (let restarts = 0; outcome !== 'parked' && restarts < 20; restarts++) {
      await mailbox.stepUntil((cursor) => typeof cursor['pageToken'] === 'string');
      await spoil();
      outcome = (await mailbox.step()).kind;
    }
    expect(
      (
        await world.database.pool.query(
          "SELECT parked FROM syncline.collections WHERE kind = 'gmail'",
        )
      ).rows,
    ).toEqual([{ parked: 'position-expires' }]);
    expect((await mailbox.rows()).size).toBe(600);
  });
});

test('a label that is deleted while the lists are read is skipped', async () => {
  await mirrored({ seed: 56, messagesPerAccount: 120 });
  await world.control.fault({ kind: 'expire-history' });
  await mailbox.stepUntil(
    (cursor) => cursor['step'] === 'labels' && String(cursor['label']).startsWith('Label_'),
  );
  await mailbox.act({ action: 'label-delete', labelId: (await mailbox.cursor())['label'] });
  await world.catchUp({ sliceMs: 0 });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});
