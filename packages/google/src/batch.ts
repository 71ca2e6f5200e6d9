/**
 * Google's batch format: a multipart/mixed body whose parts are whole HTTP messages ("Batching
 * Requests", Gmail API).
 *
 * Answers are in any order and are matched by Content-ID; Google puts `response-` in front of ours.
 * A status of 200 for the whole says nothing about the parts; each has its own status. A part that
 * is absent or cut off is left out here, and the caller requests it again. Line ends are CRLF, but
 * proxies and test servers write LF, so both are accepted.
 *
 * This is on the hot path of a full sync: the body stays one Buffer, a part is a range in it, and
 * only header blocks become text.
 */
import { MalformedAnswer } from './errors.js';

const LF = 0x0a;
const CR = 0x0d;
const DASH = 0x2d;

export interface BatchPart {
  /** Our Content-ID, without Google's `response-`. */
  id: string;
  status: number;
  /** The range of the inner body in the batch's body. */
  start: number;
  end: number;
}

/**
 * Encodes one GET per part; `id` is returned as the part's id. Paths only: Google refuses an
 * absolute URL inside a batch.
 */
export function encodeBatch(boundary: string, parts: { id: string; path: string }[]): string {
  let body = '';
  for (const { id, path } of parts) {
    body += `--${boundary}\r\nContent-Type: application/http\r\nContent-ID: <${id}>\r\n\r\nGET ${path} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n`;
  }
  return `${body}--${boundary}--\r\n`;
}

/**
 * Returns the complete parts.
 * @throws MalformedAnswer when the body is not multipart
 */
export function parseBatch(contentType: string, body: Buffer): BatchPart[] {
  const boundary = /^multipart\/mixed\b.*?\bboundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  const name = boundary?.[1] ?? boundary?.[2];
  if (name === undefined)
    throw new MalformedAnswer('a batch was not answered with multipart/mixed');
  const delimiter = Buffer.from(`--${name}`);
  const parts: BatchPart[] = [];
  let at = nextDelimiter(body, delimiter, 0);
  while (at !== -1 && !isClosing(body, at + delimiter.length)) {
    const next = nextDelimiter(body, delimiter, at + delimiter.length);
    if (next === -1) break;
    const part = parsePart(body, lineAfter(body, at + delimiter.length, next), next);
    if (part) parts.push(part);
    at = next;
  }
  return parts;
}

/**
 * A delimiter counts only at the start of a line: JSON may contain any text in quotes, but no raw
 * line end.
 */
function nextDelimiter(body: Buffer, delimiter: Buffer, from: number): number {
  let at = body.indexOf(delimiter, from);
  while (at > 0 && body[at - 1] !== LF) at = body.indexOf(delimiter, at + 1);
  return at;
}

function isClosing(body: Buffer, at: number): boolean {
  return body[at] === DASH && body[at + 1] === DASH;
}

function lineAfter(body: Buffer, from: number, end: number): number {
  const newline = body.indexOf(LF, from);
  return newline === -1 || newline >= end ? end : newline + 1;
}

function parsePart(body: Buffer, start: number, end: number): BatchPart | null {
  const inner = afterBlankLine(body, start, end);
  const content = afterBlankLine(body, inner, end);
  const contentId = /^content-id:[ \t]*<?([^>\r\n]*)/im.exec(body.toString('latin1', start, inner));
  const status = /^HTTP\/\d(?:\.\d)?[ \t]+(\d{3})\b/i.exec(
    body.toString('latin1', inner, Math.min(content, inner + 64)),
  );
  if (!contentId?.[1] || !status?.[1]) return null;
  return {
    id: contentId[1].trim().replace(/^response-/i, ''),
    status: Number(status[1]),
    start: content,
    end,
  };
}

/** Returns the position after the first empty line, or `end` when there is none. */
function afterBlankLine(body: Buffer, start: number, end: number): number {
  let line = start;
  while (line < end) {
    const next = lineAfter(body, line, end);
    const isBlank = body[line] === LF || (body[line] === CR && body[line + 1] === LF);
    if (isBlank) return next;
    line = next;
  }
  return end;
}
