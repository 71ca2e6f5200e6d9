import type pg from 'pg';
import { WINDOW, type MailWindow } from '../../lease.js';
import { HEADER_COLUMNS } from './header-values.js';

/**
 * One message in the format of `syncline export`. The names are part of the public interface
 * (INTERFACE: export).
 */
export interface ExportedMessage {
  id: string;
  threadId: string;
  labelIds: string[];
  /** Milliseconds since the epoch, as Google writes them. */
  internalDate: string | null;
  /** Null for drafts: Google returns none. */
  sizeEstimate: number | null;
  snippet: string;
  subject: string | null;
  from: string | null;
  to: string | null;
  cc: string | null;
  date: string | null;
  messageId: string | null;
  text: string | null;
  html: string | null;
  attachments: { partId: string; filename: string; mimeType: string; size: number }[];
}

/** Reads the mailbox's rows for export and comparison. */
export interface MailboxMirror {
  messages(accountId: string, ids?: readonly string[]): AsyncGenerator<ExportedMessage>;
  /**
   * Returns the labels of messages from `fromMs` on, by internalDate, and of messages whose date
   * does not fit into a column. 0 returns all messages.
   */
  labels(accountId: string, fromMs?: number): AsyncGenerator<{ id: string; labelIds: string[] }>;
  /** Returns a message's source; null when there is no such message or its source is not stored. */
  source(accountId: string, messageId: string): Promise<Buffer | null>;
  /** Returns the messages among `ids` that have a source. */
  withSource(accountId: string, ids: readonly string[]): Promise<Set<string>>;
  /** Returns the mirrored time range of the mailbox. */
  window(accountId: string): Promise<MailWindow>;
}

export function mailboxMirrorIn(pool: pg.Pool): MailboxMirror {
  return {
    messages: (accountId, ids) => exportMessages(pool, accountId, ids),
    labels: (accountId, fromMs) => exportLabels(pool, accountId, fromMs ?? 0),
    source: (accountId, messageId) => sourceOf(pool, accountId, messageId),
    withSource: (accountId, ids) => withSource(pool, accountId, ids),
    window: (accountId) => mailWindow(pool, accountId),
  };
}

/** Rows read at a time. This bounds the memory of an export for every size of mailbox. */
const PAGE = 500;
const LABELS_PAGE = 5_000;

/**
 * SQL: the fields of `ExportedMessage` of `gmail_messages m`.
 * @param body the columns of the bodies
 */
export function messageColumns(body: { text: string; html: string }): string {
  return `m.id, m.thread_id AS "threadId", m.label_ids AS "labelIds", coalesce(round(extract(epoch FROM m.internal_date) * 1000)::bigint::text, m.resource->>'internalDate') AS "internalDate",
                    m.size_estimate AS "sizeEstimate", m.snippet, ${HEADER_COLUMNS},
                    ${body.text} AS text, ${body.html} AS html,
                    (SELECT coalesce(json_agg(json_build_object('partId', a.part_id, 'filename', a.filename, 'mimeType', a.mime_type, 'size', a.size) ORDER BY a.position), '[]')
                       FROM syncline.gmail_attachments a WHERE a.account_id = m.account_id AND a.message_id = m.id) AS attachments`;
}

const COLUMNS = messageColumns({ text: 'b.text_plain', html: 'b.text_html' });

/**
 * Reads the messages sorted by id. Pages are read one by one, so the export is not a snapshot of a
 * mailbox that changes meanwhile.
 */
async function* exportMessages(
  pool: pg.Pool,
  accountId: string,
  ids?: readonly string[],
): AsyncGenerator<ExportedMessage> {
  for (let after = ''; ;) {
    const page = await pool.query<ExportedMessage>({
      text: `SELECT ${COLUMNS}
               FROM syncline.gmail_messages m LEFT JOIN syncline.gmail_bodies b ON b.account_id = m.account_id AND b.message_id = m.id
              WHERE m.account_id = $1 AND m.id COLLATE "C" > $2 AND ($4::text[] IS NULL OR m.id = ANY($4::text[])) ORDER BY m.id COLLATE "C" LIMIT $3`,
      values: [accountId, after, PAGE, ids ?? null],
    });
    yield* page.rows;
    const last = page.rows.at(-1);
    if (!last || page.rows.length < PAGE) return;
    after = last.id;
  }
}

async function sourceOf(
  pool: pg.Pool,
  accountId: string,
  messageId: string,
): Promise<Buffer | null> {
  const found = await pool.query<{ source: Buffer }>(
    'SELECT source FROM syncline.gmail_sources WHERE account_id = $1 AND message_id = $2',
    [accountId, messageId],
  );
  return found.rows[0]?.source ?? null;
}

async function withSource(
  pool: pg.Pool,
  accountId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const found = await pool.query<{ message_id: string }>(
    'SELECT message_id FROM syncline.gmail_sources WHERE account_id = $1 AND message_id = ANY($2::text[])',
    [accountId, ids],
  );
  return new Set(found.rows.map((row) => row.message_id));
}

/** @returns the window of the whole mailbox when the account has no mailbox */
async function mailWindow(pool: pg.Pool, accountId: string): Promise<MailWindow> {
  const found = await pool.query<{ window: MailWindow }>(
    `SELECT ${WINDOW} AS window FROM syncline.collections c WHERE c.account_id = $1 AND c.kind = 'gmail'`,
    [accountId],
  );
  return found.rows[0]?.window ?? { fromMs: 0, goalMs: null };
}

/**
 * Reads only the labels of every message, for comparison with a listing, without reading bodies.
 */
async function* exportLabels(
  pool: pg.Pool,
  accountId: string,
  fromMs: number,
): AsyncGenerator<{ id: string; labelIds: string[] }> {
  for (let after = ''; ;) {
    const page = await pool.query<{ id: string; labelIds: string[] }>(
      `SELECT id, label_ids AS "labelIds" FROM syncline.gmail_messages
        WHERE account_id = $1 AND id COLLATE "C" > $2 AND ($4::bigint = 0 OR internal_date IS NULL OR internal_date >= 'epoch'::timestamptz + $4 * interval '1 ms')
        ORDER BY id COLLATE "C" LIMIT $3`,
      [accountId, after, LABELS_PAGE, Math.round(fromMs)],
    );
    yield* page.rows;
    const last = page.rows.at(-1);
    if (!last || page.rows.length < LABELS_PAGE) return;
    after = last.id;
  }
}
