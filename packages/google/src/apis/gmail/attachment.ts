/** Fetches the bytes of one attachment on demand. Attachments are not mirrored. */
import { GoogleError, MalformedAnswer } from '../../errors.js';
import { partKeys } from '../../part-keys.js';
import { type Session, requestJson } from '../../request.js';
import { type JsonObject, objectOf } from '../../shape.js';

export interface Attachment {
  filename: string;
  mimeType: string;
  data: Buffer;
}

/**
 * Fetches the message first to find the part, because an attachmentId differs at every read and
 * expires after a while.
 * @returns null when the message or the part no longer exists
 */
export async function fetchAttachment(
  session: Session,
  messagesPath: string,
  messageId: string,
  partId: string,
): Promise<Attachment | null> {
  const message = `${messagesPath}/${encodeURIComponent(messageId)}`;
  try {
    const part = await requestJson(
      session,
      { method: 'gmail.users.messages.get', path: `${message}?format=full` },
      (body) => findPart(objectOf(body.payload, 'payload'), partId),
    );
    if (!part) return null;
    const body = part.body === undefined ? {} : objectOf(part.body, 'body');
    const data =
      typeof body.attachmentId === 'string'
        ? await fetchAttachmentData(session, messagesPath, messageId, body.attachmentId)
        : decoded(body.data);
    return { filename: wordOf(part.filename), mimeType: wordOf(part.mimeType), data };
  } catch (error) {
    // The message was deleted before the first call or between the two.
    if (error instanceof GoogleError && error.detail.kind === 'not-found') return null;
    throw error;
  }
}

/** Fetches the bytes of one attachmentId, which is valid only for a while. */
export function fetchAttachmentData(
  session: Session,
  messagesPath: string,
  messageId: string,
  attachmentId: string,
): Promise<Buffer> {
  const path = `${messagesPath}/${encodeURIComponent(messageId)}/attachments/${encodeURIComponent(attachmentId)}`;
  return requestJson(session, { method: 'gmail.users.messages.attachments.get', path }, (body) =>
    decoded(body.data),
  );
}

/** @param key the part's key, as partKeys computes it and the mirror stores it */
function findPart(root: JsonObject, key: string): JsonObject | null {
  for (const [part, its] of partKeys(root)) if (its === key) return part;
  return null;
}

/** An empty part has no data. */
function decoded(data: unknown): Buffer {
  if (data === undefined) return Buffer.alloc(0);
  if (typeof data !== 'string') throw new MalformedAnswer('the data of a part is not a text');
  return Buffer.from(data, 'base64url');
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
