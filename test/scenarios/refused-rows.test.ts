import { syncCollection, verifyAccount, type Outcome, type VerifyReport } from '@syncline/sync';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Values that no column holds, ids that cannot be stored and rows that Postgres refuses cost their
 * own item at most: everything else of the account is stored and followed, and what is missing is
 * named in quarantine.
 */

const POLICY = { activeMs: 600_000, idleMs: 900_000 };

let world: World;
let email: string;
let accountId: string;
beforeEach(async () => {
  world = await startWorld({
    seed: 93,
    threadLength: 1,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 2,
    eventsPerCalendar: 30,
  });
  email = (await world.control.accounts())[0]!.email;
  accountId = (await world.store.accounts.list())[0]!.id;
});
afterEach(() => world.close());

async function sql<Row extends object>(text: string): Promise<Row[]> {
  return (await world.database.pool.query<Row>(text)).rows;
}
const act = async (action: object): Promise<Record<string, string>> =>
  (await world.control.actAs(email, action)) as Record<string, string>;
const alter = (item: string, patch: object, method?: string): Promise<unknown> =>
  world.control.fault({ kind: 'altered-answer', item, patch, ...(method ? { method } : {}) });
const idsIn = async (table: string): Promise<string[]> =>
  (await sql<{ id: string }>(`SELECT id FROM syncline.${table} ORDER BY id`)).map(({ id }) => id);
const quarantined = async (): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await world.store.quarantine.list([accountId])).map(({ itemId, reason }) => [itemId, reason]),
  );
const truth = async (resource: 'gmail' | 'calendar'): Promise<string[]> =>
  (await world.control.truth(email, resource)).map((one) => String(one['id']));

/** As a mail program writes it, with two files. */
const MAIL = [
  'From: a@elsewhere.example',
  'Subject: two files',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b\r\nContent-Type: text/plain\r\n\r\nSee below.',
  '--b\r\nContent-Type: text/csv; name="one.csv"\r\nContent-Disposition: attachment; filename="one.csv"\r\n\r\n1',
  '--b\r\nContent-Type: text/csv; name="two.csv"\r\nContent-Disposition: attachment; filename="two.csv"\r\n\r\n2',
  '--b--',
].join('\r\n');
const deliverFiles = async (): Promise<string> =>
  (await act({ action: 'deliver', rawBase64: Buffer.from(MAIL).toString('base64') }))['messageId']!;

test('two attachments with one part id are stored under two keys, and each is found by its own', async () => {
  const id = await deliverFiles();
  await alter(id, { payload: { parts: { 1: { partId: '1' }, 2: { partId: '1' } } } });
  await world.catchUp();
  expect(await idsIn('gmail_messages')).toHaveLength(61);
  expect(
    await sql(
      `SELECT part_id, filename FROM syncline.gmail_attachments WHERE message_id = '${id}' ORDER BY position`,
    ),
  ).toEqual([
    { part_id: '1', filename: 'one.csv' },
    { part_id: '1#2', filename: 'two.csv' },
  ]);
  const { gmail } = world.google.account(accountId);
  const bytes = async (key: string): Promise<string | undefined> =>
    (await gmail.attachment(id, key))?.data.toString().trim();
  expect([await bytes('1'), await bytes('1#2'), await bytes('1#3')]).toEqual(['1', '2', undefined]);
  expect(await quarantined()).toEqual({});
});

test('hostile texts and numbers are cleaned: every message, label, calendar and event is stored', async () => {
  const id = await deliverFiles();
  const hostile = 'a\0b\ud800';
  await alter(id, {
    historyId: '9'.repeat(20),
    internalDate: '9'.repeat(18),
    sizeEstimate: 1e300,
    snippet: hostile,
    payload: {
      headers: { 0: { name: hostile }, 1: { value: hostile } },
      parts: {
        1: { mimeType: 'text/\0csv', filename: hostile, body: { size: -1 } },
        2: { partId: hostile, body: { size: 2 ** 40 } },
      },
    },
  });
  await world.control.fault({
    kind: 'altered-answer',
    method: 'getProfile',
    patch: { emailAddress: email.replace('@', '\0@') },
  });
  const { labelId } = await act({ action: 'label-create', name: 'Label' });
  await alter(labelId!, { name: hostile, color: { textColor: hostile } });
  const { calendarId } = await act({ action: 'calendar-create' });
  await alter(calendarId!, { summary: hostile, timeZone: hostile, accessRole: 'own\0er' });
  const { eventId } = await act({ action: 'event-create' });
  await alter(eventId!, {
    summary: hostile,
    iCalUID: 'u'.repeat(10_000) + hostile,
    etag: hostile,
    start: { timeZone: hostile, date: null, dateTime: '+275760-09-13T00:00:00Z' },
    extendedProperties: { private: { [hostile]: hostile } },
  });
  await world.catchUp();
  expect(await quarantined()).toEqual({});
  expect(await idsIn('gmail_messages')).toEqual((await truth('gmail')).sort());
  expect((await idsIn('calendar_events')).length).toBe((await truth('calendar')).length);
  expect(await sql(`SELECT name FROM syncline.gmail_labels WHERE id = '${labelId}'`)).toEqual([
    { name: 'ab\ufffd' },
  ]);
  expect(await sql(`SELECT summary FROM syncline.calendars WHERE id = '${calendarId}'`)).toEqual([
    { summary: 'ab\ufffd' },
  ]);
  await expectApplied();
});

test('an item whose id cannot be stored is named in quarantine, and every other one is stored and updated', async () => {
  const [listed, threaded, labelled] = (await truth('gmail')).slice(10) as [string, string, string];
  await alter(listed, { id: 'bad\0\ud800' }, 'messages.list');
  await alter(threaded, { threadId: '\ud800' }, 'messages.get');
  await alter(labelled, { labelIds: ['INBOX', 'L\0'] }, 'messages.get');
  const { labelId } = await act({ action: 'label-create', name: 'Label' });
  await alter(labelId!, { id: 'Label_\0' }, 'labels.list');
  const { eventId } = await act({ action: 'event-create' });
  await alter(eventId!, { id: '\udc00' });
  const { calendarId } = await act({ action: 'calendar-create' });
  await alter(calendarId!, { id: 'cal\0' });
  await world.catchUp();
  expect(await idsIn('gmail_messages')).toEqual(
    (await truth('gmail')).filter((id) => ![listed, threaded, labelled].includes(id)).sort(),
  );
  const entries = await quarantined();
  expect(entries[threaded]).toContain('its thread id cannot be stored');
  expect(entries[labelled]).toContain('its label id cannot be stored');
  const names = Object.keys(entries).map((name) => name.replace(/unstorable-\w{64}/, 'DIGEST'));
  expect(names.sort()).toEqual(
    ['DIGEST', 'DIGEST', 'DIGEST', labelled, 'label:DIGEST', threaded].sort(),
  );
  await expectApplied();
  for (const resource of ['gmail', 'calendar'] as const)
    expect(await verify(resource)).toMatchObject({ extra: [], stale: [] });
  await audit();
  expect(await world.store.accounts.list()).toMatchObject([{ state: 'active' }]);
  expect(
    await sql("SELECT 1 FROM syncline.collections WHERE state = 'active' AND failures > 0"),
  ).toEqual([]);
});

test('unstorable ids in history and in an incremental listing delay nothing else', async () => {
  await world.catchUp();
  const [first, second] = (await truth('gmail')) as [string, string];
  const { messageId } = await act({ action: 'deliver' });
  const { eventId } = await act({ action: 'event-create', calendarId: email });
  await act({ action: 'label', messageId: second, labelIds: ['STARRED'] });
  await alter(messageId!, { id: 'new\ud800' }, 'history.list');
  await alter(eventId!, { id: 'other\ud800' }, 'events.list');
  await act({ action: 'delete', messageId: first });
  await alter(first, { id: 'gone\0' }, 'history.list');
  await expectApplied();
  expect(Object.keys(await quarantined())).toEqual([
    expect.stringMatching(/^unstorable-/),
    expect.stringMatching(/^unstorable-/),
  ]);
  expect(
    await sql(
      `SELECT 1 FROM syncline.gmail_messages WHERE id = '${second}' AND 'STARRED' = ANY (label_ids)`,
    ),
  ).toHaveLength(1);
});

test('a row that Postgres refuses is quarantined, everything else is stored, and it leaves the quarantine when accepted', async () => {
  const { messageId } = await act({ action: 'deliver', subject: 'poison' });
  await act({ action: 'label-create', name: 'poison' });
  const { calendarId } = await act({ action: 'calendar-create', name: 'poison' });
  const { eventId } = await act({ action: 'event-create', event: { summary: 'poison' } });
  const checks = [
    ['gmail_messages', 'subject'],
    ['gmail_labels', 'name'],
    ['calendars', 'summary'],
    ['calendar_events', 'summary'],
  ];
  for (const [table, column] of checks)
    await sql(
      `ALTER TABLE syncline.${table} ADD CONSTRAINT no_poison CHECK (${column} <> 'poison')`,
    );
  await world.catchUp();
  const entries = await quarantined();
  expect(Object.keys(entries)).toHaveLength(4);
  expect(Object.keys(entries)).toEqual(expect.arrayContaining([messageId, calendarId, eventId]));
  for (const reason of Object.values(entries))
    expect(reason).toMatch(/^Postgres refuses it \(SQLSTATE 23514: .* constraint no_poison\)$/);
  await expectApplied();
  expect((await world.drift()).missing.length).toBeGreaterThan(0);

  for (const [table] of checks)
    await sql(`ALTER TABLE syncline.${table} DROP CONSTRAINT no_poison`);
  await world.store.quarantine.retry(accountId, null);
  await world.catchUp();
  await world.catchUp();
  expect(await quarantined()).toEqual({});
  expect(await sql('SELECT 1 FROM syncline.refetch_items')).toEqual([]);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

test('a row refused again at its retry returns to quarantine, and its collection waits', async () => {
  const { eventId } = await act({ action: 'event-create', event: { summary: 'poison' } });
  await act({ action: 'label-create', name: 'poison' });
  await sql(
    `ALTER TABLE syncline.calendar_events ADD CONSTRAINT no_poison CHECK (summary <> 'poison')`,
  );
  await sql(`ALTER TABLE syncline.gmail_labels ADD CONSTRAINT no_poison CHECK (name <> 'poison')`);
  await world.catchUp();
  await sql("UPDATE syncline.quarantined_items SET retry_at = now() - interval '1 ms'");
  await world.catchUp();
  const entries = await world.store.quarantine.list([accountId]);
  expect(entries).toHaveLength(2);
  expect(Math.min(...entries.map(({ attempts }) => attempts))).toBeGreaterThan(1);
  expect(entries.map(({ itemId }) => itemId)).toContain(eventId);
  const due =
    "SELECT 1 FROM syncline.quarantined_items WHERE retry_at <= now() + interval '5 minutes'";
  expect(await sql(due)).toEqual([]);
});

test('a page with too many refused rows fails the run with a reason and is not stored', async () => {
  await sql(
    "ALTER TABLE syncline.gmail_messages ADD CONSTRAINT no_poison CHECK (snippet = 'none')",
  );
  const mailbox = await collection('gmail');
  await expect(run(mailbox)).rejects.toThrow('rows of a page were refused');
  expect(await idsIn('gmail_messages')).toEqual([]);
  expect(await quarantined()).toEqual({});
  const [row] = await sql<{ error: string; waits: boolean }>(
    `SELECT error, next_sync_at > now() + interval '20 seconds' AS waits FROM syncline.collections WHERE id = '${mailbox}'`,
  );
  expect(row).toEqual({ error: expect.stringContaining('constraint no_poison'), waits: true });
});

test.each(['messages.list', 'events.list'])(
  'an unstorable page token of %s parks the collection with a reason until Google gives another',
  async (method) => {
    await world.catchUp();
    await act({ action: 'deliver' });
    await act({ action: 'event-create' });
    await world.store.schedule.requestSync([accountId], { full: true });
    await world.control.fault({
      kind: 'altered-answer',
      method,
      patch: { nextPageToken: 'p\0\ud800' },
    });
    const held = await collection(method === 'messages.list' ? 'gmail' : 'calendar-events');
    expect(await run(held)).toMatchObject({ kind: 'parked' });
    const [row] = await sql<{ error: string; open_runs: number }>(
      `SELECT error, open_runs FROM syncline.collections WHERE id = '${held}'`,
    );
    expect(row).toEqual({ error: expect.stringContaining('can be kept'), open_runs: 0 });
    await world.control.clearFaults();
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('an unstorable sync token counts as missing, and everything is stored', async () => {
  await world.control.fault({
    kind: 'altered-answer',
    method: 'events.list',
    patch: { nextSyncToken: 's\0\ud800' },
  });
  await world.catchUp();
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

async function expectApplied(): Promise<void> {
  const { messageId } = await act({ action: 'deliver', subject: 'afterwards' });
  const { eventId } = await act({ action: 'event-create', calendarId: email });
  await world.catchUp();
  expect(await idsIn('gmail_messages')).toContain(messageId);
  expect(await idsIn('calendar_events')).toContain(eventId);
}

async function collection(kind: string): Promise<string> {
  const [row] = await sql<{ id: string }>(
    `SELECT id FROM syncline.collections WHERE kind = '${kind}'`,
  );
  return row!.id;
}

async function run(id: string, audits: { auditEveryMs?: number } = {}): Promise<Outcome> {
  await sql('UPDATE syncline.collections SET lease_until = NULL');
  return syncCollection(
    world.rt,
    { store: world.store, google: world.google, policy: { ...POLICY, ...audits } },
    id,
    { sliceMs: 60_000, signal: new AbortController().signal },
  );
}

/** No fleet is there to be waited for. */
function verify(resource: 'gmail' | 'calendar'): Promise<VerifyReport> {
  const { clock } = world.rt;
  let waitedMs = 0;
  const fastClock = {
    ...clock,
    nowMs: () => clock.nowMs() + waitedMs,
    sleep: async (ms: number) => void (waitedMs += ms),
  };
  return verifyAccount({ ...world.rt, clock: fastClock }, world, accountId, resource);
}

/** Audits of every collection, which compare what is there. */
async function audit(): Promise<void> {
  await sql("UPDATE syncline.collections SET audited_at = 'epoch', full_sync_started_at = 'epoch'");
  for (const { id } of await sql<{ id: string }>(
    "SELECT id FROM syncline.collections WHERE state = 'active'",
  ))
    await run(id, { auditEveryMs: 1 });
  expect(await sql('SELECT 1 FROM syncline.collection_audits WHERE drift > 0')).toEqual([]);
  expect(await sql('SELECT 1 FROM syncline.collection_audits WHERE checked > 0')).not.toEqual([]);
}
