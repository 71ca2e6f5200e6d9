import { syncCollection, type Outcome } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps } from '../support/mailbox-steps.js';
import { startWorld, type World } from '../support/world.js';

const CAUGHT_UP = { kind: 'caught-up', changes: expect.any(Number) };

/*
 * What lists of labels, and of the messages of one label, may take away after an expired history.
 */

let world: World;
let email: string;
afterEach(() => world.close());

async function begin(): Promise<void> {
  world = await startWorld({
    seed: 114,
    accounts: 1,
    messagesPerAccount: 40,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
  });
  email = (await world.control.accounts())[0]!.email;
  await world.catchUp();
}

async function mailbox(): Promise<Outcome> {
  const { id } = (await world.store.accounts.list())[0]!.collections.find(
    ({ kind }) => kind === 'gmail',
  )!;
  for (;;) {
    const outcome = await syncCollection(
      world.rt,
      { ...world, policy: { activeMs: 60_000, idleMs: 900_000, confirmAfterMs: 60_000 } },
      id,
      { sliceMs: 60_000, signal: new AbortController().signal },
    );
    if (outcome.kind !== 'more') return outcome;
  }
}

const act = async (order: object): Promise<Record<string, string>> =>
  (await world.control.actAs(email, order)) as Record<string, string>;

async function labelled(labelId: string): Promise<string[]> {
  const found = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages WHERE $1 = ANY (label_ids) ORDER BY id',
    [labelId],
  );
  return found.rows.map(({ id }) => id);
}

const catalogue = async (): Promise<string[]> =>
  (
    await world.database.pool.query<{ id: string }>(
      'SELECT id FROM syncline.gmail_labels ORDER BY id',
    )
  ).rows.map(({ id }) => id);

/** A label on ten messages, in step with the mirror. */
async function labelTen(): Promise<string> {
  const { labelId } = await act({ action: 'label-create', name: 'ten' });
  for (const { id } of (await world.control.truth(email, 'gmail')).slice(0, 10))
    await act({ action: 'label', messageId: id, labelIds: [labelId] });
  await world.catchUp();
  expect(await labelled(labelId!)).toHaveLength(10);
  return labelId!;
}

test('a label that labels.list omits stays on its messages after an expired history', async () => {
  await begin();
  const labelId = await labelTen();
  await act({ action: 'label-unlist', labelId });
  await world.control.fault({ kind: 'expire-history', email });
  expect(await mailbox()).toEqual(CAUGHT_UP);
  expect(await labelled(labelId)).toHaveLength(10);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('of the messages with an unlisted label, only the one without it at Google loses it', async () => {
  await begin();
  const labelId = await labelTen();
  const [messageId] = await labelled(labelId);
  await act({ action: 'unlabel', messageId, labelIds: [labelId] });
  await act({ action: 'label-unlist', labelId });
  await world.control.fault({ kind: 'expire-history', email });
  expect(await mailbox()).toEqual(CAUGHT_UP);
  expect(await labelled(labelId)).toHaveLength(9);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an unlisted label stays while no message can be requested', async () => {
  await begin();
  const labelId = await labelTen();
  await act({ action: 'label-unlist', labelId });
  await world.control.fault({ kind: 'expire-history', email });
  const outage = ['messages.get', 'threads.get'].map((method) => ({ kind: '503', method, email }));
  for (const fault of outage) await world.control.fault(fault);
  expect(await mailbox()).toMatchObject({ kind: 'snoozed' });
  expect(await labelled(labelId)).toHaveLength(10);
  await world.control.clearFaults();
  await world.catchUp();
  expect(await labelled(labelId)).toHaveLength(10);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a label deleted while the history was expired is removed from every message', async () => {
  await begin();
  const labelId = await labelTen();
  await act({ action: 'label-delete', labelId });
  await world.control.fault({ kind: 'expire-history', email });
  expect(await mailbox()).toEqual(CAUGHT_UP);
  expect(await labelled(labelId)).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an empty list of one label removes it from no message, and the mailbox is listed again', async () => {
  await begin();
  const before = await labelled('INBOX');
  await world.control.fault({ kind: 'expire-history', email });
  // The list of all messages is whole; the lists of the labels are empty, one after another.
  await world.control.fault({
    kind: 'empty-listing',
    method: 'messages.list',
    label: 'INBOX',
    count: 1,
  });
  expect(await mailbox()).toMatchObject({ kind: 'held' });
  expect(await labelled('INBOX')).toEqual(before);
  await world.database.pool.query(
    `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{hold,notBeforeMs}', '0') WHERE cursor ? 'hold'`,
  );
  expect(await mailbox()).toEqual(CAUGHT_UP);
  expect(await labelled('INBOX')).toEqual(before);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('messages that lost a label while the history was expired lose it after one listing', async () => {
  await begin();
  const labelId = await labelTen();
  for (const messageId of (await labelled(labelId)).slice(0, 8))
    await act({ action: 'unlabel', messageId, labelIds: [labelId] });
  await world.control.fault({ kind: 'expire-history', email });
  expect(await mailbox()).toEqual(CAUGHT_UP);
  expect(await labelled(labelId)).toHaveLength(2);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('an empty list of labels deletes none of them', async () => {
  await begin();
  await labelTen();
  const before = await catalogue();
  await world.control.fault({ kind: 'empty-listing', method: 'labels.list', count: 1 });
  await world.control.fault({ kind: 'expire-history', email });
  await mailbox();
  expect(await catalogue()).toEqual(before);
  await act({ action: 'label-delete', labelId: before.find((id) => id.startsWith('Label_'))! });
  await world.control.fault({ kind: 'expire-history', email });
  await mailbox();
  expect(await catalogue()).toHaveLength(before.length - 1);
});

/** Runs as a worker would, each when its next try is due. @returns how each run ended */
async function runs(limit: number): Promise<string[]> {
  const ends: string[] = [];
  while (ends.length < limit && ends.at(-1) !== 'caught-up') {
    await world.database.pool.query(
      `UPDATE syncline.collections SET cursor = jsonb_set(cursor, '{unread,nextTryAtMs}', '0') WHERE cursor -> 'unread' ? 'nextTryAtMs'`,
    );
    ends.push((await mailbox()).kind);
  }
  return ends;
}

test.each(['500', '403-permission', '404', 'malformed-json', 'page-names-itself'])(
  'a label whose list always gives %s stays on its messages, and the mailbox continues',
  async (kind) => {
    await begin();
    const labelId = await labelTen();
    const [messageId] = await labelled(labelId);
    await act({ action: 'unlabel', messageId, labelIds: [labelId] });
    await world.control.fault({ kind: 'expire-history', email });
    await world.control.fault({ kind, method: 'messages.list', label: labelId });
    const { messageId: newMail } = await act({ action: 'deliver', subject: 'new' });
    expect((await runs(12)).at(-1)).toBe('caught-up');
    expect(await labelled(labelId)).toHaveLength(9);
    const { rows } = await world.database.pool.query(
      'SELECT id FROM syncline.gmail_messages WHERE id = $1',
      [newMail],
    );
    expect(rows).toHaveLength(1);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('no label is given up while no list answers, however long that lasts', async () => {
  await begin();
  const before = await labelled('INBOX');
  await world.control.fault({ kind: 'expire-history', email });
  await (await mailboxSteps(world)).stepUntil((cursor) => cursor['step'] === 'labels');
  await world.control.fault({ kind: '503', method: 'messages.list' });
  expect(new Set(await runs(10))).toEqual(new Set(['snoozed']));
  await world.control.clearFaults();
  await world.control.fault({ kind: '500', method: 'labels.get' });
  expect((await runs(2)).at(-1)).toBe('caught-up');
  expect(await labelled('INBOX')).toEqual(before);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test.each(['500', '403-permission'])(
  'unlisted labels that always give %s stay, and new mail is stored',
  async (kind) => {
    await begin();
    const before = await catalogue();
    await world.control.fault({ kind: 'empty-listing', method: 'labels.list' });
    await world.control.fault({ kind, method: 'labels.get' });
    await world.control.fault({ kind: 'expire-history', email });
    const { messageId } = await act({ action: 'deliver', subject: 'new' });
    expect((await runs(2)).at(-1)).toBe('caught-up');
    expect(await catalogue()).toEqual(before);
    const { rows } = await world.database.pool.query(
      'SELECT id FROM syncline.gmail_messages WHERE id = $1',
      [messageId],
    );
    expect(rows).toHaveLength(1);
  },
);
