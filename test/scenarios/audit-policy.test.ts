import type { CollectionView } from '@syncline/store';
import { syncCollection, type SyncPolicy } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { startWorld, type World } from '../support/world.js';

/* Audits in slices of mailboxes of which not everything is mirrored: they apply the policy and the window, as verify does. */

const POLICY: SyncPolicy = {
  activeMs: 60_000,
  idleMs: 900_000,
  auditEveryMs: 3_600_000,
  auditUnits: 150,
  auditPauseMs: 0,
};
const EXCLUDED = ['SPAM', 'TRASH', 'DRAFT'];
let world: World;
let mailbox: MailboxSteps;
beforeEach(async () => {
  world = await startWorld({
    seed: 96,
    accounts: 1,
    messagesPerAccount: 90,
    bodyBytes: 200,
    threadLength: 1.5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
    largestPage: 10,
    mirror: { exclude: ['spam', 'trash', 'drafts'], windowDays: 120 },
  });
  mailbox = await mailboxSteps(world);
  // UNREAD comes after TRASH among the labels, so what is excluded is named again after its own list, if that is read in its turn.
  for (const label of ['SPAM', 'TRASH', 'INBOX'])
    for (let i = 0; i < 15; i++)
      await mailbox.act({ action: 'deliver', labelIds: [label, 'UNREAD'], text: `${label} ${i}` });
  await world.catchUp();
  await world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', audited_at = NULL",
  );
});
afterEach(() => world.close());

const fromMs = async (): Promise<number> =>
  (
    await world.database.pool.query<{ window_from: Date }>(
      "SELECT window_from FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.window_from.getTime();
const position = async (): Promise<Record<string, unknown> | null> =>
  (
    await world.database.pool.query<{ at: Record<string, unknown> | null }>(
      "SELECT d.position AS at FROM syncline.collections c LEFT JOIN syncline.collection_audits d ON d.collection_id = c.id WHERE kind = 'gmail'",
    )
  ).rows[0]!.at;
const audit = async (): Promise<CollectionView['audit']> =>
  (await world.store.accounts.list())[0]!.collections.find(({ kind }) => kind === 'gmail')!.audit;
const isOutside = (message: Record<string, unknown>): boolean =>
  EXCLUDED.some((label) => (message['labelIds'] as string[]).includes(label));
const keptFrom =
  (moment: number) =>
  (message: Record<string, unknown>): boolean =>
    !isOutside(message) && Number(message['internalDate']) >= moment;
const source = async (matches: (message: Record<string, unknown>) => boolean): Promise<string[]> =>
  (await world.control.truth(mailbox.email, 'gmail'))
    .filter(matches)
    .map((message) => String(message['id']));

/** One run of the mailbox, with a slice of its audit if that is due. */
async function run(sliceMs = 30_000): Promise<void> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
  );
  await syncCollection(world.rt, { ...world, policy: POLICY }, rows[0]!.id, {
    sliceMs,
    signal: new AbortController().signal,
  });
}

async function auditWhole(): Promise<CollectionView['audit']['last']> {
  for (let slices = 0; (await audit()).last === null && slices < 100; slices++) await run();
  return (await audit()).last;
}

async function plant(id: string, internalDateMs: number): Promise<void> {
  await world.database.pool.query(
    `INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource) SELECT account_id, $1, thread_id, history_id, label_ids, 'epoch'::timestamptz + $2 * interval '1 ms', size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource
       FROM syncline.gmail_messages LIMIT 1`,
    [id, internalDateMs],
  );
}

test('a correct mirror has no drift, and excluded messages are not requested', async () => {
  const kept = await source(keptFrom(await fromMs()));
  expect((await source(isOutside)).length).toBeGreaterThan(30);
  const last = await auditWhole();
  expect(last).toMatchObject({ checked: kept.length, drift: 0 });
  // The sample, and what the search's seconds let in at the window's edge.
  expect([last!.contents >= 20, last!.contents <= 22]).toEqual([true, true]);
});

test('rows that are excluded, too old, missing or mislabelled are drift and are repaired', async () => {
  const moment = await fromMs();
  const [missing, mislabelled] = await source(keptFrom(moment));
  const [excluded] = await source(
    (message) => isOutside(message) && Number(message['internalDate']) >= moment,
  );
  const [old] = await source((message) => Number(message['internalDate']) < moment - 86_400_000);
  await world.database.pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [missing]);
  await world.database.pool.query(
    "UPDATE syncline.gmail_messages SET label_ids = '{SPAM}' WHERE id = $1",
    [mislabelled],
  );
  await plant(excluded!, world.rt.clock.nowMs());
  await plant(old!, moment - 86_400_000);
  expect(await auditWhole()).toMatchObject({ drift: 4 });
  await world.catchUp();
  expect(await world.drift(keptFrom(moment))).toMatchObject(NO_DRIFT);
});

test('messages that move in and out of spam between the slices are not drift', async () => {
  const inbox = [...(await mailbox.rows()).values()]
    .filter((row) => row.text?.startsWith('INBOX '))
    .map((row) => row.id);
  const spam = await source((message) => (message['labelIds'] as string[]).includes('SPAM'));
  for (let slices = 0; (await audit()).last === null && slices < 100; slices++) {
    const [out, back] = [inbox.pop(), spam.pop()];
    if (out) await mailbox.act({ action: 'label', messageId: out, labelId: 'SPAM' });
    if (back) await mailbox.act({ action: 'unlabel', messageId: back, labelId: 'SPAM' });
    await run();
  }
  expect((await audit()).last).toMatchObject({ drift: 0 });
});

test('a mailbox is not audited while its window is extended, and from its beginning afterwards', async () => {
  const before = await fromMs();
  await run();
  expect(await position()).toMatchObject({ fromMs: before, label: expect.any(String) });
  world.mirror = { ...world.mirror, windowDays: 700 };
  const halfWay = await position();
  for (let pages = 0; pages < 3; pages++) await run(0);
  expect([await position(), await fromMs()]).toEqual([halfWay, before]);
  // This run brings the rest and audits at once, by the window that it has come to itself.
  await run();
  const after = await fromMs();
  expect(after).toBeLessThan(before);
  expect(await position()).toMatchObject({ fromMs: after });
  expect(await auditWhole()).toMatchObject({
    checked: (await source(keptFrom(after))).length,
    drift: 0,
  });
  expect(await world.drift(keptFrom(after))).toMatchObject(NO_DRIFT);
});

test('a changed policy begins the audit again, which applies it', async () => {
  await run();
  expect(await position()).toMatchObject({ exclude: EXCLUDED });
  world.mirror = { ...world.mirror, exclude: ['spam', 'drafts'] };
  const moment = await fromMs();
  const isTrashAlone = ({ labelIds }: Record<string, unknown>): boolean =>
    EXCLUDED.filter((label) => (labelIds as string[]).includes(label)).join() === 'TRASH';
  const trash = await source(
    (message) => isTrashAlone(message) && Number(message['internalDate']) >= moment,
  );
  expect(trash.length).toBeGreaterThanOrEqual(15);
  expect(await auditWhole()).toMatchObject({ drift: trash.length });
  await world.catchUp();
  expect([...(await mailbox.rows()).keys()]).toEqual(expect.arrayContaining(trash));
});
