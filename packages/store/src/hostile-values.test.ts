import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { claim, storeFixture, type StoreFixture } from '../../../test/support/database.js';
import { isOfRow } from '../../../test/support/row-changes.js';
import {
  storable,
  type CalendarRow,
  type ContactGroupRow,
  type ContactRow,
  type EventRow,
  type LabelRow,
  type Lease,
  type MessageRow,
  type OtherContactRow,
  type PageCommit,
} from './index.js';

/*
 * Writes hostile values to every column of every mirror table, through a commit in a real Postgres.
 * The columns are read from the database: a column that no row below writes fails the first test.
 */

let fixture: StoreFixture;
let calendar: Lease;
beforeAll(async () => {
  fixture = await storeFixture(['gmail', 'calendar', 'contacts']);
  await commit(await lease('calendar-list'), {
    kind: 'calendar-list',
    calendars: [CALENDAR],
    removed: [],
  });
  calendar = await lease('calendar-events');
  await fixture.database.pool.query(RESET);
});
afterAll(() => fixture.close());

const ATTACHMENT: MessageRow['attachments'][number] = {
  partId: '1',
  filename: 'a',
  mimeType: 'text/plain',
  size: 1,
};
const MESSAGE: MessageRow = {
  id: 'bad',
  threadId: 't',
  historyId: 10n,
  labelIds: ['INBOX'],
  internalDateMs: 1_700_000_000_123,
  sizeEstimate: 100,
  snippet: '',
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
  source: Buffer.from('source'),
  attachments: [ATTACHMENT],
};
const LABEL: LabelRow = { id: 'bad', name: 'n', type: 'user', resource: '{}' };
const CALENDAR: CalendarRow = {
  id: 'team',
  summary: null,
  timeZone: null,
  accessRole: null,
  isPrimary: false,
  resource: '{}',
};
const NO_TIME: EventRow['start'] = { date: null, atMs: null, zone: null };
const EVENT: EventRow = {
  id: 'bad',
  status: 'confirmed',
  icalUid: null,
  summary: null,
  recurringEventId: null,
  isRecurring: false,
  start: NO_TIME,
  end: NO_TIME,
  etag: null,
  resource: '{}',
};
const OTHER_CONTACT: OtherContactRow = {
  id: 'bad',
  displayName: null,
  emailAddresses: [],
  phoneNumbers: [],
  etag: null,
  resource: '{}',
};
const CONTACT: ContactRow = { ...OTHER_CONTACT, groupIds: [] };
const GROUP: ContactGroupRow = { id: 'bad', name: null, type: null, etag: null, resource: '{}' };

/**
 * Puts a value into the field that is stored in a column. `clean` applies the cleaning of the
 * parser to the row.
 */
type Put = (value: never, clean: boolean) => Row;
type Row =
  | { kind: 'message'; row: MessageRow }
  | { kind: 'label'; row: LabelRow }
  | { kind: 'calendar'; row: CalendarRow }
  | { kind: 'event'; row: EventRow }
  /** A cancelled occurrence whose series is not known yet. It is stored in a separate table. */
  | { kind: 'occurrence'; row: EventRow }
  | { kind: 'contact'; row: ContactRow }
  | { kind: 'other-contact'; row: OtherContactRow }
  | { kind: 'group'; row: ContactGroupRow };

const message =
  (field: keyof MessageRow): Put =>
  (value, clean) => {
    const row: MessageRow = { ...MESSAGE, [field]: value };
    return { kind: 'message', row: clean ? storable.message(row) : row };
  };
const attachment =
  (field: keyof MessageRow['attachments'][number]): Put =>
  (value, clean) => {
    const row: MessageRow = { ...MESSAGE, attachments: [{ ...ATTACHMENT, [field]: value }] };
    return { kind: 'message', row: clean ? storable.message(row) : row };
  };
const label =
  (field: keyof LabelRow): Put =>
  (value, clean) => {
    const row: LabelRow = { ...LABEL, [field]: value };
    return { kind: 'label', row: clean ? storable.label(row) : row };
  };
const entry =
  (field: keyof CalendarRow): Put =>
  (value, clean) => {
    const row: CalendarRow = { ...CALENDAR, id: 'bad', [field]: value };
    return { kind: 'calendar', row: clean ? storable.calendar(row) : row };
  };
const event =
  (field: keyof EventRow): Put =>
  (value, clean) => {
    // Only a document that differs is written.
    const row: EventRow = { ...EVENT, resource: `{"n":${serial++}}`, [field]: value };
    return { kind: 'event', row: clean ? storable.event(row) : row };
  };
const occurrence =
  (field: keyof EventRow): Put =>
  (value, clean) => {
    const orphan: EventRow = { ...EVENT, status: 'cancelled', recurringEventId: 'no-series' };
    const row: EventRow = { ...orphan, [field]: value };
    return { kind: 'occurrence', row: clean ? storable.event(row) : row };
  };
const occurrenceTime =
  (side: 'start' | 'end', field: keyof EventRow['start']): Put =>
  (value, clean) =>
    occurrence(side)({ ...NO_TIME, [field]: value } as never, clean);
const time =
  (side: 'start' | 'end', field: keyof EventRow['start']): Put =>
  (value, clean) =>
    event(side)({ ...NO_TIME, [field]: value } as never, clean);
let serial = 0;
const contact =
  (field: keyof ContactRow): Put =>
  (value, clean) => {
    const row: ContactRow = { ...CONTACT, [field]: value };
    return { kind: 'contact', row: clean ? storable.contact(row) : row };
  };
const otherContact =
  (field: keyof OtherContactRow): Put =>
  (value, clean) => {
    const row: OtherContactRow = { ...OTHER_CONTACT, [field]: value };
    return { kind: 'other-contact', row: clean ? storable.otherContact(row) : row };
  };
const group =
  (field: keyof ContactGroupRow): Put =>
  (value, clean) => {
    const row: ContactGroupRow = { ...GROUP, [field]: value };
    return { kind: 'group', row: clean ? storable.contactGroup(row) : row };
  };

type Type =
  'id' | 'text' | 'json' | 'number' | 'bigint' | 'date' | 'boolean' | 'bytes' | 'ids' | 'texts';
/** Marks a column that never contains text from Google. */
const OURS = 'ours';

const COLUMNS: Record<string, typeof OURS | [Type, Put]> = {
  'calendar_events.account_id': OURS,
  'calendar_events.calendar_id': OURS,
  'calendar_events.created_at': OURS,
  'calendar_events.updated_at': OURS,
  'calendar_events.id': ['id', event('id')],
  'calendar_events.status': ['text', event('status')],
  'calendar_events.ical_uid': ['text', event('icalUid')],
  'calendar_events.summary': ['text', event('summary')],
  'calendar_events.recurring_event_id': ['id', event('recurringEventId')],
  'calendar_events.is_recurring': ['boolean', event('isRecurring')],
  'calendar_events.start_date': ['date', time('start', 'date')],
  'calendar_events.start_at': ['number', time('start', 'atMs')],
  'calendar_events.start_zone': ['text', time('start', 'zone')],
  'calendar_events.end_date': ['date', time('end', 'date')],
  'calendar_events.end_at': ['number', time('end', 'atMs')],
  'calendar_events.end_zone': ['text', time('end', 'zone')],
  'calendar_events.etag': ['text', event('etag')],
  'calendar_events.resource': ['json', event('resource')],
  'calendars.account_id': OURS,
  'calendars.id': ['id', entry('id')],
  'calendars.summary': ['text', entry('summary')],
  'calendars.time_zone': ['text', entry('timeZone')],
  'calendars.access_role': ['text', entry('accessRole')],
  'calendars.is_primary': ['boolean', entry('isPrimary')],
  'calendars.resource': ['json', entry('resource')],
  'cancelled_occurrences.account_id': OURS,
  'cancelled_occurrences.calendar_id': OURS,
  'cancelled_occurrences.status': OURS,
  'cancelled_occurrences.id': ['id', occurrence('id')],
  'cancelled_occurrences.ical_uid': ['text', occurrence('icalUid')],
  'cancelled_occurrences.summary': ['text', occurrence('summary')],
  'cancelled_occurrences.recurring_event_id': ['id', occurrence('recurringEventId')],
  'cancelled_occurrences.is_recurring': ['boolean', occurrence('isRecurring')],
  'cancelled_occurrences.start_date': ['date', occurrenceTime('start', 'date')],
  'cancelled_occurrences.start_at': ['number', occurrenceTime('start', 'atMs')],
  'cancelled_occurrences.start_zone': ['text', occurrenceTime('start', 'zone')],
  'cancelled_occurrences.end_date': ['date', occurrenceTime('end', 'date')],
  'cancelled_occurrences.end_at': ['number', occurrenceTime('end', 'atMs')],
  'cancelled_occurrences.end_zone': ['text', occurrenceTime('end', 'zone')],
  'cancelled_occurrences.etag': ['text', occurrence('etag')],
  'cancelled_occurrences.resource': ['json', occurrence('resource')],
  'contact_groups.account_id': OURS,
  'contact_groups.created_at': OURS,
  'contact_groups.updated_at': OURS,
  'contact_groups.id': ['id', group('id')],
  'contact_groups.name': ['text', group('name')],
  'contact_groups.type': ['text', group('type')],
  'contact_groups.etag': ['text', group('etag')],
  'contact_groups.resource': ['json', group('resource')],
  'contacts.account_id': OURS,
  'contacts.created_at': OURS,
  'contacts.updated_at': OURS,
  'contacts.id': ['id', contact('id')],
  'contacts.display_name': ['text', contact('displayName')],
  'contacts.email_addresses': ['texts', contact('emailAddresses')],
  'contacts.phone_numbers': ['texts', contact('phoneNumbers')],
  'contacts.group_ids': ['texts', contact('groupIds')],
  'contacts.etag': ['text', contact('etag')],
  'contacts.resource': ['json', contact('resource')],
  'gmail_attachments.account_id': OURS,
  'gmail_attachments.message_id': ['id', message('id')],
  'gmail_attachments.part_id': ['id', attachment('partId')],
  'gmail_attachments.position': OURS,
  'gmail_attachments.filename': ['text', attachment('filename')],
  'gmail_attachments.mime_type': ['text', attachment('mimeType')],
  'gmail_attachments.size': ['number', attachment('size')],
  'gmail_bodies.account_id': OURS,
  'gmail_bodies.message_id': ['id', message('id')],
  'gmail_bodies.text_plain': ['text', message('text')],
  'gmail_bodies.text_html': ['text', message('html')],
  'gmail_labels.account_id': OURS,
  'gmail_labels.id': ['id', label('id')],
  'gmail_labels.name': ['text', label('name')],
  'gmail_labels.type': ['text', label('type')],
  'gmail_labels.resource': ['json', label('resource')],
  'gmail_messages.account_id': OURS,
  'gmail_messages.created_at': OURS,
  'gmail_messages.updated_at': OURS,
  'gmail_messages.id': ['id', message('id')],
  'gmail_messages.thread_id': ['id', message('threadId')],
  'gmail_messages.history_id': ['bigint', message('historyId')],
  'gmail_messages.label_ids': ['ids', message('labelIds')],
  'gmail_messages.internal_date': ['number', message('internalDateMs')],
  'gmail_messages.size_estimate': ['number', message('sizeEstimate')],
  'gmail_messages.snippet': ['text', message('snippet')],
  'gmail_messages.subject': ['text', message('subject')],
  'gmail_messages.from_header': ['text', message('from')],
  'gmail_messages.to_header': ['text', message('to')],
  'gmail_messages.cc_header': ['text', message('cc')],
  'gmail_messages.date_header': ['text', message('date')],
  'gmail_messages.message_id_header': ['text', message('messageId')],
  'gmail_messages.addresses': ['json', message('addresses')],
  'gmail_messages.resource': ['json', message('resource')],
  'gmail_sources.account_id': OURS,
  'gmail_sources.message_id': ['id', message('id')],
  'gmail_sources.source': ['bytes', message('source')],
  'gmail_threads.account_id': OURS,
  'gmail_threads.id': ['id', message('threadId')],
  'gmail_threads.message_count': OURS,
  'gmail_threads.first_message_at': ['number', message('internalDateMs')],
  'gmail_threads.last_message_at': ['number', message('internalDateMs')],
  'other_contacts.account_id': OURS,
  'other_contacts.created_at': OURS,
  'other_contacts.updated_at': OURS,
  'other_contacts.id': ['id', otherContact('id')],
  'other_contacts.display_name': ['text', otherContact('displayName')],
  'other_contacts.email_addresses': ['texts', otherContact('emailAddresses')],
  'other_contacts.phone_numbers': ['texts', otherContact('phoneNumbers')],
  'other_contacts.etag': ['text', otherContact('etag')],
  'other_contacts.resource': ['json', otherContact('resource')],
};
const MIRROR_TABLES = [...new Set(Object.keys(COLUMNS).map((column) => column.split('.')[0]))];

/**
 * Returns characters that do not compress, because Postgres compresses an index entry before it
 * checks its size.
 */
const noise = (length: number): string =>
  Array.from({ length }, (_, n) =>
    String.fromCodePoint(0x4e00 + ((n * 7_919 + n * n) % 20_000)),
  ).join('');
const TEXTS: string[] = [
  '',
  '\0',
  'a\0b',
  '\ud800',
  'half \udc00 pair',
  '\u{10ffff}',
  '"\\{},NULL\'',
  '\\u0000',
  noise(1_000),
  'x'.repeat(300_000),
];
const NUMBERS: unknown[] = [
  Number.NaN,
  Infinity,
  -Infinity,
  -0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  1e300,
  8.64e15,
  8.64e15 + 1,
  -2.2e14,
  null,
];
const VALUES: Record<Type, unknown[]> = {
  id: TEXTS.filter((text) => text !== ''),
  text: TEXTS,
  json: [
    '"\\u0000"',
    '{"a\\u0000":"\\ud800"}',
    '{"\\\\u0000":1}',
    '1e400000',
    `{"n":${'9'.repeat(140_000)}}`,
    '['.repeat(100_000),
    '['.repeat(100_000) + ']'.repeat(100_000),
    'not json',
    '',
  ],
  number: NUMBERS,
  bigint: [0n, 2n ** 63n, -(2n ** 63n) - 1n, 10n ** 400n],
  date: [
    '',
    'soon',
    '2026-02-30',
    '0000-01-01',
    '9999-12-31',
    '10000-01-01',
    '2026-1-1',
    '\0',
    null,
  ],
  boolean: [true, false, null, 'yes', 2],
  bytes: [null, Buffer.alloc(0), Buffer.from([0, 255, 92, 39])],
  texts: [[], TEXTS, ['a', 'a'], [7, null, {}]],
  ids: [[], ['\0'], ['\ud800', 'INBOX'], ['"\\{},NULL'], [noise(1_000)], ['a', 'a']],
};
/** Values of other types than Google documents. The parser may receive them, a commit does not. */
const CONFUSED: unknown[] = [7, true, null, {}, [], { toString: null }];

/**
 * Schema files with the engine's tables, apart from those that belong to no account. Text from
 * Google reaches them only as ids, positions and reasons.
 */
const ENGINE_SCHEMAS = ['account', 'collection', 'events', 'watch', 'feed', 'identity', 'main'];

function mirrorTablesOfSchema(): string[] {
  const schema = path.join(__dirname, '../../../prisma/schema');
  return readdirSync(schema)
    .filter((file) => !ENGINE_SCHEMAS.includes(path.basename(file, '.prisma')))
    .flatMap((file) => [
      ...readFileSync(path.join(schema, file), 'utf8').matchAll(/@@map\("(\w+)"\)/g),
    ])
    .map(([, table]) => table as string);
}

test('every column of every mirror table is reached by a row of this file', async () => {
  const found = await fixture.database.pool.query<{ column: string }>(
    `SELECT table_name || '.' || column_name AS column FROM information_schema.columns
      WHERE table_schema = 'syncline' AND table_name = ANY($1)
        AND table_name IN (SELECT table_name FROM information_schema.columns WHERE table_schema = 'syncline' AND column_name = 'account_id')`,
    [mirrorTablesOfSchema()],
  );
  expect(found.rows.map(({ column }) => column).sort()).toEqual(Object.keys(COLUMNS).sort());
});

const cases = Object.entries(COLUMNS).flatMap(([column, way]) =>
  way === OURS ? [] : [[column, ...way] as const],
);
/** Field types for which the parser turns any value into one that can be stored. */
const CLEANED = new Set<Type>(['text', 'texts', 'number', 'date', 'boolean', 'bytes']);
/** The parser makes lists and buffers of anything else. */
const MADE_BY_PARSER = new Set<Type>(['texts', 'bytes']);

test.each(cases)('%s: a hostile value costs its own row at most', async (_, type, put) => {
  for (const value of VALUES[type]) {
    await expectOthersStored(put(value as never, true), CLEANED.has(type) ? 'kept' : 'either');
    await expectOthersStored(put(value as never, false), 'either');
  }
  if (CLEANED.has(type) && !MADE_BY_PARSER.has(type))
    for (const value of CONFUSED) await expectOthersStored(put(value as never, true), 'kept');
});

let round = 0;
async function expectOthersStored(bad: Row, fate: 'kept' | 'either'): Promise<void> {
  round += 1;
  const isOccurrence = bad.kind === 'occurrence';
  const held = bad.kind === 'event' || isOccurrence ? calendar : await leaseOf(bad.kind);
  const cursor = { phase: 'incremental', after: String(round) };
  await fixture.database.pool.query(RESET);
  await commit(held, deltaWith(bad), cursor);
  const { pool } = fixture.database;
  const { id } = bad.row;
  const stored = await pool.query<{ kept: string; aside: string }>(
    `SELECT c.cursor, (SELECT count(*) FROM syncline.${TABLE_OF[isOccurrence ? 'event' : bad.kind]} WHERE id IN ('good-1', 'good-2')) AS good,
            (SELECT count(*) FROM syncline.${TABLE_OF[bad.kind]} WHERE id = $2) AS kept,
            (SELECT count(*) FROM syncline.quarantined_items WHERE collection_id = c.id) AS aside
       FROM syncline.collections c WHERE c.id = $1`,
    // The value must not be stored as a different id.
    [held.collectionId, id.includes('\0') || !id.isWellFormed() ? 'none' : id],
  );
  expect(stored.rows).toMatchObject([{ cursor, good: '2' }]);
  const { kept, aside } = stored.rows[0] as { kept: string; aside: string };
  const asKept = fate === 'kept' || kept === '1';
  expect([kept, aside]).toEqual(asKept ? ['1', '0'] : ['0', '1']);
  const feed = await fixture.store.feed.changes(fixture.accountId, 0n, 10);
  expect(feed.map(({ seq }) => Number(seq))).toEqual(feed.map((_, at) => at + 1));
  expect(feed.filter(isOfRow)).toHaveLength(asKept && !isOccurrence ? 3 : 2);
}

const RESET = [
  ...MIRROR_TABLES.map(
    (table) => `DELETE FROM syncline.${table}${table === 'calendars' ? " WHERE id <> 'team'" : ''}`,
  ),
  'DELETE FROM syncline.quarantined_items',
  'DELETE FROM syncline.changes',
  'UPDATE syncline.accounts SET feed_seq = 0',
].join(';');

const TABLE_OF: Record<Row['kind'], string> = {
  message: 'gmail_messages',
  label: 'gmail_labels',
  calendar: 'calendars',
  event: 'calendar_events',
  occurrence: 'cancelled_occurrences',
  contact: 'contacts',
  'other-contact': 'other_contacts',
  group: 'contact_groups',
};

function deltaWith(bad: Row): PageCommit['delta'] {
  const among = <R extends { id: string }>(good: R, row: R): R[] => [
    { ...good, id: 'good-1' },
    row,
    { ...good, id: 'good-2' },
  ];
  const gmail = {
    kind: 'gmail',
    messages: [],
    labelChanges: [],
    deleted: [],
    labels: null,
  } as const;
  switch (bad.kind) {
    case 'message':
      return { ...gmail, labelChanges: [], deleted: [], messages: among(MESSAGE, bad.row) };
    case 'label':
      return {
        ...gmail,
        messages: [],
        labelChanges: [],
        deleted: [],
        labels: among(LABEL, bad.row),
      };
    case 'calendar':
      return { kind: 'calendar-list', calendars: among(CALENDAR, bad.row), removed: [] };
    case 'event':
    case 'occurrence':
      return { kind: 'calendar-events', events: among(EVENT, bad.row), deleted: [] };
    case 'contact':
      return { kind: 'contacts-connections', rows: among(CONTACT, bad.row), deleted: [] };
    case 'other-contact':
      return { kind: 'contacts-other', rows: among(OTHER_CONTACT, bad.row), deleted: [] };
    case 'group':
      return { kind: 'contacts-groups', rows: among(GROUP, bad.row), deleted: [] };
  }
}

async function commit(
  held: Lease,
  delta: PageCommit['delta'],
  cursor: unknown = { phase: 'pending' },
): Promise<void> {
  const page: PageCommit = { cursor, phase: 'incremental', generation: 1, delta };
  await fixture.store.leases.commitPage(held, page);
}

const COLLECTION_OF: Record<Exclude<Row['kind'], 'event' | 'occurrence'>, string> = {
  message: 'gmail',
  label: 'gmail',
  calendar: 'calendar-list',
  contact: 'contacts-connections',
  'other-contact': 'contacts-other',
  group: 'contacts-groups',
};

const leases = new Map<string, Lease>();
async function leaseOf(kind: keyof typeof COLLECTION_OF): Promise<Lease> {
  const collection = COLLECTION_OF[kind];
  const held = leases.get(collection) ?? (await lease(collection));
  leases.set(collection, held);
  return held;
}

async function lease(kind: string): Promise<Lease> {
  await fixture.database.pool.query(
    'UPDATE syncline.collections SET lease_until = NULL WHERE kind = $1',
    [kind],
  );
  return claim(fixture, fixture.accountId, kind);
}
