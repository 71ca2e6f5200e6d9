/** Reads of a mailbox for clients of the API: pages of messages, threads and labels. */
import type { Clock } from '@syncline/runtime';
import type pg from 'pg';
import { inSnapshot, type Transaction } from '../../transaction.js';
import { pageFrom, readFrame, type CollectionsRead, type ReadPage } from '../snapshot.js';
import { messageColumns, type ExportedMessage } from './export.js';
import { withColumnValues, type Header } from './header-values.js';
import { FIRST_VALUE, scanMessages, type MessageKey, type MessageScan } from './message-scan.js';

/** What messages, threads and labels are read from. */
export const MAILBOX_READ: CollectionsRead = { kinds: ['gmail'] };

/** What is read of a message beside its metadata. */
interface MessageParts {
  text: boolean;
  html: boolean;
  /** Google's fields without a column. */
  resource: boolean;
}

interface MessageFilter {
  labelId: string | null;
  threadId: string | null;
  /** An address, or `@domain`; ASCII letters compare without case. */
  from: string | null;
  to: string | null;
  /** By internalDate. */
  fromMs: number | null;
  beforeMs: number | null;
}

/** A message as `export` gives it; what was not asked for is null. */
type ReadMessage = ExportedMessage & { resource: Record<string, unknown> | null };

interface ReadThread {
  id: string;
  messageCount: number;
  firstMessageAt: Date | null;
  lastMessageAt: Date | null;
}

interface ReadLabel {
  id: string;
  name: string;
  type: string;
  resource: Record<string, unknown>;
}

interface PageAsked<After> {
  after: After | null;
  limit: number;
}

/** Every list is null when the account does not exist. */
export interface MailReads {
  /** Newest first. A page may be short, or empty, before the end: its work is bounded. */
  messages(
    accountId: string,
    o: PageAsked<MessageKey> & { filter: MessageFilter; parts: MessageParts },
  ): Promise<ReadPage<ReadMessage> | null>;
  message(accountId: string, id: string, parts: MessageParts): Promise<ReadMessage | null>;
  /** In the order of their newest message, newest first; as bounded as `messages`. */
  threads(accountId: string, o: PageAsked<MessageKey>): Promise<ReadPage<ReadThread> | null>;
  thread(accountId: string, id: string): Promise<ReadThread | null>;
  /** By id. */
  labels(accountId: string, o: PageAsked<string>): Promise<ReadPage<ReadLabel> | null>;
}

export function mailReadsIn(clock: Pick<Clock, 'nowMs'>, pool: pg.Pool): MailReads {
  return {
    messages: (accountId, { filter, parts, ...page }) =>
      scannedPage(
        clock,
        pool,
        { ...page, accountId, ...conditionsOf(filter) },
        (snapshot, ids) => messagesOf(snapshot, accountId, ids, parts),
        Object.values(parts).includes(true) ? contentFits : undefined,
      ),
    message: async (accountId, id, parts) =>
      (await inSnapshot(pool, (snapshot) => messagesOf(snapshot, accountId, [id], parts))).get(
        id,
      ) ?? null,
    threads: (accountId, page) =>
      scannedPage(
        clock,
        pool,
        {
          ...page,
          accountId,
          bounds: [],
          filter: NEWEST_OF_THREAD,
          values: [],
          isDatedOnly: false,
        },
        (snapshot, ids) => threadsOf(snapshot, accountId, ids),
      ),
    thread: (accountId, id) => threadOf(pool, accountId, id),
    labels: (accountId, page) => labels(pool, accountId, page),
  };
}

/**
 * Reads the rows of the messages that a scan finds.
 * @param fitting returns how many of them, from the first on, are given in one page; default: all
 */
async function scannedPage<Row>(
  clock: Pick<Clock, 'nowMs'>,
  pool: pg.Pool,
  scan: MessageScan,
  rowsOf: (snapshot: Transaction, ids: string[]) => Promise<Map<string, Row>>,
  fitting: Fitting = async (_snapshot, _accountId, ids) => ids.length,
): Promise<ReadPage<Row> | null> {
  return inSnapshot(pool, async (snapshot) => {
    const [frame, scanned] = await Promise.all([
      readFrame(snapshot, scan.accountId, MAILBOX_READ),
      scanMessages(clock, snapshot, scan),
    ]);
    if (frame === null) return null;
    const all = scanned.found.map(({ id }) => id);
    const ids = all.slice(0, await fitting(snapshot, scan.accountId, all));
    const isCut = ids.length < all.length;
    const next = isCut ? (scanned.found[ids.length - 1] ?? null) : scanned.next;
    const rows = ids.length === 0 ? new Map<string, Row>() : await lastOf(snapshot, ids, rowsOf);
    return {
      frame,
      rows: ids.flatMap((id) => rows.get(id) ?? []),
      next: next === null ? null : [next.dateMs === null ? '' : String(next.dateMs), next.id],
    };
  });
}

/** Reads the rows and commits in one round trip. */
async function lastOf<Row>(
  snapshot: Transaction,
  ids: string[],
  rowsOf: (snapshot: Transaction, ids: string[]) => Promise<Map<string, Row>>,
): Promise<Map<string, Row>> {
  const [rows] = await Promise.all([rowsOf(snapshot, ids), snapshot.commit()]);
  return rows;
}

type Fitting = (snapshot: Transaction, accountId: string, ids: string[]) => Promise<number>;

/** Bodies of a page. A single message may have more. */
const CONTENT_BYTES = 8_388_608;

/** Lengths are read from the headers of the stored values, without the values. */
async function contentFits(
  snapshot: Transaction,
  accountId: string,
  ids: string[],
): Promise<number> {
  const { rows } = await snapshot.query<{ id: string; bytes: number }>(
    `SELECT m.id, (coalesce(octet_length(b.text_plain), 0)::float8 + coalesce(octet_length(b.text_html), 0) + pg_column_size(m.resource)) AS bytes
       FROM syncline.gmail_messages m LEFT JOIN syncline.gmail_bodies b ON b.account_id = $1 AND b.message_id = m.id
      WHERE m.account_id = $1 AND m.id = ANY($2::text[])`,
    [accountId, ids],
  );
  const bytesOf = new Map(rows.map(({ id, bytes }) => [id, bytes]));
  let left = CONTENT_BYTES;
  const over = ids.findIndex((id) => (left -= bytesOf.get(id) ?? 0) < 0);
  return over < 0 ? ids.length : Math.max(1, over);
}

type Conditions = Pick<MessageScan, 'bounds' | 'filter' | 'values' | 'isDatedOnly'>;

/** Pure. */
function conditionsOf({
  labelId,
  threadId,
  from,
  to,
  fromMs,
  beforeMs,
}: MessageFilter): Conditions {
  const values: unknown[] = [];
  const condition = (value: unknown, sql: (parameter: string) => string): string[] => {
    if (value === null) return [];
    values.push(value);
    return [sql(`$${FIRST_VALUE + values.length - 1}`)];
  };
  const bounds = [
    ...condition(threadId, (p) => `m.thread_id = ${p}::text`),
    ...condition(fromMs, (p) => `m.internal_date >= ${timeOf(p)}`),
    ...condition(beforeMs, (p) => `m.internal_date < ${timeOf(p)}`),
  ];
  const filters = [
    ...condition(labelId, (p) => `${p}::text = ANY(m.label_ids)`),
    ...condition(from && asciiLower(from), (p) => hasAddress('from', p, from)),
    ...condition(to && asciiLower(to), (p) => hasAddress('to', p, to)),
  ];
  return {
    bounds,
    filter: filters.length === 0 ? null : `(${filters.join(' AND ')})`,
    values,
    isDatedOnly: fromMs !== null || beforeMs !== null,
  };
}

function timeOf(parameter: string): string {
  return `'epoch'::timestamptz + ${parameter}::float8 * interval '1 ms'`;
}

function hasAddress(header: 'from' | 'to', parameter: string, sought: string | null): string {
  const address = `lower((e->>'address') COLLATE "C")`;
  const compared = sought?.startsWith('@')
    ? `right(${address}, length(${parameter}::text))`
    : address;
  return `EXISTS (SELECT FROM jsonb_array_elements(coalesce(m.addresses->'${header}', '[]')) e WHERE ${compared} = ${parameter}::text)`;
}

function asciiLower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** SQL condition on `gmail_messages m`: it stands for its thread in a list, which has it once. */
const NEWEST_OF_THREAD = `(EXISTS (SELECT FROM syncline.gmail_threads t WHERE t.account_id = $1 AND t.id = m.thread_id AND t.last_message_at IS NOT DISTINCT FROM m.internal_date)
  AND NOT EXISTS (SELECT FROM syncline.gmail_messages o WHERE o.account_id = $1 AND o.thread_id = m.thread_id AND o.internal_date IS NOT DISTINCT FROM m.internal_date AND o.id > m.id))`;

async function messagesOf(
  snapshot: Transaction,
  accountId: string,
  ids: readonly string[],
  parts: MessageParts,
): Promise<Map<string, ReadMessage>> {
  const columns = messageColumns({
    text: parts.text ? 'b.text_plain' : 'NULL::text',
    html: parts.html ? 'b.text_html' : 'NULL::text',
  });
  const { rows } = await snapshot.query<ReadMessage>({
    name: 'messages-read',
    text: `SELECT ${columns}, ${parts.resource ? 'm.resource' : 'NULL::jsonb AS resource'}
       FROM syncline.gmail_messages m ${parts.text || parts.html ? 'LEFT JOIN syncline.gmail_bodies b ON b.account_id = $1 AND b.message_id = m.id' : ''}
      WHERE m.account_id = $1 AND m.id = ANY($2::text[])`,
    values: [accountId, ids],
  });
  return new Map(rows.map((row) => [row.id, { ...row, resource: wholeResource(row) }]));
}

/** Google's fields with every header's value, also those that only a column holds. */
function wholeResource({ resource, ...row }: ReadMessage): ReadMessage['resource'] {
  const payload = resource?.['payload'] as { headers?: Header[] } | undefined;
  return payload?.headers
    ? { ...resource, payload: { ...payload, headers: withColumnValues(payload.headers, row) } }
    : resource;
}

const THREAD = `t.id, t.message_count AS "messageCount", t.first_message_at AS "firstMessageAt", t.last_message_at AS "lastMessageAt"`;

async function threadsOf(
  snapshot: Transaction,
  accountId: string,
  messageIds: readonly string[],
): Promise<Map<string, ReadThread>> {
  const { rows } = await snapshot.query<ReadThread & { messageId: string }>({
    name: 'threads-read',
    text: `SELECT m.id AS "messageId", ${THREAD} FROM syncline.gmail_messages m JOIN syncline.gmail_threads t ON t.account_id = $1 AND t.id = m.thread_id
      WHERE m.account_id = $1 AND m.id = ANY($2::text[])`,
    values: [accountId, messageIds],
  });
  return new Map(rows.map(({ messageId, ...thread }) => [messageId, thread]));
}

async function threadOf(pool: pg.Pool, accountId: string, id: string): Promise<ReadThread | null> {
  const { rows } = await pool.query<ReadThread>(
    `SELECT ${THREAD} FROM syncline.gmail_threads t WHERE t.account_id = $1 AND t.id = $2`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

async function labels(
  pool: pg.Pool,
  accountId: string,
  { after, limit }: PageAsked<string>,
): Promise<ReadPage<ReadLabel> | null> {
  return inSnapshot(pool, async (snapshot) => {
    const [frame, { rows }] = await Promise.all([
      readFrame(snapshot, accountId, MAILBOX_READ),
      snapshot.query<ReadLabel>(
        'SELECT id, name, type, resource FROM syncline.gmail_labels WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3',
        [accountId, after ?? '', limit + 1],
      ),
    ]);
    return frame && pageFrom(frame, rows, limit, ({ id }) => [id]);
  });
}
