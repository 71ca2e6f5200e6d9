import { base64url } from '../mime/base64url.js';
import type { Header } from '../mime/headers.js';
import { isAttachment, parseMessage, type Part } from '../mime/part.js';
import { isLarge, givenBytes, type BodyServing } from './body-serving.js';
import { snippetOf } from './snippet.js';

/**
 * The data of a part in a Message resource. For generated messages it is computed without writing
 * and parsing the message; both ways give the same result.
 */
export interface PartView {
  readonly id: string;
  readonly mimeType: string;
  readonly filename: string;
  readonly headers: readonly Header[];
  /** Whether the data is fetched by attachment id; otherwise it is in the answer. */
  readonly fetched: boolean;
  /** Decoded bytes; 0 for a part that only contains parts. */
  readonly size: number;
  /** Pieces of the data in base64url; empty when it is fetched or the part only contains parts. */
  readonly data: readonly Buffer[];
  readonly parts: readonly PartView[];
}

export interface MessageView {
  readonly root: PartView;
  readonly snippet: string;
  /** Bytes of the RFC 822 form. */ readonly size: number;
}

/** @param serving how text is served; default: unchanged */
export function viewOf(raw: Buffer, serving: BodyServing | null = null): MessageView {
  const root = parseMessage(raw);
  return { root: partView(root, serving), snippet: snippetOf(root), size: raw.length };
}

function partView(part: Part, serving: BodyServing | null): PartView {
  const fetched = isAttachment(part) || (serving !== null && isLarge(part, serving));
  const bytes = serving === null ? part.body : givenBytes(part, serving);
  const inline = !fetched && part.parts.length === 0 && bytes.length > 0;
  return {
    id: part.id,
    mimeType: part.mimeType,
    filename: part.filename,
    headers: part.headers,
    fetched,
    size: fetched || part.parts.length === 0 ? bytes.length : 0,
    data: inline ? [Buffer.from(base64url(bytes), 'latin1')] : [],
    parts: part.parts.map((child) => partView(child, serving)),
  };
}
