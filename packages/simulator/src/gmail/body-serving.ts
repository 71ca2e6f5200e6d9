/**
 * How the text of a mail is handed out. Google documents neither choice: reports say that
 * `format=full` gives text recoded to UTF-8 under the header that it came with (gogcli #446, #126,
 * #418), and by the discovery document a body may be `a separate attachment` with an `attachmentId`
 * and no data.
 */
import { decodeText } from '../mime/charset.js';
import { isLeaf, type Part } from '../mime/part.js';

export interface BodyServing {
  /** Bytes as the mail has them, or recoded with the header left as it was. */
  bodyCharset: BodyCharset;
  /** Text bodies of more bytes have an attachmentId and no data. */
  inlineBodyBytes: number;
}

export const BODY_CHARSETS = ['declared', 'utf-8'] as const;
export type BodyCharset = (typeof BODY_CHARSETS)[number];

/** No body is as large. */
export const ALL_INLINE = 1_000_000_000;

/** True when nothing is done to any body. */
export function isPlain({ bodyCharset, inlineBodyBytes }: BodyServing): boolean {
  return bodyCharset === 'declared' && inlineBodyBytes >= ALL_INLINE;
}

/** The bytes that the API gives of a part. */
export function givenBytes(part: Part, { bodyCharset }: BodyServing): Buffer {
  return bodyCharset === 'utf-8' && isTextBody(part)
    ? Buffer.from(decodeText(part.body, part.charset))
    : part.body;
}

/** Whether it has an attachmentId although it is no attachment. */
export function isLarge(part: Part, { inlineBodyBytes }: BodyServing): boolean {
  return isTextBody(part) && part.body.length > inlineBodyBytes;
}

function isTextBody(part: Part): boolean {
  return isLeaf(part) && part.filename === '' && /^text\/(?:plain|html)$/.test(part.mimeType);
}
