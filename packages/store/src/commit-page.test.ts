import fc from 'fast-check';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { isOfRow, rowChanges } from '../../../test/support/row-changes.js';
import { LeaseLost, type Lease, type MessageRow, type PageCommit } from './index.js';

let fixture: StoreFixture;
beforeAll(async () => {
  fixture = await storeFixture();
});
afterAll(() => fixture.close());

const message = (id: string, over: Partial<MessageRow> = {}): MessageRow => ({
  id,
  threadId: `t-${id}`,
  historyId: 10n,
  labelIds: ['INBOX', 'UNREAD'],
  internalDateMs: 1_700_000_000_123,
  sizeEstimate: 100,
  snippet: 'hello',
  subject: 'Subject "quoted" \\ back',
  from: 'a@example.com',
  to: null,
  cc: null,
  date: null,
  messageId: null,
  addresses: '{"from":[{"name":null,"address":"a@example.com"}]}',
  resource: '{"payload":{"partId":""}}',
  text: 'body',
  html: null,
  source: null,
  attachments: [],
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
const commitOf = (delta: PageCommit['delta'], over: Partial<PageCommit> = {}): PageCommit => ({
  cursor: { phase: 'incremental', after: '10' },
  phase: 'incremental',
  generation: 1,
  delta,
  ...over,
});
const rowsOf = async (table: string): Promise<number> =>
  Number(
    (
      await fixture.database.pool.query(
        `SELECT count(*) FROM syncline.${table} WHERE account_id = $1`,
        [fixture.accountId],
      )
    ).rows[0].count,
  );
const feed = (): Promise<{ seq: bigint; op: string; id: string }[]> =>
  rowChanges(fixture.store, fixture.accountId, 0n, 100_000);

/** Returns a new lease each time, because expired leases are free. */
async function lease(): Promise<Lease> {
  await fixture.database.pool.query(
    'UPDATE syncline.collections SET lease_until = NULL WHERE account_id = $1',
    [fixture.accountId],
  );
  return claim(fixture, fixture.accountId, 'gmail');
}

test('a page stores rows, feed and cursor together', async () => {
  const held = await lease();
  const committed = await fixture.store.leases.commitPage(
    held,
    commitOf(
      gmail({
        messages: [
          message('m1', {
            attachments: [{ partId: '1', filename: 'a.pdf', mimeType: 'application/pdf', size: 7 }],
          }),
        ],
      }),
    ),
  );
  expect(committed).toMatchObject({ created: 1, updated: 0, deleted: 0 });
  const stored = [];
  for await (const row of fixture.store.mirror.messages(fixture.accountId)) stored.push(row);
  expect(stored).toEqual([
    {
      id: 'm1',
      threadId: 't-m1',
      labelIds: ['INBOX', 'UNREAD'],
      internalDate: '1700000000123',
      sizeEstimate: 100,
      snippet: 'hello',
      subject: 'Subject "quoted" \\ back',
      from: 'a@example.com',
      to: null,
      cc: null,
      date: null,
      messageId: null,
      text: 'body',
      html: null,
      attachments: [{ partId: '1', filename: 'a.pdf', mimeType: 'application/pdf', size: 7 }],
    },
  ]);
  expect((await feed()).map((event) => [event.op, event.id])).toEqual([['created', 'm1']]);
  const cursor = await fixture.database.pool.query(
    'SELECT cursor, phase FROM syncline.collections WHERE id = $1',
    [held.collectionId],
  );
  expect(cursor.rows[0]).toEqual({
    cursor: { phase: 'incremental', after: '10' },
    phase: 'incremental',
  });
  expect(await rowsOf('gmail_threads')).toBe(1);
});

test('a page applied twice changes nothing the second time', async () => {
  const page = commitOf(
    gmail({
      messages: [message('m2'), message('m3', { text: null, html: '<p>x</p>' })],
      labelChanges: [{ id: 'm1', add: ['STARRED'], remove: ['UNREAD'], historyId: 12n }],
    }),
  );
  expect(await fixture.store.leases.commitPage(await lease(), page)).toMatchObject({
    created: 2,
    updated: 1,
  });
  const before = await feed();
  const versions = await fixture.database.pool.query(
    'SELECT id, xmin::text FROM syncline.gmail_messages ORDER BY id',
  );
  expect(await fixture.store.leases.commitPage(await lease(), page)).toMatchObject({
    created: 0,
    updated: 0,
    deleted: 0,
  });
  expect(await feed()).toEqual(before);
  expect(
    (
      await fixture.database.pool.query(
        'SELECT id, xmin::text FROM syncline.gmail_messages ORDER BY id',
      )
    ).rows,
  ).toEqual(versions.rows);
});

test('addresses come with their row; those that an earlier version did not have, or read otherwise, are put in when the message is written again, and are no change to it', async () => {
  const addresses = async (): Promise<unknown> =>
    (
      await fixture.database.pool.query(
        "SELECT addresses FROM syncline.gmail_messages WHERE account_id = $1 AND id = 'm2'",
        [fixture.accountId],
      )
    ).rows[0].addresses;
  const from = [{ name: null, address: 'a@example.com' }];
  expect(await addresses()).toEqual({ from });
  const before = await feed();
  for (const earlier of [null, '{"from":[]}']) {
    await fixture.database.pool.query(
      "UPDATE syncline.gmail_messages SET addresses = $1::jsonb WHERE id = 'm2'",
      [earlier],
    );
    expect(
      await fixture.store.leases.commitPage(
        await lease(),
        commitOf(gmail({ messages: [message('m2')] })),
      ),
    ).toMatchObject({ created: 0, updated: 0 });
    expect(await addresses()).toEqual({ from });
  }
  expect(await feed()).toEqual(before);
  expect(
    await fixture.store.leases.commitPage(
      await lease(),
      commitOf(
        gmail({ messages: [message('m2', { to: 'b@example.com', addresses: '{"to":[]}' })] }),
      ),
    ),
  ).toMatchObject({ updated: 1 });
  expect(await addresses()).toEqual({ to: [] });
});

test('a commit under an old epoch writes nothing', async () => {
  const zombie = await lease();
  const heir = await lease();
  const before = [await rowsOf('gmail_messages'), await feed()];
  await expect(
    fixture.store.leases.commitPage(
      zombie,
      commitOf(gmail({ messages: [message('zombie')], deleted: ['m1'] })),
    ),
  ).rejects.toBeInstanceOf(LeaseLost);
  await expect(fixture.store.leases.renew(zombie)).rejects.toBeInstanceOf(LeaseLost);
  await expect(
    fixture.store.leases.finish(zombie, { result: 'caught-up', nextInMs: 0, error: null }),
  ).rejects.toBeInstanceOf(LeaseLost);
  expect([await rowsOf('gmail_messages'), await feed()]).toEqual(before);
  await expect(fixture.store.leases.renew(heir)).resolves.toBeUndefined();
});

test('a page that fails half-way leaves neither rows nor cursor nor feed', async () => {
  const held = await lease();
  const before = [
    await rowsOf('gmail_messages'),
    await feed(),
    (
      await fixture.database.pool.query('SELECT cursor FROM syncline.collections WHERE id = $1', [
        held.collectionId,
      ])
    ).rows,
  ];
  const page = commitOf(
    gmail({
      messages: ['half-1', 'half-2'].map((id) => message(id, { resource: 'not json' })),
    }),
    { cursor: { phase: 'incremental', after: '99' } },
  );
  await expect(fixture.store.leases.commitPage(held, page)).rejects.toThrow(/2 of 2 rows .* 22P02/);
  expect([
    await rowsOf('gmail_messages'),
    await feed(),
    (
      await fixture.database.pool.query('SELECT cursor FROM syncline.collections WHERE id = $1', [
        held.collectionId,
      ])
    ).rows,
  ]).toEqual(before);
});

test('deletion takes bodies, attachments and the empty thread along', async () => {
  expect(
    await fixture.store.leases.commitPage(
      await lease(),
      commitOf(gmail({ deleted: ['m1', 'm2', 'm3', 'never-seen'] })),
    ),
  ).toMatchObject({ deleted: 3 });
  expect([
    await rowsOf('gmail_messages'),
    await rowsOf('gmail_bodies'),
    await rowsOf('gmail_attachments'),
    await rowsOf('gmail_threads'),
  ]).toEqual([0, 0, 0, 0]);
});

test('a sweep removes what the full sync did not meet, in bounded commits', async () => {
  await fixture.store.leases.commitPage(
    await lease(),
    commitOf(gmail({ messages: ['s1', 's2', 's3', 's4'].map((id) => message(id)) })),
  );
  await fixture.store.leases.commitPage(
    await lease(),
    commitOf(
      { kind: 'none' },
      { generation: 2, items: { listed: [{ id: 's2', ordinal: 1n, pending: false }] } },
    ),
  );
  const first = await fixture.store.leases.commitPage(
    await lease(),
    commitOf({ kind: 'none' }, { generation: 2, items: { sweepLimit: 2 } }),
  );
  const second = await fixture.store.leases.commitPage(
    await lease(),
    commitOf({ kind: 'none' }, { generation: 2, items: { sweepLimit: 2 } }),
  );
  expect([first.swept, second.swept]).toEqual([2, 1]);
  expect(
    (await fixture.database.pool.query('SELECT id FROM syncline.gmail_messages')).rows,
  ).toEqual([{ id: 's2' }]);
});

test('NUL bytes, lone surrogates and every other text survive as documented', async () => {
  const { cleanJson, cleanText } = await import('./clean-text.js');
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 30 }), async (text) => {
      const row = message('odd', {
        subject: cleanText(text),
        text: cleanText(text),
        resource: cleanJson({ text }),
        labelIds: [cleanText(text)],
      });
      await fixture.store.leases.commitPage(await lease(), commitOf(gmail({ messages: [row] })));
      const stored = await fixture.database.pool.query(
        'SELECT m.subject, m.label_ids, m.resource, b.text_plain FROM syncline.gmail_messages m JOIN syncline.gmail_bodies b ON b.message_id = m.id WHERE m.id = $1',
        ['odd'],
      );
      expect(stored.rows[0]).toEqual({
        subject: cleanText(text),
        label_ids: [cleanText(text)],
        resource: { text: cleanText(text) },
        text_plain: cleanText(text),
      });
    }),
    { numRuns: 60, examples: [['\0a\0'], ['\ud800x'], ['"\\{},NULL'], ['\\u0000']] },
  );
});

test('the feed is gapless in commit order and folds to the live rows, whatever is committed at once', async () => {
  const ids = ['f1', 'f2', 'f3', 'f4', 'f5', 'f6'];
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          store: fc.subarray(ids),
          remove: fc.subarray(ids),
          label: fc.constantFrom('A', 'B'),
        }),
        { minLength: 1, maxLength: 6 },
      ),
      async (pages) => {
        const mail = await lease();
        const list = await claimList();
        const calendarPage = (n: number): PageCommit =>
          commitOf({
            kind: 'calendar-list',
            calendars: [
              {
                id: `c${n % 3}`,
                summary: `v${n}`,
                timeZone: null,
                accessRole: null,
                isPrimary: false,
                resource: `{"v":${n}}`,
              },
            ],
            removed: [`c${(n + 1) % 3}`],
          });
        await Promise.all([
          (async () => {
            for (const page of pages)
              await fixture.store.leases.commitPage(
                mail,
                commitOf(
                  gmail({
                    messages: page.store.map((id) => message(id, { labelIds: [page.label] })),
                    deleted: page.remove,
                  }),
                ),
              );
          })(),
          (async () => {
            for (let n = 0; n < pages.length; n++)
              await fixture.store.leases.commitPage(list, calendarPage(n));
          })(),
        ]);
        await assertFeedFolds();
      },
    ),
    { numRuns: 15 },
  );
});

async function claimList(): Promise<Lease> {
  await fixture.database.pool.query(
    "UPDATE syncline.collections SET lease_until = NULL WHERE account_id = $1 AND kind = 'calendar-list'",
    [fixture.accountId],
  );
  return claim(fixture, fixture.accountId, 'calendar-list');
}

async function assertFeedFolds(): Promise<void> {
  const events = await fixture.store.feed.changes(fixture.accountId, 0n, 100_000);
  expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => BigInt(i + 1)));
  const live = new Set<string>();
  for (const event of events.filter(isOfRow)) {
    const key = `${event.entity}/${event.id}`;
    expect(live.has(key)).toBe(event.op !== 'created');
    if (event.op === 'deleted') live.delete(key);
    else live.add(key);
  }
  const rows = await fixture.database.pool.query<{ key: string }>(
    "SELECT 'message/' || id AS key FROM syncline.gmail_messages UNION ALL SELECT 'calendar/' || id FROM syncline.calendars UNION ALL SELECT 'label/' || id FROM syncline.gmail_labels",
  );
  expect([...live].sort()).toEqual(rows.rows.map((row) => row.key).sort());
}

test('a source is written with its row, is reported when it alone changes, and goes when the policy or the message does', async () => {
  const bytes = Buffer.from([0, 92, 39, 255, 13, 10]);
  const store = async (source: Buffer | null): Promise<unknown> => {
    const { created, updated } = await fixture.store.leases.commitPage(
      await lease(),
      commitOf(
        gmail({ messages: [message('source-1', { source }), message('source-2', { source })] }),
      ),
    );
    return [
      created,
      updated,
      await fixture.store.mirror.source(fixture.accountId, 'source-1'),
      (
        await fixture.store.mirror.withSource(fixture.accountId, [
          'source-1',
          'source-2',
          'source-3',
        ])
      ).size,
    ];
  };
  expect(await store(bytes)).toEqual([2, 0, bytes, 2]);
  expect(await store(bytes)).toEqual([0, 0, bytes, 2]);
  expect(await store(null)).toEqual([0, 2, null, 0]);
  expect(await store(bytes)).toEqual([0, 2, bytes, 2]);
  await fixture.store.leases.commitPage(
    await lease(),
    commitOf(gmail({ deleted: ['source-1', 'source-2'] })),
  );
  expect(await rowsOf('gmail_sources')).toBe(0);
});
