import type pg from 'pg';
import { refreshAddresses } from './addresses.js';
import { arrayLiteral, innerArray, textArray } from '../../pool.js';
import type { Op, RowChange } from '../../rows.js';
import type { AttachmentRow, LabelChange, MessageRow } from './rows.js';
import { isStorableId } from '../../storable.js';
import { byIndex, type Transaction } from '../../transaction.js';

/*
 * Writes the rows of the mailbox with one multi-row statement per table. Upserts classify rows by
 * content: a row that would not change is not rewritten and causes no event (Postgres returns only
 * the rows that it changed). A row with equal updated_at and created_at was created, because an
 * update always writes a later updated_at. Postgres' system columns would show this too, but not
 * for a partitioned table.
 */

/**
 * Stores messages with bodies, sources, attachments and threads. Rows are sorted by id, so that two
 * writers lock them in the same order.
 */
export async function upsertMessages(
  session: Transaction,
  accountId: string,
  messages: readonly MessageRow[],
): Promise<RowChange[]> {
  if (messages.length === 0) return [];
  const rows = newestById(messages);
  const [stored, ...parts] = await Promise.all([
    session.query<{ id: string; created: boolean }>({
      name: 'message-upsert',
      text: UPSERT_MESSAGES,
      values: messageValues(accountId, rows),
    }),
    writeBodies(session, accountId, rows),
    writeSources(session, accountId, rows),
    writeAttachments(session, accountId, rows),
  ]);
  const touched = new Map<string, Op>(
    stored.rows.map((row) => [row.id, row.created ? 'created' : 'updated']),
  );
  refreshAddresses(
    session,
    accountId,
    rows.filter((m) => !touched.has(m.id)),
  );
  const trimmed = await trimParts(
    session,
    accountId,
    rows.filter((m) => touched.get(m.id) !== 'created'),
  );
  for (const id of [...parts.flat(), ...trimmed]) if (!touched.has(id)) touched.set(id, 'updated');
  refreshThreads(
    session,
    accountId,
    rows.filter((m) => touched.has(m.id)).map((m) => m.threadId),
  );
  return [...touched].map(([id, op]) => ({ entity: 'message', id, calendarId: null, op }));
}

/**
 * Applies label changes of the history without fetching the messages. Messages that are not stored
 * are ignored: fetching them returns their labels.
 */
export async function applyLabelChanges(
  session: Transaction,
  accountId: string,
  changes: readonly LabelChange[],
): Promise<RowChange[]> {
  if (changes.length === 0) return [];
  const sorted = [...changes].sort((a, b) => compare(a.id, b.id));
  const updated = await session.query<{ id: string }>({
    name: 'message-labels',
    text: `WITH u AS MATERIALIZED (
             SELECT m.id, m.label_ids AS before, greatest(m.history_id, c.history_id) AS history_id,
                    ARRAY(SELECT DISTINCT l COLLATE "C" FROM unnest(m.label_ids || c.adds::text[]) AS l WHERE l <> ALL (c.removes::text[]) ORDER BY 1) AS after
               FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) AS c(id, adds, removes, history_id)
               JOIN syncline.gmail_messages m ON m.account_id = $1 AND m.id = c.id)
           UPDATE syncline.gmail_messages m SET label_ids = u.after, history_id = u.history_id, updated_at = now()
             FROM u WHERE m.account_id = $1 AND m.id = u.id AND u.after IS DISTINCT FROM u.before
           RETURNING m.id`,
    values: [
      accountId,
      arrayLiteral(sorted, (c) => c.id),
      arrayLiteral(sorted, (c) => innerArray(c.add)),
      arrayLiteral(sorted, (c) => innerArray(c.remove)),
      arrayLiteral(sorted, (c) => c.historyId),
    ],
  });
  return updated.rows.map((row) => ({
    entity: 'message',
    id: row.id,
    calendarId: null,
    op: 'updated',
  }));
}

/** Deletes messages with their bodies, sources and attachments. */
export async function deleteMessages(
  session: Transaction,
  accountId: string,
  ids: readonly string[],
): Promise<RowChange[]> {
  if (ids.length === 0) return [];
  const values = [accountId, arrayLiteral(ids, (id) => id)];
  const gone = await session.query<{ id: string; thread_id: string }>({
    name: 'message-delete',
    text: 'DELETE FROM syncline.gmail_messages WHERE account_id = $1 AND id = ANY($2::text[]) RETURNING id, thread_id',
    values,
  });
  if (gone.rows.length === 0) return [];
  session.send({
    name: 'body-delete',
    text: 'DELETE FROM syncline.gmail_bodies WHERE account_id = $1 AND message_id = ANY($2::text[])',
    values,
  });
  session.send({
    name: 'source-delete',
    text: 'DELETE FROM syncline.gmail_sources WHERE account_id = $1 AND message_id = ANY($2::text[])',
    values,
  });
  session.send({
    name: 'attachment-delete',
    text: 'DELETE FROM syncline.gmail_attachments WHERE account_id = $1 AND message_id = ANY($2::text[])',
    values,
  });
  const threadIds = gone.rows.map((row) => row.thread_id);
  refreshThreads(session, accountId, threadIds);
  pruneThreads(session, accountId, threadIds);
  return gone.rows.map((row) => ({
    entity: 'message',
    id: row.id,
    calendarId: null,
    op: 'deleted',
  }));
}

/**
 * Returns which of these messages are stored, and which of these labels are in the catalogue. Ids
 * that cannot be stored are left out of the query.
 */
export async function knownMessages(
  pool: pg.Pool,
  accountId: string,
  ids: readonly string[],
  labelIds: readonly string[],
): Promise<{ messages: Set<string>; labels: Set<string> }> {
  if (ids.length === 0 && labelIds.length === 0) return { messages: new Set(), labels: new Set() };
  const found = await byIndex(pool).query<{ id: string; label: boolean }>({
    name: 'message-known',
    text: `SELECT id, false AS label FROM syncline.gmail_messages WHERE account_id = $1 AND id = ANY($2::text[])
           UNION ALL SELECT id, true FROM syncline.gmail_labels WHERE account_id = $1 AND id = ANY($3::text[])`,
    values: [
      accountId,
      arrayLiteral(ids.filter(isStorableId), (id) => id),
      arrayLiteral(labelIds.filter(isStorableId), (id) => id),
    ],
  });
  const of = (label: boolean): Set<string> =>
    new Set(found.rows.filter((row) => row.label === label).map((row) => row.id));
  return { messages: of(false), labels: of(true) };
}

const COLUMNS =
  'thread_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource';
const prefixed = (prefix: string): string =>
  COLUMNS.split(', ')
    .map((column) => `${prefix}.${column}`)
    .join(', ');

const UPSERT_MESSAGES = `
INSERT INTO syncline.gmail_messages AS m (account_id, id, history_id, addresses, ${COLUMNS})
SELECT $1, u.id, u.history_id, u.addresses::jsonb, u.thread_id, u.label_ids::text[], 'epoch'::timestamptz + u.internal_date * interval '1 ms', u.size_estimate, u.snippet,
       u.subject, u.from_header, u.to_header, u.cc_header, u.date_header, u.message_id_header, u.resource::jsonb
  FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[],
              $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
       AS u(id, history_id, thread_id, label_ids, internal_date, size_estimate, snippet, subject, from_header, to_header, cc_header, date_header, message_id_header, resource, addresses)
ON CONFLICT (account_id, id) DO UPDATE
   SET history_id = excluded.history_id, addresses = excluded.addresses, updated_at = greatest(now(), m.created_at + interval '1 ms'), (${COLUMNS}) = ROW(${prefixed('excluded')})
 WHERE (${prefixed('m')}) IS DISTINCT FROM (${prefixed('excluded')})
RETURNING id, created_at = updated_at AS created`;

const UPSERT_BODIES = `
INSERT INTO syncline.gmail_bodies AS b (account_id, message_id, text_plain, text_html)
SELECT $1, u.id, u.t, u.h FROM unnest($2::text[], $3::text[], $4::text[]) AS u(id, t, h)
ON CONFLICT (account_id, message_id) DO UPDATE SET text_plain = excluded.text_plain, text_html = excluded.text_html
 WHERE (b.text_plain, b.text_html) IS DISTINCT FROM (excluded.text_plain, excluded.text_html)
RETURNING message_id`;

const UPSERT_SOURCE = `
INSERT INTO syncline.gmail_sources AS s (account_id, message_id, source) VALUES ($1, $2, $3)
ON CONFLICT (account_id, message_id) DO UPDATE SET source = excluded.source WHERE s.source IS DISTINCT FROM excluded.source`;

const UPSERT_ATTACHMENTS = `
INSERT INTO syncline.gmail_attachments AS a (account_id, message_id, part_id, position, filename, mime_type, size)
SELECT $1, u.message_id, u.part_id, u.position, u.filename, u.mime_type, u.size
  FROM unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::int[]) AS u(message_id, part_id, position, filename, mime_type, size)
ON CONFLICT (account_id, message_id, part_id) DO UPDATE
   SET position = excluded.position, filename = excluded.filename, mime_type = excluded.mime_type, size = excluded.size
 WHERE (a.position, a.filename, a.mime_type, a.size) IS DISTINCT FROM (excluded.position, excluded.filename, excluded.mime_type, excluded.size)
RETURNING message_id`;

function messageValues(accountId: string, rows: readonly MessageRow[]): unknown[] {
  return [
    accountId,
    textArray(rows, (m) => m.id),
    arrayLiteral(rows, (m) => m.historyId),
    textArray(rows, (m) => m.threadId),
    textArray(rows, (m) => innerArray(m.labelIds)),
    arrayLiteral(rows, (m) => m.internalDateMs),
    arrayLiteral(rows, (m) => m.sizeEstimate),
    textArray(rows, (m) => m.snippet),
    textArray(rows, (m) => m.subject),
    textArray(rows, (m) => m.from),
    textArray(rows, (m) => m.to),
    textArray(rows, (m) => m.cc),
    textArray(rows, (m) => m.date),
    textArray(rows, (m) => m.messageId),
    textArray(rows, (m) => m.resource),
    textArray(rows, (m) => m.addresses),
  ];
}

/** Like the next two functions, returns the ids of the messages that it changed. */
async function writeBodies(
  session: Transaction,
  accountId: string,
  rows: readonly MessageRow[],
): Promise<string[]> {
  const bodies = await session.query<{ message_id: string }>({
    name: 'body-upsert',
    text: UPSERT_BODIES,
    values: [
      accountId,
      textArray(rows, (m) => m.id),
      textArray(rows, (m) => m.text),
      textArray(rows, (m) => m.html),
    ],
  });
  return bodies.rows.map((row) => row.message_id);
}

/**
 * Uses one statement per source, because an array of sources would copy a page's bytes two more
 * times.
 */
async function writeSources(
  session: Transaction,
  accountId: string,
  rows: readonly MessageRow[],
): Promise<string[]> {
  const sourced = rows.filter((m) => m.source !== null);
  const written = await Promise.all(
    sourced.map(({ id, source }) =>
      session.query({
        name: 'source-upsert',
        text: UPSERT_SOURCE,
        values: [accountId, id, source],
      }),
    ),
  );
  return sourced.filter((_, i) => written[i]?.rowCount).map(({ id }) => id);
}

async function writeAttachments(
  session: Transaction,
  accountId: string,
  rows: readonly MessageRow[],
): Promise<string[]> {
  const parts = partsOf(rows);
  if (parts.length === 0) return [];
  const written = await session.query<{ message_id: string }>({
    name: 'attachment-upsert',
    text: UPSERT_ATTACHMENTS,
    values: attachmentValues(accountId, parts),
  });
  return written.rows.map((row) => row.message_id);
}

/**
 * Deletes what existing messages no longer have: attachments, and the source of a message that
 * comes without one because the policy no longer keeps sources.
 * @returns the messages that it changed
 */
async function trimParts(
  session: Transaction,
  accountId: string,
  known: readonly MessageRow[],
): Promise<string[]> {
  if (known.length === 0) return [];
  const without = known.filter((m) => m.source === null);
  const sources = session.query<{ message_id: string }>({
    name: 'source-trim',
    text: 'DELETE FROM syncline.gmail_sources WHERE account_id = $1 AND message_id = ANY($2::text[]) RETURNING message_id',
    values: [accountId, arrayLiteral(without, (m) => m.id)],
  });
  const kept = partsOf(known).map((p) => `${p.messageId}/${p.partId}`);
  const attachments = session.query<{ message_id: string }>({
    name: 'attachment-trim',
    text: `DELETE FROM syncline.gmail_attachments WHERE account_id = $1 AND message_id = ANY($2::text[]) AND message_id || '/' || part_id <> ALL($3::text[]) RETURNING message_id`,
    values: [accountId, arrayLiteral(known, (m) => m.id), arrayLiteral(kept, (key) => key)],
  });
  return (await Promise.all([sources, attachments])).flatMap(({ rows }) =>
    rows.map((row) => row.message_id),
  );
}

type Part = AttachmentRow & { messageId: string; position: number };

function partsOf(rows: readonly MessageRow[]): Part[] {
  return rows.flatMap((m) =>
    m.attachments.map((attachment, position) => ({ messageId: m.id, position, ...attachment })),
  );
}

function attachmentValues(accountId: string, parts: readonly Part[]): unknown[] {
  return [
    accountId,
    arrayLiteral(parts, (p) => p.messageId),
    arrayLiteral(parts, (p) => p.partId),
    arrayLiteral(parts, (p) => p.position),
    arrayLiteral(parts, (p) => p.filename),
    arrayLiteral(parts, (p) => p.mimeType),
    arrayLiteral(parts, (p) => p.size),
  ];
}

/**
 * Recounts the messages of threads (one index range each). Counters are never incremented, because
 * a page that is applied twice must not count twice.
 */
function refreshThreads(
  session: Transaction,
  accountId: string,
  threadIds: readonly string[],
): void {
  if (threadIds.length === 0) return;
  const ids = textArray([...new Set(threadIds)].sort(compare), (id) => id);
  session.send({
    name: 'thread-refresh',
    text: `INSERT INTO syncline.gmail_threads AS t (account_id, id, message_count, first_message_at, last_message_at)
           SELECT account_id, thread_id, count(*), min(internal_date), max(internal_date) FROM syncline.gmail_messages
            WHERE account_id = $1 AND thread_id = ANY($2::text[]) GROUP BY account_id, thread_id ORDER BY thread_id
           ON CONFLICT (account_id, id) DO UPDATE
              SET message_count = excluded.message_count, first_message_at = excluded.first_message_at, last_message_at = excluded.last_message_at
            WHERE (t.message_count, t.first_message_at, t.last_message_at) IS DISTINCT FROM (excluded.message_count, excluded.first_message_at, excluded.last_message_at)`,
    values: [accountId, ids],
  });
}

/**
 * Only a deletion can leave a thread without messages, because a message never moves to another
 * thread.
 */
function pruneThreads(session: Transaction, accountId: string, threadIds: readonly string[]): void {
  session.send({
    name: 'thread-prune',
    text: `DELETE FROM syncline.gmail_threads t WHERE account_id = $1 AND id = ANY($2::text[])
              AND NOT EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = t.account_id AND m.thread_id = t.id)`,
    values: [accountId, textArray(threadIds, (id) => id)],
  });
}

/** Returns one row per id, the newer state of two. One statement may not change a row twice. */
function newestById(messages: readonly MessageRow[]): MessageRow[] {
  const byId = new Map<string, MessageRow>();
  for (const message of messages) {
    const seen = byId.get(message.id);
    if (!seen || seen.historyId <= message.historyId) byId.set(message.id, message);
  }
  return [...byId.values()].sort((a, b) => compare(a.id, b.id));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
