import { createMailFactory } from './generate/mail.js';
import { Mailbox, type NewMessage } from './mailbox.js';
import { createPrng } from './prng.js';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1);

function emptyMailbox(firstHistoryId = 100n): Mailbox {
  return new Mailbox({
    owner: 'u@x.example',
    prng: createPrng(1),
    mails: createMailFactory(1, 500),
    retentionMs: 7 * DAY_MS,
    firstHistoryId,
  });
}

function plain(
  internalDateMs = START_MS,
  labelIds: readonly string[] = ['INBOX', 'UNREAD'],
): NewMessage {
  return {
    content: { kind: 'given', raw: Buffer.from('Subject: s\r\n\r\nx') },
    labelIds,
    internalDateMs,
  };
}

test('every change is one record with a larger id, which the message has too', () => {
  const mailbox = emptyMailbox();
  const message = mailbox.add(plain(), START_MS);
  mailbox.modify([message.id], ['TRASH'], ['INBOX'], START_MS);
  mailbox.delete([message.id], START_MS);
  const records = mailbox.history.after(100n, START_MS) ?? [];
  expect(
    records.map((record) => [
      record.added.length,
      record.labelsAdded.length,
      record.labelsRemoved.length,
      record.deleted.length,
    ]),
  ).toEqual([
    [1, 0, 0, 0],
    [0, 1, 1, 0],
    [0, 0, 0, 1],
  ]);
  expect(
    records.every((record, index) => index === 0 || record.id > (records[index - 1]?.id ?? 0n)),
  ).toBe(true);
  expect(message.historyId).toBe(records[2]?.id);
});

test('ids have gaps, so that a missing record cannot be recognised', () => {
  const mailbox = emptyMailbox();
  const ids = Array.from(
    { length: 50 },
    (_, n) => mailbox.add(plain(START_MS + n), START_MS).historyId,
  );
  const gaps = new Set(ids.slice(1).map((id, index) => id - (ids[index] as bigint)));
  expect(gaps.size).toBeGreaterThan(5);
});

test('ids are exact beyond the safe integers', () => {
  const mailbox = emptyMailbox(2n ** 60n);
  expect(mailbox.add(plain(), START_MS).historyId > 2n ** 60n).toBe(true);
});

test('a change without effect makes no record', () => {
  const mailbox = emptyMailbox();
  const message = mailbox.add(plain(), START_MS);
  const before = mailbox.history.current;
  expect(mailbox.modify([message.id], ['INBOX'], ['STARRED'], START_MS)).toEqual([]);
  expect(mailbox.history.current).toBe(before);
});

test('old records expire; a sync position at the oldest record is valid, one before it is expired', () => {
  const mailbox = emptyMailbox();
  const first = mailbox.add(plain(), START_MS).historyId;
  const second = mailbox.add(plain(START_MS + 1), START_MS + DAY_MS).historyId;
  const later = START_MS + 7 * DAY_MS + 1;
  expect(mailbox.history.after(first - 1n, later)).toBeNull();
  expect(mailbox.history.after(first, later)?.map((record) => record.id)).toEqual([second]);
  expect(mailbox.history.after(second, START_MS + 100 * DAY_MS)).toEqual([]);
});

test('saving a draft replaces its message and keeps its id and thread', () => {
  const mailbox = emptyMailbox();
  const content = plain().content;
  const first = mailbox.saveDraft(null, { content, internalDateMs: START_MS }, START_MS);
  const before = mailbox.history.current;
  const second = mailbox.saveDraft(
    first.draftId,
    { content, internalDateMs: START_MS + 1 },
    START_MS,
  );
  expect([second.draftId, second.message.threadId]).toEqual([
    first.draftId,
    first.message.threadId,
  ]);
  expect(mailbox.get(first.message.id)).toBeNull();
  expect(second.message.labelIds).toEqual(['DRAFT']);
  const records = mailbox.history.after(before, START_MS) ?? [];
  expect(
    records.flatMap((record) => [...record.deleted, ...record.added].map((message) => message.id)),
  ).toEqual([first.message.id, second.message.id]);
});

test('deleting a label removes it from its messages, and makes no record of the label', () => {
  const mailbox = emptyMailbox();
  const label = mailbox.labels.create('L');
  const message = mailbox.add(plain(START_MS, ['INBOX', label.id]), START_MS);
  mailbox.deleteLabel(label.id, START_MS);
  expect([message.labelIds, mailbox.labels.get(label.id)]).toEqual([['INBOX'], null]);
  expect(() => mailbox.add(plain(START_MS, [label.id]), START_MS)).toThrow('no such label');
});

test('messages are sorted by date, whatever the order of arrival', () => {
  const mailbox = emptyMailbox();
  for (const day of [3, 1, 2]) mailbox.add(plain(START_MS + day * DAY_MS), START_MS);
  expect(mailbox.messages().map((message) => (message.internalDateMs - START_MS) / DAY_MS)).toEqual(
    [1, 2, 3],
  );
});
