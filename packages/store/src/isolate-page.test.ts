import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { isOfRow } from '../../../test/support/row-changes.js';
import { LeaseLost, type EventRow, type Lease, type MessageRow, type PageCommit } from './index.js';
import { PageRefused } from './row-refusal.js';

/*
 * When Postgres refuses a row because of its own values, the page loses only that row. The refusals
 * in these tests come from an operator's constraints and indexes, and from values that no cleaning
 * catches.
 */

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
  await sql(
    "ALTER TABLE syncline.gmail_messages ADD CONSTRAINT no_poison CHECK (snippet <> 'poison')",
  );
  await sql("ALTER TABLE syncline.gmail_labels ADD CONSTRAINT no_poison CHECK (name <> 'poison')");
  await sql("ALTER TABLE syncline.calendars ADD CONSTRAINT no_poison CHECK (summary <> 'poison')");
  await sql(
    "ALTER TABLE syncline.calendar_events ADD CONSTRAINT no_poison CHECK (summary <> 'poison')",
  );
  await sql(
    "ALTER TABLE syncline.gmail_messages ADD CONSTRAINT no_spam CHECK (NOT 'POISON' = ANY (label_ids))",
  );
});
afterAll(() => fixture.close());
beforeEach(async () => {
  for (const table of ['gmail_messages', 'gmail_bodies', 'gmail_threads', 'gmail_labels'])
    await sql(`DELETE FROM syncline.${table}`);
  for (const table of ['calendars', 'calendar_events', 'quarantined_items', 'full_sync_items'])
    await sql(`DELETE FROM syncline.${table}`);
  await sql('DELETE FROM syncline.changes');
  await sql('UPDATE syncline.accounts SET feed_seq = 0');
});

async function sql<Row extends object>(text: string): Promise<Row[]> {
  return (await fixture.database.pool.query<Row>(text)).rows;
}

const message = (id: string, over: Partial<MessageRow> = {}): MessageRow => ({
  id,
  threadId: `t-${id}`,
  historyId: 10n,
  labelIds: ['INBOX'],
  internalDateMs: 1_700_000_000_123,
  sizeEstimate: 100,
  snippet: 'hello',
  subject: null,
  from: null,
  to: null,
  cc: null,
  date: null,
  messageId: null,
  addresses: '{}',
  resource: '{}',
  text: 'body',
  html: null,
  source: null,
  attachments: [],
  ...over,
});
const event = (id: string, over: Partial<EventRow> = {}): EventRow => ({
  id,
  status: 'confirmed',
  icalUid: null,
  summary: 'standup',
  recurringEventId: null,
  isRecurring: false,
  start: { date: null, atMs: null, zone: null },
  end: { date: null, atMs: null, zone: null },
  etag: null,
  resource: `{"id":"${id}"}`,
  ...over,
});
const gmail = (
  over: Partial<Extract<PageCommit['delta'], { kind: 'gmail' }>>,
): PageCommit['delta'] => ({
  kind: 'gmail',
  messages: [],
  labelChanges: [],
  deleted: [],
  labels: null,
  ...over,
});
const CURSOR = { phase: 'incremental', after: '77' };
const commitOf = (delta: PageCommit['delta'], over: Partial<PageCommit> = {}): PageCommit => ({
  cursor: CURSOR,
  phase: 'incremental',
  generation: 1,
  delta,
  ...over,
});
const numbered = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));
const poisoned = (id: string): MessageRow => message(id, { snippet: 'poison' });

async function lease(kind = 'gmail'): Promise<Lease> {
  await sql('UPDATE syncline.collections SET lease_until = NULL');
  return claim(fixture, fixture.accountId, kind);
}
const quarantined = (): Promise<{ itemId: string; reason: string }[]> =>
  sql('SELECT item_id AS "itemId", reason FROM syncline.quarantined_items ORDER BY item_id');
const cursorOf = async ({ collectionId }: Lease): Promise<unknown> =>
  (
    await sql<{ cursor: unknown }>(
      `SELECT cursor FROM syncline.collections WHERE id = '${collectionId}'`,
    )
  )[0]?.cursor;
const idsIn = async (table: string): Promise<string[]> =>
  (await sql<{ id: string }>(`SELECT id FROM syncline.${table} ORDER BY id`)).map(({ id }) => id);
async function expectGaplessFeed(changes: number): Promise<void> {
  const events = await fixture.store.feed.changes(fixture.accountId, 0n, 100_000);
  expect(events.map(({ seq }) => seq)).toEqual(numbered(events.length, (n) => BigInt(n + 1)));
  expect(events.filter(isOfRow)).toHaveLength(changes);
}

test('stores every row of a page but the one that Postgres refuses, which is quarantined with a reason', async () => {
  const held = await lease();
  const rows = numbered(40, (n) => message(`m${n}`));
  rows[13] = poisoned('m13');
  const committed = await fixture.store.leases.commitPage(
    held,
    commitOf(gmail({ messages: rows }), { items: { taken: ['m13'] } }),
  );
  expect(committed).toMatchObject({ created: 39 });
  expect(await idsIn('gmail_messages')).toHaveLength(39);
  expect(await sql('SELECT 1 FROM syncline.gmail_bodies')).toHaveLength(39);
  expect(await sql('SELECT 1 FROM syncline.gmail_threads')).toHaveLength(39);
  expect(await quarantined()).toEqual([
    {
      itemId: 'm13',
      reason:
        'Postgres refuses it (SQLSTATE 23514: a check constraint is violated; gmail_messages, constraint no_poison)',
    },
  ]);
  expect(await cursorOf(held)).toEqual(CURSOR);
  await expectGaplessFeed(39);
  expect(await fixture.store.quarantine.retry(fixture.accountId, ['m13'])).toBe(1);
});

test.each([
  ['a message with two attachments of one key', { attachments: twins() }, '21000'],
  ['a text with NUL', { subject: 'a\0b', text: 'a\0b' }, null],
  ['a document with NUL', { resource: '{"a":"\\u0000"}' }, null],
  ['a document that is none', { resource: 'not json' }, '22P02'],
  ['a document that is nested too deeply', { resource: nested(50_000) }, '54001'],
  ['a number out of range', { sizeEstimate: 2 ** 40, historyId: 2n ** 64n }, null],
] as const)('isolates %s', async (_, over, code) => {
  const held = await lease();
  await fixture.store.leases.commitPage(
    held,
    commitOf(
      gmail({
        messages: [message('a'), message('b', over as Partial<MessageRow>), message('c')],
      }),
    ),
  );
  expect(await idsIn('gmail_messages')).toEqual(code === null ? ['a', 'b', 'c'] : ['a', 'c']);
  expect((await quarantined()).map(({ reason }) => /SQLSTATE (\w+)/.exec(reason)?.[1])).toEqual(
    code === null ? [] : [code],
  );
  expect(await cursorOf(held)).toEqual(CURSOR);
  await expectGaplessFeed(code === null ? 3 : 2);
});

function twins(): MessageRow['attachments'] {
  return ['one', 'two'].map((filename) => ({
    partId: '1',
    filename,
    mimeType: 'text/plain',
    size: 1,
  }));
}
function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels);
}

test('isolates a body that is too long for a search index of the operator', async () => {
  await sql(
    "CREATE INDEX search ON syncline.gmail_bodies USING gin (to_tsvector('simple'::regconfig, text_plain))",
  );
  const words = numbered(200_000, (n) => `word${n}`).join(' ');
  await fixture.store.leases.commitPage(
    await lease(),
    commitOf(gmail({ messages: [message('a'), message('long', { text: words })] })),
  );
  await sql('DROP INDEX syncline.search');
  expect(await idsIn('gmail_messages')).toEqual(['a']);
  expect((await quarantined())[0]?.reason).toContain('SQLSTATE 54000');
});

test('isolates what a constraint refuses that is checked at the end of the transaction', async () => {
  await sql(
    'ALTER TABLE syncline.gmail_messages ADD CONSTRAINT one_subject UNIQUE (subject) DEFERRABLE INITIALLY DEFERRED',
  );
  await fixture.store.leases.commitPage(
    await lease(),
    commitOf(gmail({ messages: ['a', 'b'].map((id) => message(id, { subject: 'same' })) })),
  );
  await sql('ALTER TABLE syncline.gmail_messages DROP CONSTRAINT one_subject');
  expect(await idsIn('gmail_messages')).toEqual(['a']);
  expect((await quarantined())[0]).toMatchObject({
    itemId: 'b',
    reason: expect.stringContaining('SQLSTATE 23505'),
  });
});

test('fails a page of which more than a tenth is refused, and stores nothing of it', async () => {
  const held = await lease();
  const before = await cursorOf(held);
  const rows = numbered(40, (n) => (n % 8 === 0 ? poisoned(`m${n}`) : message(`m${n}`)));
  await expect(
    fixture.store.leases.commitPage(held, commitOf(gmail({ messages: rows }))),
  ).rejects.toBeInstanceOf(PageRefused);
  expect(await idsIn('gmail_messages')).toEqual([]);
  expect(await quarantined()).toEqual([]);
  expect(await cursorOf(held)).toEqual(before);
  await expectGaplessFeed(0);
});

test('stores a page of which a tenth is refused, up to twenty rows', async () => {
  const events = (count: number, bad: number): EventRow[] =>
    numbered(count, (n) => event(`e${n}`, n < bad ? { summary: 'poison' } : {}));
  const held = await openCalendar();
  const page = (count: number, bad: number): PageCommit =>
    commitOf({ kind: 'calendar-events', events: events(count, bad), deleted: [] });
  await fixture.store.leases.commitPage(held, page(300, 20));
  expect(await idsIn('calendar_events')).toHaveLength(280);
  expect(await quarantined()).toHaveLength(20);
  await expect(fixture.store.leases.commitPage(held, page(300, 21))).rejects.toBeInstanceOf(
    PageRefused,
  );
});

async function openCalendar(): Promise<Lease> {
  const list = await lease('calendar-list');
  await fixture.store.leases.commitPage(
    list,
    commitOf({
      kind: 'calendar-list',
      calendars: [
        {
          id: 'team',
          summary: null,
          timeZone: null,
          accessRole: null,
          isPrimary: false,
          resource: '{}',
        },
      ],
      removed: [],
    }),
  );
  await sql('DELETE FROM syncline.changes');
  await sql('UPDATE syncline.accounts SET feed_seq = 0');
  return lease('calendar-events');
}

test('isolates a label, a calendar, a label change and a row that a resync gives other labels', async () => {
  const mail = await lease();
  const label = (id: string, name: string): object => ({ id, name, type: 'user', resource: '{}' });
  await fixture.store.leases.commitPage(
    mail,
    commitOf(
      gmail({
        messages: [message('a'), message('b')],
        labels: [label('L1', 'good'), label('L2', 'good too'), label('L3', 'third')] as never,
      }),
    ),
  );
  await fixture.store.leases.commitPage(
    mail,
    commitOf(
      gmail({
        labels: [label('L1', 'better'), label('L2', 'poison')] as never,
        labelChanges: [
          { id: 'a', add: ['POISON'], remove: [], historyId: 11n },
          { id: 'b', add: ['STARRED'], remove: [], historyId: 11n },
        ],
      }),
    ),
  );
  expect(await sql('SELECT id, name FROM syncline.gmail_labels ORDER BY id')).toEqual([
    { id: 'L1', name: 'better' },
    { id: 'L2', name: 'good too' },
  ]);
  expect(await sql('SELECT id, label_ids FROM syncline.gmail_messages ORDER BY id')).toEqual([
    { id: 'a', label_ids: ['INBOX'] },
    { id: 'b', label_ids: ['INBOX', 'STARRED'] },
  ]);
  expect((await quarantined()).map(({ itemId }) => itemId)).toEqual(['a', 'label:L2']);

  await sql('DELETE FROM syncline.quarantined_items');
  await relabelBoth(mail);
  expect(await sql('SELECT id, label_ids FROM syncline.gmail_messages ORDER BY id')).toEqual([
    { id: 'a', label_ids: ['GREEN'] },
    { id: 'b', label_ids: ['INBOX', 'STARRED'] },
  ]);
  expect((await quarantined()).map(({ itemId }) => itemId)).toEqual(['b']);
});

async function relabelBoth(mail: Lease): Promise<void> {
  const none: PageCommit['delta'] = { kind: 'none' };
  await fixture.store.leases.commitPage(
    mail,
    commitOf(none, {
      items: { listed: ['a', 'b'].map((id, n) => ({ id, ordinal: BigInt(n), pending: false })) },
    }),
  );
  for (const [labelId, id] of [
    ['GREEN', 'a'],
    ['POISON', 'b'],
    ['INBOX', 'c'],
    ['STARRED', 'c'],
  ] as const)
    await fixture.store.leases.commitPage(
      mail,
      commitOf(none, { items: { labelled: { labelId, ids: [id], isComplete: true } } }),
    );
  await fixture.store.leases.commitPage(
    mail,
    commitOf(none, { items: { relabel: { after: '', upTo: 'b', excluded: [] } } }),
  );
}

test('isolates a calendar of the list, and opens no collection for it', async () => {
  const calendar = (id: string, summary: string): object => ({
    id,
    summary,
    timeZone: null,
    accessRole: null,
    isPrimary: false,
    resource: '{}',
  });
  await fixture.store.leases.commitPage(
    await lease('calendar-list'),
    commitOf({
      kind: 'calendar-list',
      calendars: [calendar('c1', 'good'), calendar('c2', 'poison')] as never,
      removed: [],
    }),
  );
  expect(await idsIn('calendars')).toEqual(['c1']);
  expect(
    await sql("SELECT external_id FROM syncline.collections WHERE external_id IN ('c1', 'c2')"),
  ).toEqual([{ external_id: 'c1' }]);
  expect((await quarantined()).map(({ itemId }) => itemId)).toEqual(['c2']);
});

test('quarantines an item whose id cannot be stored under a digest, without asking Postgres', async () => {
  const held = await lease();
  const ids = ['a\0b', 'half \ud800', 'x'.repeat(1_281)];
  const rows = [...ids.map((id) => message(id)), message('good')];
  await fixture.store.leases.commitPage(
    held,
    commitOf(gmail({ messages: rows, deleted: ['gone\0'] }), {
      items: {
        listed: ids.map((id, n) => ({ id, ordinal: BigInt(n), pending: true })),
        taken: [...ids],
        quarantined: [{ id: 'a\0b', reason: 'it says \0', cause: 'unstorable-id' }],
      },
    }),
  );
  expect(await idsIn('gmail_messages')).toEqual(['good']);
  const entries = await quarantined();
  expect(entries).toHaveLength(3);
  for (const { itemId, reason } of entries) {
    expect(itemId).toMatch(/^unstorable-[0-9a-f]{64}$/);
    expect(reason).toMatch(/cannot be stored: .*digest of that id/);
  }
  expect(await fixture.store.quarantine.retry(fixture.accountId, null)).toBe(0);
  expect(await cursorOf(held)).toEqual(CURSOR);
});

test('a thread id, a label id or a series id that cannot be stored quarantines its item by name', async () => {
  const held = await lease();
  await fixture.store.leases.commitPage(
    held,
    commitOf(
      gmail({
        messages: [
          message('m1', { threadId: 't\0' }),
          message('m2', { labelIds: ['\ud800'] }),
          message('m3'),
        ],
        labelChanges: [{ id: 'm3', add: ['\0'], remove: ['\0'], historyId: 1n }],
      }),
    ),
  );
  await fixture.store.leases.commitPage(
    await openCalendar(),
    commitOf({
      kind: 'calendar-events',
      events: [event('e1', { recurringEventId: 's\0' }), event('e2')],
      deleted: ['\0'],
    }),
  );
  expect(await idsIn('gmail_messages')).toEqual(['m3']);
  expect(await idsIn('calendar_events')).toEqual(['e2']);
  expect((await quarantined()).map(({ itemId }) => itemId)).toEqual(['e1', 'm1', 'm2', 'm3']);
});

test('a lost lease or a cursor that cannot be stored fails the page without isolation', async () => {
  const zombie = await lease();
  await lease();
  const rows = { messages: [poisoned('p'), message('q')] };
  await expect(
    fixture.store.leases.commitPage(zombie, commitOf(gmail(rows))),
  ).rejects.toBeInstanceOf(LeaseLost);
  const cursor = { phase: 'incremental', after: '1', listing: { pageToken: '\0', until: '1' } };
  await expect(
    fixture.store.leases.commitPage(await lease(), commitOf(gmail(rows), { cursor })),
  ).rejects.toMatchObject({ code: '22P05' });
  expect(await idsIn('gmail_messages')).toEqual([]);
  expect(await quarantined()).toEqual([]);
});
