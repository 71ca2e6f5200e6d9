/**
 * How text bodies are served. Google documents neither choice. Reports say that `format=full`
 * returns text converted to UTF-8 with the original header (gogcli #446, #126, #418). According to
 * the discovery document a body may be `a separate attachment` with an `attachmentId` and no data.
 */
import { decodeText } from '../mime/charset.js';
import { isLeaf, type Part } from '../mime/part.js';

export interface BodyServing {
  /** The original bytes, or bytes converted to UTF-8 with the original header. */
  bodyCharset: BodyCharset;
  /** Larger text bodies have an attachmentId and no data. */
  inlineBodyBytes: number;
}

export const BODY_CHARSETS = ['declared', 'utf-8'] as const;
export type BodyCharset = (typeof BODY_CHARSETS)[number];

/** Larger than any body. */
export const ALL_INLINE = 1_000_000_000;

/** Whether all bodies are served unchanged. */
export function isPlain({ bodyCharset, inlineBodyBytes }: BodyServing): boolean {
  return bodyCharset === 'declared' && inlineBodyBytes >= ALL_INLINE;
}

/** Returns the bytes of a part that the API serves. */
export function givenBytes(part: Part, { bodyCharset }: BodyServing): Buffer {
  return bodyCharset === 'utf-8' && isTextBody(part)
    ? Buffer.from(decodeText(part.body, part.charset))
    : part.body;
}

/** Whether a text body is served by attachmentId because of its size. */
export function isLarge(part: Part, { inlineBodyBytes }: BodyServing): boolean {
  return isTextBody(part) && part.body.length > inlineBodyBytes;
}

function isTextBody(part: Part): boolean {
  return isLeaf(part) && part.filename === '' && /^text\/(?:plain|html)$/.test(part.mimeType);
}
