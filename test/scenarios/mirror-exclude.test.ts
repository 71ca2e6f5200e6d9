import { repairDrift, syncCollection, verifyAccount, type MirrorPolicy } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { mailboxSteps, type MailboxSteps } from '../support/mailbox-steps.js';
import { rowChanges } from '../support/row-changes.js';
import { startWorld, type World } from '../support/world.js';

/* Spam, trash and drafts by a policy: what is excluded has no row, whichever way it came to be so. */

const NONE_OF_THEM: Partial<MirrorPolicy> = { exclude: ['spam', 'trash', 'drafts'] };
const LABELS = { spam: 'SPAM', trash: 'TRASH', drafts: 'DRAFT' };

let world: World;
let mailbox: MailboxSteps;
afterEach(() => world.close());

async function mirrored(
  mirror: Partial<MirrorPolicy>,
  seed: number,
  messagesPerAccount = 120,
): Promise<void> {
  world = await startWorld({
    seed,
    accounts: 1,
    messagesPerAccount,
    bodyBytes: 300,
    threadLength: 1.5,
    calendarsPerAccount: 1,
    eventsPerCalendar: 2,
    mirror,
  });
  mailbox = await mailboxSteps(world);
  for (const label of ['SPAM', 'TRASH', 'INBOX'])
    for (let i = 0; i < 3; i++)
      await mailbox.act({ action: 'deliver', labelIds: [label], text: `${label} ${i}` });
  await world.catchUp();
}

/** What a perfect mirror under the world's policy would hold, decided by the source's own labels. */
const kept = (message: Record<string, unknown>): boolean =>
  !(world.mirror.exclude ?? []).some((name) =>
    (message['labelIds'] as string[]).includes(LABELS[name]),
  );
const sourceIds = async (label: string): Promise<string[]> =>
  (await world.control.truth(mailbox.email, 'gmail'))
    .filter((message) => (message['labelIds'] as string[]).includes(label))
    .map((message) => String(message['id']));
const gets = async (): Promise<number> => {
  const { methods } = await world.control.ledger();
  return (methods['messages.get']?.calls ?? 0) + (methods['threads.get']?.calls ?? 0);
};
const lastSeq = async (): Promise<bigint> =>
  BigInt(
    (await world.database.pool.query('SELECT feed_seq FROM syncline.accounts')).rows[0].feed_seq,
  );
const events = async (after: bigint): Promise<string[]> =>
  (await rowChanges(world.store, mailbox.accountId, after, 10_000))
    .filter(({ entity }) => entity === 'message')
    .map(({ op, id }) => `${op} ${id}`);
/** The three that were delivered to the inbox, and nowhere else. */
const plainMessages = async (): Promise<string[]> =>
  [...(await mailbox.rows()).values()]
    .filter((row) => row.text?.startsWith('INBOX '))
    .map((row) => row.id);

/** With a fleet at work, which catches up before the second sync. */
async function verify(sample?: number): ReturnType<typeof verifyAccount> {
  const over = new AbortController();
  const fleet = (async () => {
    while (!over.signal.aborted) await world.catchUp();
  })();
  const report = await verifyAccount(
    world.rt,
    world,
    mailbox.accountId,
    'gmail',
    sample === undefined ? {} : { sample },
  );
  over.abort();
  await fleet;
  return report;
}

test('excluded mail is neither listed nor fetched, by full and incremental syncs', async () => {
  await mirrored(NONE_OF_THEM, 141);
  const outside = new Set([
    ...(await sourceIds('SPAM')),
    ...(await sourceIds('TRASH')),
    ...(await sourceIds('DRAFT')),
  ]);
  expect(outside.size).toBeGreaterThanOrEqual(7);
  const drift = await world.drift(kept);
  expect(drift).toMatchObject({ ...NO_DRIFT, checked: { messages: 129 - outside.size } });
  expect(await gets()).toBeLessThanOrEqual(drift.checked.messages);
  const before = await gets();
  await mailbox.act({ action: 'deliver', labelIds: ['SPAM', 'UNREAD'], text: 'Buy' });
  const draft = await mailbox.act({ action: 'draft-save', text: 'Dear' });
  for (let i = 0; i < 3; i++)
    await mailbox.act({
      action: 'draft-save',
      draftId: (draft as { draftId?: string }).draftId,
      text: `Dear ${i}`,
    });
  const { messageId } = await mailbox.act({
    action: 'deliver',
    labelIds: ['INBOX'],
    text: 'Hello',
  });
  const seq = await lastSeq();
  await world.catchUp();
  expect(await events(seq)).toEqual([`created ${messageId}`]);
  expect((await gets()) - before).toBe(1);
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
});

test('a message that gets an excluded label is deleted, one that loses it is created, and both between two syncs is no change', async () => {
  await mirrored(NONE_OF_THEM, 142);
  const [out, fro] = await plainMessages();
  const spam = (await sourceIds('SPAM'))[0]!;
  let seq = await lastSeq();
  await mailbox.act({ action: 'trash', messageId: out });
  await mailbox.act({ action: 'label', messageId: fro, labelId: 'SPAM' });
  await mailbox.act({ action: 'unlabel', messageId: fro, labelId: 'SPAM' });
  await mailbox.act({ action: 'unlabel', messageId: spam, labelId: 'SPAM' });
  await world.catchUp();
  expect((await events(seq)).sort()).toEqual([`created ${spam}`, `deleted ${out}`].sort());
  seq = await lastSeq();
  const before = await gets();
  // What happens to a message without a row costs nothing, as long as it stays outside.
  await mailbox.act({ action: 'label', messageId: out, labelId: 'STARRED' });
  await mailbox.act({ action: 'label', messageId: out, labelId: 'SPAM' });
  await mailbox.act({ action: 'label', messageId: spam, labelId: 'SPAM' });
  await mailbox.act({ action: 'unlabel', messageId: spam, labelId: 'SPAM' });
  await mailbox.act({ action: 'label', messageId: spam, labelId: 'TRASH' });
  await world.catchUp();
  expect([await events(seq), (await gets()) - before]).toEqual([[`deleted ${spam}`], 0]);
  // Out of the trash, but still in spam: it is asked for, and stays outside.
  await mailbox.act({ action: 'unlabel', messageId: out, labelId: 'TRASH' });
  await world.catchUp();
  expect([await events(seq), (await gets()) - before]).toEqual([[`deleted ${spam}`], 1]);
  await mailbox.act({ action: 'unlabel', messageId: out, labelId: 'SPAM' });
  await world.catchUp();
  expect(await events(seq)).toEqual([`deleted ${spam}`, `created ${out}`]);
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
});

test('a resync applies the same policy, and an excluded message never has a row', async () => {
  await mirrored({ exclude: ['spam', 'drafts'] }, 143);
  const [out, late] = await plainMessages();
  const [spam, wasTrash] = [(await sourceIds('SPAM'))[0]!, (await sourceIds('TRASH'))[0]!];
  await mailbox.act({ action: 'label', messageId: out, labelId: 'SPAM' });
  await mailbox.act({ action: 'unlabel', messageId: spam, labelId: 'SPAM' });
  await mailbox.act({ action: 'unlabel', messageId: wasTrash, labelId: 'TRASH' });
  await mailbox.act({ action: 'deliver', labelIds: ['SPAM'], text: 'Buy' });
  await world.control.fault({ kind: 'expire-history' });
  const [seq, before] = [await lastSeq(), await gets()];
  let acted = false;
  for (
    let outcome = await mailbox.step();
    outcome.kind === 'more';
    outcome = await mailbox.step()
  ) {
    // One that becomes spam after it was listed, before its labels are.
    if (!acted && (await mailbox.cursor())['step'] === 'labels')
      acted = Boolean(await mailbox.act({ action: 'label', messageId: late, labelId: 'SPAM' }));
    expect(
      [...(await mailbox.rows()).values()].filter(
        (row) => row.labelIds.includes('SPAM') || row.labelIds.includes('DRAFT'),
      ),
    ).toEqual([]);
  }
  expect(acted).toBe(true);
  expect((await events(seq)).sort()).toEqual(
    [`created ${spam}`, `deleted ${late}`, `deleted ${out}`, `updated ${wasTrash}`].sort(),
  );
  expect((await gets()) - before).toBe(1);
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
});

test('verify compares with a changed policy; --repair or a full sync applies it to stored rows', async () => {
  await mirrored({}, 144, 90);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  const [trash, drafts] = [await sourceIds('TRASH'), await sourceIds('DRAFT')];
  world.mirror = { exclude: ['trash', 'drafts'] };
  const outside = [...new Set([...trash, ...drafts])].sort();
  const report = await verify();
  expect(report).toEqual({
    resource: 'gmail',
    checked: 99 - outside.length,
    missing: [],
    extra: outside,
    stale: [],
    unread: [],
  });
  const seq = await lastSeq();
  const deps = { ...world, policy: { activeMs: 60_000, idleMs: 900_000 } };
  const { rows } = await world.database.pool.query<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
  );
  expect(
    await repairDrift(
      world.rt,
      deps,
      { accountId: mailbox.accountId, collectionIds: rows.map(({ id }) => id) },
      report,
    ),
  ).toBeNull();
  expect((await events(seq)).sort()).toEqual(outside.map((id) => `deleted ${id}`));
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
  expect(await verify(5)).toMatchObject({
    checked: 99 - outside.length,
    missing: [],
    extra: [],
    stale: [],
  });
  world.mirror = { exclude: ['spam'] };
  await world.store.schedule.requestSync([mailbox.accountId], { resource: 'gmail', full: true });
  await world.catchUp();
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
  expect((await events(seq)).filter((event) => event.startsWith('created')).sort()).toEqual(
    outside.map((id) => `created ${id}`),
  );
});

test('verify reads a long thread whole and checks each of its messages, including excluded ones', async () => {
  await mirrored(NONE_OF_THEM, 146, 40);
  const { messageId, threadId } = await mailbox.act({
    action: 'deliver',
    labelIds: ['INBOX'],
    text: 'Hello',
  });
  for (const label of ['INBOX', 'INBOX', 'INBOX', 'SPAM', 'TRASH'])
    await mailbox.act({ action: 'deliver', threadId, labelIds: [label], text: 'Re: Hello' });
  await world.catchUp();
  const threadReads = async (): Promise<number> =>
    (await world.control.ledger()).methods['threads.get']?.calls ?? 0;
  const before = await threadReads();
  const { checked } = await world.drift(kept);
  expect(await verify()).toEqual({
    resource: 'gmail',
    checked: checked.messages,
    ...NO_DRIFT,
    unread: [],
  });
  expect(await threadReads()).toBeGreaterThan(before);
  await world.database.pool.query('DELETE FROM syncline.gmail_messages WHERE id = $1', [messageId]);
  expect(await verify()).toMatchObject({ missing: [messageId], extra: [], stale: [], unread: [] });
});

test('an audit finds nothing under the policy of the mirror, and applies a changed one', async () => {
  await mirrored({ exclude: ['trash'] }, 145, 60);
  const audit = async (): Promise<number> => {
    const { rows } = await world.database.pool.query(
      "WITH due AS (UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', audited_at = NULL WHERE kind = 'gmail' RETURNING id), forgotten AS (UPDATE syncline.collection_audits SET drift = NULL WHERE collection_id = (SELECT id FROM due)) SELECT id FROM due",
    );
    const policy = { activeMs: 60_000, idleMs: 900_000, auditEveryMs: 3_600_000 };
    const outcome = await syncCollection(world.rt, { ...world, policy }, rows[0].id, {
      sliceMs: 5_000,
      signal: new AbortController().signal,
    });
    expect(outcome.kind).toMatch(/caught-up|more/);
    return (
      await world.database.pool.query(
        "SELECT d.drift FROM syncline.collections c JOIN syncline.collection_audits d ON d.collection_id = c.id WHERE kind = 'gmail'",
      )
    ).rows[0].drift;
  };
  expect(await audit()).toBe(0);
  world.mirror = { exclude: ['trash', 'spam'] };
  const [spam, seq] = [await sourceIds('SPAM'), await lastSeq()];
  expect(await audit()).toBe(spam.length);
  await world.catchUp();
  expect((await events(seq)).sort()).toEqual(spam.map((id) => `deleted ${id}`).sort());
  expect(await audit()).toBe(0);
  expect(await world.drift(kept)).toMatchObject(NO_DRIFT);
});
