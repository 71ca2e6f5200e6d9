/** Reads of what belongs to a message and may be large. */
import type pg from 'pg';

/** What is known of a message's source. */
interface SourceFacts {
  /** The stored source; null when it is not kept. */
  bytes: number | null;
  /** Google's estimate of the message; null for drafts. */
  sizeEstimate: number | null;
}

/** The row of an attachment; its bytes are not mirrored. */
interface AttachmentFacts {
  filename: string;
  mimeType: string;
  size: number;
}

export interface ContentReads {
  /** @returns null when the mirror does not have the message */
  sourceFacts(accountId: string, messageId: string): Promise<SourceFacts | null>;
  /** Reads a piece of a stored source, from the byte `from` on; empty beyond its end, or without one. */
  sourcePiece(
    accountId: string,
    messageId: string,
    o: { from: number; bytes: number },
  ): Promise<Buffer>;
  /** @returns null when the mirror does not have the part */
  attachmentFacts(
    accountId: string,
    messageId: string,
    partId: string,
  ): Promise<AttachmentFacts | null>;
}

export function contentReadsIn(pool: pg.Pool): ContentReads {
  return {
    sourceFacts: async (accountId, messageId) => {
      const { rows } = await pool.query<SourceFacts>(
        `SELECT octet_length(s.source) AS bytes, m.size_estimate AS "sizeEstimate" FROM syncline.gmail_messages m
           LEFT JOIN syncline.gmail_sources s ON s.account_id = $1 AND s.message_id = m.id WHERE m.account_id = $1 AND m.id = $2`,
        [accountId, messageId],
      );
      return rows[0] ?? null;
    },
    sourcePiece: async (accountId, messageId, { from, bytes }) => {
      const { rows } = await pool.query<{ piece: Buffer }>(
        'SELECT substring(source FROM $3::int + 1 FOR $4::int) AS piece FROM syncline.gmail_sources WHERE account_id = $1 AND message_id = $2',
        [accountId, messageId, from, bytes],
      );
      return rows[0]?.piece ?? Buffer.alloc(0);
    },
    attachmentFacts: async (accountId, messageId, partId) => {
      const { rows } = await pool.query<AttachmentFacts>(
        'SELECT filename, mime_type AS "mimeType", size FROM syncline.gmail_attachments WHERE account_id = $1 AND message_id = $2 AND part_id = $3',
        [accountId, messageId, partId],
      );
      return rows[0] ?? null;
    },
  };
}
