import { syncCollection, verifyAccount, type Outcome } from '@syncline/sync';
import { startWorld, type World } from '../support/world.js';

/*
 * One message that Google never returns delays no other: the rest is mirrored and synced,
 * the message is tried a bounded number of times, and then it is in quarantine with its reason.
 * Retry dates are brought forward here; the delays have a test of their own.
 */

const POLICY = { activeMs: 600_000, idleMs: 900_000 };
/** More runs than the tries that an item gets, and the runs that find out whose fault it is. */
const RUNS_LIMIT = 25;

let world: World;
let email: string;
let accountId: string;
let mailbox: string;

async function connect(options: { messages: number; threadLength?: number; raw?: boolean }) {
  world = await startWorld({
    seed: 91,
    threadLength: options.threadLength ?? 1,
    accounts: 1,
    messagesPerAccount: options.messages,
    calendarsPerAccount: 0,
    eventsPerCalendar: 0,
    ...(options.raw ? { mirror: { bodies: 'raw' as const } } : {}),
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
  mailbox = (
    await world.database.pool.query<{ id: string }>(
      "SELECT id FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.id;
}
afterEach(() => world.close());

const run = (): Promise<Outcome> =>
  syncCollection(
    world.rt,
    { store: world.store, google: world.google, policy: POLICY, mirror: world.mirror },
    mailbox,
    { sliceMs: 60_000, signal: new AbortController().signal },
  );

/**
 * Runs as a worker would, each when it is due, until the mailbox is caught up.
 * @returns how each run ended
 */
async function runs(limit = RUNS_LIMIT): Promise<string[]> {
  const ends: string[] = [];
  while (ends.length < limit && ends.at(-1) !== 'caught-up') {
    await endDelays();
    ends.push((await run()).kind);
  }
  return ends;
}

async function endDelays(): Promise<void> {
  await world.database.pool.query(
    "UPDATE syncline.failing_items SET retry_at = now() - interval '1 ms'",
  );
}

const truth = async (): Promise<string[]> =>
  (await world.control.truth(email, 'gmail')).map((message) => String(message['id']));

async function stored(): Promise<string[]> {
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages ORDER BY id',
  );
  return rows.map(({ id }) => id);
}

const phase = async (): Promise<unknown> =>
  (await world.store.accounts.list())[0]!.collections.find(({ kind }) => kind === 'gmail')?.phase;

const quarantined = async (): Promise<string[]> =>
  (await world.store.quarantine.list([accountId])).map(({ itemId }) => itemId);

test.each([
  ['403 "The caller does not have permission"', '403-permission', 'Google does not allow this'],
  ['500', '500', 'Google gave no usable answer'],
  ['malformed JSON', 'malformed-json', 'Google gave no usable answer'],
  ['401', '401', 'Google does not allow this (authError)'],
  ['without its thread', 'altered-answer', 'it cannot be read'],
])(
  'quarantines one message that always gives %s by name, and mirrors and updates everything else',
  async (_, kind, reason) => {
    await connect({ messages: 80 });
    const [bad = ''] = (await truth()).slice(20);
    await world.control.spoil(bad, kind, { patch: { threadId: null } });
    const ends = await runs();
    expect({ last: ends.at(-1), phase: await phase(), quarantined: await quarantined() }).toEqual({
      last: 'caught-up',
      phase: 'incremental',
      quarantined: [bad],
    });
    expect(await stored()).toEqual((await truth()).filter((id) => id !== bad).sort());
    expect((await world.store.quarantine.list([accountId]))[0]?.reason).toContain(reason);
  },
);

test('quarantines each message that lacks its payload or has parts, headers or labels of another type, and mirrors everything else', async () => {
  await connect({ messages: 40 });
  const ids = (await truth()).slice(5);
  const patches = [
    { payload: null },
    { payload: 'text' },
    { payload: { mimeType: 'multipart/mixed', parts: [null] } },
    { payload: { parts: 5 } },
    { payload: { headers: 'From: a@example.com' } },
    { payload: { mimeType: 5, body: { attachmentId: 'a', data: null } } },
    { labelIds: 'INBOX' },
    { labelIds: [null] },
  ];
  const bad = ids.slice(0, patches.length);
  for (const [i, patch] of patches.entries())
    await world.control.spoil(bad[i]!, 'altered-answer', { patch });
  expect((await runs()).at(-1)).toBe('caught-up');
  expect(await stored()).toEqual((await truth()).filter((id) => !bad.includes(id)).sort());
  expect(await quarantined()).toEqual(bad.toSorted());
  const report = await verifyAccount(world.rt, world, accountId, 'gmail', { catchUpMs: 0 });
  expect(report).toMatchObject({ missing: [], extra: [], stale: [], unread: bad });
});

test('stores new mail while a message is being retried', async () => {
  await connect({ messages: 30 });
  const [bad = ''] = (await truth()).slice(10);
  await world.control.spoil(bad, '500');
  for (let n = 0; n < 3; n++) await run();
  expect(await phase()).toBe('incremental');
  const { messageId } = (await world.control.actAs(email, {
    action: 'deliver',
    subject: 'new',
  })) as { messageId: string };
  await run();
  expect(await stored()).toContain(messageId);
  expect(await stored()).not.toContain(bad);
});

test.each(['403-permission', '500', 'malformed-json'])(
  'quarantines the only message of a mailbox when it always gives %s',
  async (kind) => {
    await connect({ messages: 1 });
    const [bad = ''] = await truth();
    await world.control.spoil(bad, kind);
    const ends = await runs();
    expect({ last: ends.at(-1), phase: await phase(), quarantined: await quarantined() }).toEqual({
      last: 'caught-up',
      phase: 'incremental',
      quarantined: [bad],
    });
  },
);

test.each(['403-permission', '500', 'malformed-json'])(
  'stores the other messages of a thread when one always gives %s',
  async (kind) => {
    await connect({ messages: 40, threadLength: 8 });
    const [bad = ''] = (await truth()).slice(12);
    await world.control.spoil(bad, kind);
    const ends = await runs();
    expect([ends.at(-1), await quarantined()]).toEqual(['caught-up', [bad]]);
    expect(await stored()).toEqual((await truth()).filter((id) => id !== bad).sort());
  },
);

test.each(['403-permission', '500', 'malformed-json'])(
  'continues after a new message that always gives %s, alone in its history',
  async (kind) => {
    await connect({ messages: 20 });
    await runs();
    const { messageId: bad } = (await world.control.actAs(email, {
      action: 'deliver',
      subject: 'bad',
    })) as { messageId: string };
    await world.control.spoil(bad, kind);
    await runs();
    const { messageId: good } = (await world.control.actAs(email, {
      action: 'deliver',
      subject: 'good',
    })) as { messageId: string };
    expect((await runs()).at(-1)).toBe('caught-up');
    expect(await quarantined()).toEqual([bad]);
    expect(await stored()).toContain(good);
  },
);

test('an outage of all messages quarantines nothing, however long it lasts', async () => {
  await connect({ messages: 30 });
  await world.control.fault({ kind: '503', method: 'messages.get' });
  const ends = await runs(10);
  expect(new Set(ends)).toEqual(new Set(['snoozed']));
  expect(await quarantined()).toEqual([]);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect(await stored()).toEqual((await truth()).sort());
  expect(await quarantined()).toEqual([]);
});

test('a 403 for every message parks the mailbox and quarantines nothing', async () => {
  await connect({ messages: 30 });
  await world.control.fault({ kind: '403-permission', method: 'messages.get' });
  expect([await run(), await run()]).toMatchObject([{ kind: 'parked' }, { kind: 'parked' }]);
  expect(await quarantined()).toEqual([]);
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect(await stored()).toEqual((await truth()).sort());
});

test('parks the mailbox when more messages than an hour allows cannot be read, quarantines none of them, and stores all when they can be', async () => {
  await connect({ messages: 60 });
  const bad = (await truth()).slice(20, 41);
  for (const id of bad) await world.control.spoil(id, '403-permission');
  const ends: string[] = [];
  while (ends.length < RUNS_LIMIT && ends.at(-1) !== 'parked') ends.push(...(await runs(1)));
  expect({ last: ends.at(-1), phase: await phase(), quarantined: await quarantined() }).toEqual({
    last: 'parked',
    phase: 'incremental',
    quarantined: [],
  });
  expect(await parkedFor()).toBe('items');
  expect(await stored()).toEqual((await truth()).filter((id) => !bad.includes(id)).sort());
  await world.control.clearFaults();
  expect((await runs()).at(-1)).toBe('caught-up');
  expect([await stored(), await quarantined(), await parkedFor()]).toEqual([
    (await truth()).sort(),
    [],
    null,
  ]);
});

const parkedFor = async (): Promise<unknown> =>
  (
    await world.database.pool.query<{ parked: string | null }>(
      "SELECT parked FROM syncline.collections WHERE kind = 'gmail'",
    )
  ).rows[0]!.parked;

test('a chat without a source is stored without it, and not requested again', async () => {
  await connect({ messages: 30, raw: true });
  const [chat = ''] = (await truth()).slice(5);
  await world.control.spoil(chat, 'altered-answer', { patch: { raw: null } });
  expect((await runs()).at(-1)).toBe('caught-up');
  expect(await stored()).toEqual((await truth()).sort());
  const sourceless = await world.database.pool.query(
    'SELECT id FROM syncline.gmail_messages WHERE id NOT IN (SELECT message_id FROM syncline.gmail_sources)',
  );
  expect([sourceless.rows, await quarantined()]).toEqual([[{ id: chat }], []]);
  const asked = (): Promise<number | undefined> =>
    world.control.ledger().then(({ methods }) => methods['messages.get']?.calls);
  const before = await asked();
  await runs();
  expect(await asked()).toBe(before);
});

/**
 * Runs at their dates, as throttling demands, until the mailbox is caught up or the time is over.
 */
async function runsInTime(ms: number): Promise<string[]> {
  const ends: string[] = [];
  const deadlineMs = world.rt.clock.nowMs() + ms;
  while (ends.at(-1) !== 'caught-up' && world.rt.clock.nowMs() < deadlineMs) {
    await endDelays();
    const outcome = await run();
    ends.push(outcome.kind);
    if (outcome.kind === 'snoozed')
      await world.rt.clock.sleep(Math.max(0, outcome.until.getTime() - world.rt.clock.nowMs()));
  }
  return ends;
}

const LONE_QUOTA = ['429-exhausted', '403-user-rate', '429-concurrent'];

test.each(LONE_QUOTA)(
  'quarantines a message that alone always gives %s, and mirrors everything else',
  async (kind) => {
    await connect({ messages: 60 });
    const [bad = ''] = (await truth()).slice(20);
    await world.control.spoil(bad, kind);
    // A pause for quota would last longer than all these runs.
    expect((await runs()).at(-1)).toBe('caught-up');
    expect(await quarantined()).toEqual([bad]);
    expect(await stored()).toEqual((await truth()).filter((id) => id !== bad).sort());
  },
);

test.each(LONE_QUOTA)(
  'continues after a new message that always gives %s, with no other message in its history',
  async (kind) => {
    await connect({ messages: 10 });
    await runs();
    const { messageId: bad } = (await world.control.actAs(email, {
      action: 'deliver',
      subject: 'bad',
    })) as { messageId: string };
    await world.control.spoil(bad, kind);
    // A pause for quota would last longer than all these runs.
    expect((await runs()).at(-1)).toBe('caught-up');
    expect(await quarantined()).toEqual([bad]);
  },
);

test.each(LONE_QUOTA.flatMap((kind) => [1, 0.4].map((share): [string, number] => [kind, share])))(
  'throttling with %s of the share %d of all parts counts against no message',
  async (kind, share) => {
    await connect({ messages: 30 });
    const all = await truth();
    await world.control.fault({ kind, method: 'messages.get', probability: share });
    await runsInTime(4_000);
    await world.control.clearFaults();
    const failing = await world.database.pool.query('SELECT 1 FROM syncline.failing_items');
    expect([await quarantined(), failing.rowCount]).toEqual([[], 0]);
    expect((await runsInTime(100_000)).at(-1)).toBe('caught-up');
    expect(await stored()).toEqual(all.sort());
  },
);
