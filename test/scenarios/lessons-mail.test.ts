import type { ExportedMessage } from '@syncline/store';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* What went wrong with mail elsewhere (docs/explanation/lessons.md), each as a test in its name. One mailbox for all of them. */

let world: World;
let mailbox: MailboxSteps;
beforeAll(async () => {
  world = await startWorld({
    seed: 141,
    accounts: 1,
    messagesPerAccount: 80,
    threadLength: 2,
    bodyBytes: 500,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
  });
  await world.catchUp();
  mailbox = await mailboxSteps(world);
});
afterAll(() => world.close());

type Touched = { messageId: string; threadId: string; labelId: string; draftId: string };
const act = async (action: object): Promise<Touched> => (await mailbox.act(action)) as Touched;
const row = async (id: string): Promise<ExportedMessage | undefined> =>
  (await mailbox.rows()).get(id);
const lastSeq = async (): Promise<bigint> =>
  BigInt(
    (
      await world.database.pool.query<{ seq: string }>(
        'SELECT feed_seq AS seq FROM syncline.accounts',
      )
    ).rows[0]!.seq,
  );
const newsOf = async (seq: bigint): Promise<string[]> =>
  (await rowChanges(world.store, mailbox.accountId, seq, 10_000)).map(
    ({ op, id }) => `${op} ${id}`,
  );
const historyPages = async (): Promise<number> =>
  (await world.control.ledger()).methods['history.list']?.calls ?? 0;

async function caughtUp(): Promise<void> {
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
}

test('a sent reply is mirrored as sent, without its drafts', async () => {
  const seq = await lastSeq();
  const first = await act({ action: 'draft-save', text: 'half a sentence' });
  await caughtUp();
  expect((await row(first.messageId))?.labelIds).toContain('DRAFT');
  const saved = await act({
    action: 'draft-save',
    draftId: first.draftId,
    text: 'a whole sentence',
  });
  const sent = await act({ action: 'draft-send', draftId: saved.draftId });
  await caughtUp();
  expect(await row(sent.messageId)).toMatchObject({
    labelIds: ['SENT'],
    text: expect.stringContaining('a whole sentence'),
  });
  expect(await newsOf(seq)).toEqual([
    `created ${first.messageId}`,
    `deleted ${first.messageId}`,
    `created ${sent.messageId}`,
  ]);
});

test('a draft that is saved twenty times between two syncs is one message and one event', async () => {
  const seq = await lastSeq();
  let draft = await act({ action: 'draft-save', text: 'version 0' });
  for (let version = 1; version <= 20; version++)
    draft = await act({ action: 'draft-save', draftId: draft.draftId, text: `version ${version}` });
  await caughtUp();
  expect(await newsOf(seq)).toEqual([`created ${draft.messageId}`]);
  expect((await row(draft.messageId))?.text).toContain('version 20');
});

test('changes on several pages of history are all applied, the oldest first', async () => {
  const [oldest] = (await mailbox.rows()).keys();
  await act({ action: 'label', messageId: oldest, labelIds: ['STARRED'] });
  for (let n = 0; n < 600; n++)
    world.simulator.act(mailbox.email, {
      action: n % 2 ? 'label' : 'unlabel',
      messageId: oldest!,
      labelIds: ['IMPORTANT'],
    });
  const pages = await historyPages();
  const newest = await act({ action: 'deliver', text: 'the newest' });
  await caughtUp();
  expect((await historyPages()) - pages).toBeGreaterThan(1);
  expect((await row(oldest!))?.labelIds).toContain('STARRED');
  expect(await row(newest.messageId)).toBeDefined();
});

test('a refusal during a sync leaves out no older message', async () => {
  const old = await act({ action: 'deliver', text: 'came first' });
  await world.control.fault({ kind: '429-retry-after', method: 'messages.get', count: 1, ms: 300 });
  await world.control.fault({ kind: '503', method: 'history.list', count: 1 });
  const late = await act({ action: 'deliver', text: 'came last' });
  await caughtUp();
  expect([(await row(old.messageId))?.text, (await row(late.messageId))?.text]).toEqual([
    expect.stringContaining('came first'),
    expect.stringContaining('came last'),
  ]);
});

test('archiving, trashing, marking as spam and undoing it change labels, and the message stays', async () => {
  const { messageId } = await act({
    action: 'deliver',
    labelIds: ['INBOX', 'UNREAD'],
    text: 'moved about',
  });
  const steps: [object, string[]][] = [
    [{ action: 'unlabel', messageId, labelIds: ['INBOX'] }, ['UNREAD']],
    [{ action: 'trash', messageId }, ['TRASH', 'UNREAD']],
    [{ action: 'unlabel', messageId, labelIds: ['TRASH'] }, ['UNREAD']],
    [{ action: 'label', messageId, labelIds: ['SPAM'] }, ['SPAM', 'UNREAD']],
    [{ action: 'unlabel', messageId, labelIds: ['SPAM', 'UNREAD'] }, []],
  ];
  for (const [step, labelIds] of steps) {
    await act(step);
    await caughtUp();
    expect((await row(messageId))?.labelIds).toEqual(labelIds);
  }
});

test('spam and trash are mirrored by incremental and full syncs', async () => {
  const spam = await act({ action: 'deliver', labelIds: ['SPAM'], text: 'spam' });
  const trash = await act({ action: 'deliver', labelIds: ['TRASH'], text: 'trash' });
  await caughtUp();
  expect([...(await mailbox.rows()).keys()]).toEqual(
    expect.arrayContaining([spam.messageId, trash.messageId]),
  );
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await caughtUp();
  expect([...(await mailbox.rows()).keys()]).toEqual(
    expect.arrayContaining([spam.messageId, trash.messageId]),
  );
});

test('a resync does not delete a message without labels', async () => {
  const { messageId } = await act({ action: 'deliver', labelIds: ['INBOX'], text: 'archived' });
  await caughtUp();
  await act({ action: 'unlabel', messageId, labelIds: ['INBOX'] });
  await world.control.fault({ kind: 'expire-history' });
  const seq = await lastSeq();
  await caughtUp();
  expect((await row(messageId))?.labelIds).toEqual([]);
  expect(await newsOf(seq)).toEqual([`updated ${messageId}`]);
});

test('created, nested, renamed and deleted labels are mirrored with their messages', async () => {
  const catalogue = async (): Promise<object[]> =>
    (
      await world.database.pool.query(
        'SELECT id, name, type FROM syncline.gmail_labels ORDER BY id COLLATE "C"',
      )
    ).rows;
  const inGmail = (): object[] =>
    world.simulator.world
      .all()[0]!
      .mailbox.labels.all()
      .map(({ id, name, type }) => ({ id, name, type }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  const { messageId } = await act({ action: 'deliver', labelIds: ['INBOX'], text: 'labelled' });
  const parent = await act({ action: 'label-create', name: 'Clients' });
  const child = await act({ action: 'label-create', name: 'Clients/Ünïted 株式会社' });
  await act({ action: 'label', messageId, labelId: parent.labelId });
  await act({ action: 'label', messageId, labelId: child.labelId });
  await caughtUp();
  expect(await catalogue()).toEqual(inGmail());
  await act({ action: 'label-rename', labelId: parent.labelId, name: 'Customers' });
  await act({ action: 'label-delete', labelId: child.labelId });
  // Renames leave no record in history: the catalogue is read again when it has its age.
  await world.database.pool.query(
    "UPDATE syncline.collections SET cursor = cursor || '{\"labelsReadAtMs\": 0}' WHERE kind = 'gmail'",
  );
  await caughtUp();
  expect(await catalogue()).toEqual(inGmail());
  expect((await row(messageId))?.labelIds).toEqual(['INBOX', parent.labelId].sort());
});

test('headers of any length are stored whole', async () => {
  const recipients = Array.from(
    { length: 5_000 },
    (_, n) => `Recipient ${n} <r${n}@example.com>`,
  ).join(',\r\n ');
  const raw = Buffer.from(
    `From: ${'f'.repeat(70_000)}@example.com\r\nTo: ${recipients}\r\nSubject: ${'long '.repeat(50_000)}\r\nMessage-ID: <${'i'.repeat(20_000)}@x>\r\n\r\nbody`,
  );
  const { messageId } = await act({ action: 'deliver', rawBase64: raw.toString('base64') });
  await caughtUp();
  const stored = await row(messageId);
  expect([
    stored?.to?.includes('r4999@example.com'),
    stored?.subject?.length,
    stored?.from?.length,
    stored?.messageId?.length,
  ]).toEqual([true, 249_999, 70_012, 20_004]);
});

test('the number of done items is the number of stored ones', async () => {
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await caughtUp();
  const stored = (await mailbox.rows()).size;
  const [account] = await world.store.accounts.list();
  expect(account?.collections.find(({ kind }) => kind === 'gmail')).toMatchObject({
    phase: 'incremental',
    progress: { done: stored, total: stored },
    quarantined: 0,
  });
});

test('a mail of eight megabytes is mirrored with the others', async () => {
  const huge = Buffer.from(
    `From: a@example.com\r\nTo: b@example.com\r\nSubject: huge\r\nContent-Type: text/plain\r\n\r\n${'0123456789abcde\n'.repeat(8 * 65_536)}`,
  );
  const big = world.simulator.act(mailbox.email, {
    action: 'deliver',
    rawBase64: huge.toString('base64'),
  });
  const small = await act({ action: 'deliver', text: 'small' });
  await caughtUp();
  expect((await row(String(big.messageId)))?.text?.length).toBe(8 * 1_048_576);
  expect(await row(small.messageId)).toBeDefined();
});
