import { startWorld, type World } from '../support/world.js';
import { NO_DRIFT } from '../support/drift.js';
import { verifyAccount } from '@syncline/sync';
import type { SimulatorOptions } from '@syncline/simulator';

/*
 * What a mail says, whichever way Google hands its text out: in the charset that it declares or
 * recoded to UTF-8, in the answer or apart. And nothing that it brings is in no field.
 */

const EMAIL = 'user1@demo.example';

let world: World;
afterEach(() => world.close());

async function begin(options: SimulatorOptions): Promise<void> {
  world = await startWorld({
    seed: 91,
    accounts: 1,
    messagesPerAccount: 20,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
    ...options,
  });
}

/** @returns the message's id */
function deliver(...chunks: (string | Buffer)[]): string {
  const raw = Buffer.concat(chunks.map((chunk) => Buffer.from(chunk)));
  const order = { action: 'deliver' as const, rawBase64: raw.toString('base64') };
  const { messageId } = world.simulator.act(EMAIL, order) as { messageId: string };
  return messageId;
}

async function mirrored(ids: readonly string[]): Promise<Map<string, Record<string, unknown>>> {
  const [account] = await world.store.accounts.list();
  const found = new Map<string, Record<string, unknown>>();
  for await (const message of world.store.mirror.messages(account!.id, ids))
    found.set(message.id, { ...message });
  return found;
}

const verified = async (): Promise<unknown> =>
  verifyAccount(world.rt, world, (await world.store.accounts.list())[0]!.id, 'gmail');
const CLEAN = { missing: [], extra: [], stale: [] };

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** Charset, bytes in it, text. */
const BODIES: readonly [charset: string, bytes: Buffer, text: string][] = [
  ['gbk', hex('c4fa b5c4 d5cb bba7'), '您的账户'],
  ['iso-8859-1', hex('63 61 66 e9'), 'café'],
  ['koi8-r', hex('f0d2 c9d7 c5d4'), 'Привет'],
  ['iso-2022-jp', hex('1b2442 467c 4b5c 386c 1b2842'), '日本語'],
  ['utf-16', hex('fffe a860 8476 268d 3762'), '您的账户'],
  ['big5', hex('c577 aaef'), '歡迎'],
  ['euc-kr', hex('b0a1 8141'), '가갂'],
  ['shift_jis', hex('93fa 967b'), '日本'],
  ['ANSI_X3.4-1968', hex('47 72 c3 bc 6e'), 'Grün'],
  ['csASCII', hex('47 72 c3 bc 6e'), 'Grün'],
  ['latin-1', hex('93 47 72 fc 6e 94'), '“Grün”'],
  ['base64', hex('53 47 56 73 62 47 38 3d'), 'SGVsbG8='],
  ['unknown-8bit', hex('47 72 fc 6e'), 'Grün'],
];

test.each(['declared', 'utf-8'] as const)(
  'bodies are decoded for any declared charset when Google gives the %s one',
  async (bodyCharset) => {
    await begin({ bodyCharset });
    const expected = new Map<string, string>();
    for (const [charset, bytes, text] of BODIES)
      expected.set(
        deliver(`Subject: x\r\nContent-Type: text/plain; charset=${charset}\r\n\r\n`, bytes),
        text,
      );
    await world.catchUp();
    const rows = await mirrored([...expected.keys()]);
    expect(new Map([...rows].map(([id, { text }]) => [id, text]))).toEqual(expected);
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  },
);

test('headers are decoded by the rules of bodies', async () => {
  await begin({});
  const subjects = new Map<string, string>();
  for (const [subject, text] of [
    ['=?iso-8859-1?Q?Frösche?=', 'Frösche'],
    ['=?us-ascii?Q?=C3=B6?=', 'ö'],
    ['=?unknown-8bit?Q?=F6?=', 'ö'],
    ['=?ANSI_X3.4-1968?Q?Gr=C3=BCn?=', 'Grün'],
    ['=?gbk?B?xOM=?= =?gbk?B?ug==?= =?gbk?B?ww==?=', '你好'],
  ] as const)
    subjects.set(deliver(`Subject: ${subject}\r\n\r\nx`), text);
  await world.catchUp();
  const rows = await mirrored([...subjects.keys()]);
  expect(new Map([...rows].map(([id, { subject }]) => [id, subject]))).toEqual(subjects);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

const INVITATION = 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n';

test('no inline part of a mail is lost', async () => {
  await begin({});
  const parts = [
    ['text/plain', 'Hello'],
    ['text/calendar; method=REQUEST; charset=utf-8', INVITATION],
    ['text/csv', 'a,b'],
    ['text/enriched', '<bold>x</bold>'],
    ['message/rfc822', 'Subject: inner\r\nContent-Type: text/plain\r\n\r\nInner text'],
  ];
  const id = deliver(
    'Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n',
    ...parts.map(([type, text]) => `--b\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`),
    '--b--\r\n',
  );
  await world.catchUp();
  const row = (await mirrored([id])).get(id);
  expect([row?.['text'], row?.['attachments']]).toEqual([
    'Hello',
    [
      { partId: '1', filename: '', mimeType: 'text/calendar', size: INVITATION.length },
      { partId: '2', filename: '', mimeType: 'text/csv', size: 3 },
      { partId: '3', filename: '', mimeType: 'text/enriched', size: 14 },
      { partId: '4.0', filename: '', mimeType: 'text/plain', size: 10 },
    ],
  ]);
  const account = world.google.account((await world.store.accounts.list())[0]!.id, {
    lane: 'live',
    signal: new AbortController().signal,
    maxQuotaWaitMs: 1_000,
  });
  const bytes = await Promise.all(
    ['1', '4.0'].map(async (part) => (await account.gmail.attachment(id, part))?.data.toString()),
  );
  expect(bytes).toEqual([INVITATION, 'Inner text']);
  expect(await world.drift()).toMatchObject(NO_DRIFT);
});

/** A mail of plain text and html, of which Google returns the text separately. */
const large = (text: string): string[] => [
  'Subject: large\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n',
  `--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n${text}\r\n`,
  '--b\r\nContent-Type: text/html\r\n\r\n<p>short</p>\r\n--b--\r\n',
];

async function spentOnBodies(): Promise<{ calls: number; units: number } | undefined> {
  return (await world.control.ledger()).methods['messages.attachments.get'];
}

test('bodies that Google delivers separately are fetched by full and incremental syncs, and charged', async () => {
  await begin({ messagesPerAccount: 0, inlineBodyBytes: 1_000 });
  const long = 'ü'.repeat(2_000);
  const before = deliver(...large(long));
  await world.catchUp();
  const after = deliver(...large(`${long}!`));
  await world.catchUp();
  const rows = await mirrored([before, after]);
  expect(
    [...rows.values()].map(({ text, html, attachments }) => [text, html, attachments]),
  ).toEqual(
    [before, after].sort().map((id) => [id === before ? long : `${long}!`, '<p>short</p>', []]),
  );
  expect(await spentOnBodies()).toMatchObject({ calls: 2, units: 40 });
  const spent = (await world.store.quota.today()).find(({ method }) =>
    method.endsWith('attachments.get'),
  );
  expect(spent).toMatchObject({ units: 40 });
  expect(await world.drift()).toMatchObject(NO_DRIFT);
  expect(await verified()).toMatchObject(CLEAN);
});

test.each(['404', '403-domain-policy'] as const)(
  'a body that is refused with %s is listed as an attachment, and its mail and the mailbox are mirrored',
  async (kind) => {
    await begin({ messagesPerAccount: 5, inlineBodyBytes: 4_000 });
    const id = deliver(...large('x'.repeat(5_000)));
    await world.control.fault({ kind, method: 'messages.attachments.get' });
    await world.catchUp();
    const [account] = await world.store.accounts.list();
    expect(account).toMatchObject({ state: 'active' });
    expect((await mirrored([id])).get(id)).toMatchObject({
      text: null,
      html: '<p>short</p>',
      attachments: [{ partId: '0', filename: '', mimeType: 'text/plain', size: 5_000 }],
    });
    expect(await verified()).toMatchObject({ checked: 6, ...CLEAN });
  },
);

test('a body that is temporarily unavailable is requested again', async () => {
  await begin({ messagesPerAccount: 0, inlineBodyBytes: 1_000 });
  const id = deliver(...large('x'.repeat(5_000)));
  await world.control.fault({
    kind: '503',
    method: 'messages.attachments.get',
    count: 4,
  });
  await world.catchUp();
  expect((await mirrored([id])).get(id)).toMatchObject({
    text: 'x'.repeat(5_000),
    attachments: [],
  });
  expect(
    (await world.database.pool.query('SELECT * FROM syncline.quarantined_items')).rows,
  ).toEqual([]);
});

test('a body of more than eight megabytes stays an attachment', async () => {
  await begin({ messagesPerAccount: 0, inlineBodyBytes: 1_000 });
  const id = deliver(...large('x'.repeat(8 * 1024 * 1024 + 1)));
  await world.catchUp();
  expect((await mirrored([id])).get(id)).toMatchObject({ text: null, html: '<p>short</p>' });
  expect((await spentOnBodies())?.calls ?? 0).toBe(0);
});

test('bodies that the policy leaves out are not fetched', async () => {
  await begin({ messagesPerAccount: 0, inlineBodyBytes: 1_000 });
  world.mirror = { bodies: 'none' };
  deliver(...large('x'.repeat(5_000)));
  await world.catchUp();
  expect((await spentOnBodies())?.calls ?? 0).toBe(0);
});
