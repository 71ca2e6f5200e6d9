import { base64url } from '../mime/base64url.js';
import { findPart, isAttachment, parseMessage } from '../mime/part.js';
import { isLarge, givenBytes } from './body-serving.js';
import type { SimClock } from '../clock.js';
import type { Prng } from '../prng.js';
import { notFound, platformError } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';

/** How long an attachment id from an earlier read is valid. */
const ID_TTL_MS = 24 * 3_600_000;

/**
 * Attachment ids differ at every read of a message and encode (message, part), so that a client
 * that uses them as keys fails.
 */
export class AttachmentIds {
  constructor(
    private readonly prng: Prng,
    private readonly clock: SimClock,
  ) {}

  mint(messageId: string, partId: string): string {
    const content = `${messageId}|${partId}|${this.clock.nowMs().toString(36)}|${this.prng.uint32().toString(36)}`;
    return `ANGjdJ${Buffer.from(content, 'latin1').toString('base64url')}`;
  }

  /** Returns the part of an id, or null when the id is not of this message or too old. */
  partOf(messageId: string, id: string): string | null {
    const [message, partId, minted] = Buffer.from(id.replace(/^ANGjdJ/, ''), 'base64url')
      .toString('latin1')
      .split('|');
    if (message !== messageId || partId === undefined || minted === undefined) return null;
    return this.clock.nowMs() - Number.parseInt(minted, 36) <= ID_TTL_MS ? partId : null;
  }
}

/** Serves `messages.attachments.get`. */
export function getAttachment(ids: AttachmentIds): (asked: Asked) => Reply {
  return (asked) => {
    const [messageId = '', attachmentId = ''] = asked.ids;
    const message = asked.account.mailbox.get(messageId);
    if (message === null) return notFound('gmail');
    const partId = ids.partOf(messageId, attachmentId);
    const part =
      partId === null ? null : findPart(parseMessage(asked.account.mailbox.raw(message)), partId);
    const { settings } = asked.sim;
    if (part === null || !(isAttachment(part) || isLarge(part, settings)))
      return platformError(400, 'Invalid attachment token', 'invalidArgument');
    const bytes = givenBytes(part, settings);
    return jsonReply({ size: bytes.length, data: base64url(bytes) }, asked.format);
  };
}
