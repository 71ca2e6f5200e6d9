/**
 * Parses a MIME message, as bytes, to a tree of parts with Gmail's numbers: the root is "", its
 * children "0", "1", "0.0"…, and the message inside a message/rfc822 part is that part's only
 * child. Malformed mail never throws. For a multipart whose boundary is missing or does not occur,
 * the boundary is taken from the first line that looks like one; without such a line it is text. A
 * missing closing boundary means the end of the message. Nesting deeper than 50 is not parsed.
 * After ten thousand parts of one multipart the rest is a single further part.
 */
import { headerValue, readHeaders, readParameters, type Header } from './headers.js';
import { decodeTransfer } from './transfer.js';

export interface Part {
  /** Gmail's partId. */
  readonly id: string;
  /** `type/subtype` in lower case. */
  readonly mimeType: string;
  /** Decoded; empty when the part has none. */
  readonly filename: string;
  /** In lower case; null when the part has none. */
  readonly charset: string | null;
  /** Whether the part has `Content-Disposition: attachment`. */
  readonly attached: boolean;
  readonly headers: readonly Header[];
  /** Decoded bytes of a leaf or a message/rfc822; empty for a multipart. */
  readonly body: Buffer;
  /** Empty for a leaf. */
  readonly parts: readonly Part[];
}

const DEPTH_LIMIT = 50;
const PARTS_LIMIT = 10_000;

/** Parses a whole message. */
export function parseMessage(raw: Buffer): Part {
  return parsePart(raw, '', 'text/plain', 0);
}

/** Yields every part in document order, the root first. */
export function* visitParts(part: Part): Generator<Part> {
  yield part;
  for (const child of part.parts) yield* visitParts(child);
}

/** Returns the part with that id, or null. */
export function findPart(root: Part, id: string): Part | null {
  if (root.id === id) return root;
  for (const child of root.parts) {
    const found = findPart(child, id);
    if (found !== null) return found;
  }
  return null;
}

/** Whether the part has bytes of its own: it is neither a multipart nor a parsed message/rfc822. */
export function isLeaf(part: Part): boolean {
  return part.parts.length === 0 && !part.mimeType.startsWith('multipart/');
}

/**
 * Whether the part is fetched by attachmentId and not inline: parts with a file name, and leaves
 * that are not text.
 */
export function isAttachment(part: Part): boolean {
  if (part.mimeType.startsWith('multipart/')) return false;
  return part.filename !== '' || (isLeaf(part) && !part.mimeType.startsWith('text/'));
}

function parsePart(raw: Buffer, id: string, defaultType: string, depth: number): Part {
  const { headers, bodyAt } = readHeaders(raw);
  const type = readParameters(headerValue(headers, 'content-type') ?? defaultType);
  const part = { id, headers, ...described(headers, type) };
  const content = raw.subarray(bodyAt);
  if (part.mimeType.startsWith('multipart/')) {
    const bodies = depth < DEPTH_LIMIT ? bodiesOf(content, type) : null;
    if (bodies === null) return { ...part, mimeType: 'text/plain', body: content, parts: [] };
    const childType = part.mimeType === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
    return {
      ...part,
      body: EMPTY,
      parts: bodies.map((body, index) => parsePart(body, childId(id, index), childType, depth + 1)),
    };
  }
  const body = withoutBom(decodeTransfer(content, transferEncoding(headers)), part.mimeType);
  const opened = part.mimeType === 'message/rfc822' && depth < DEPTH_LIMIT && body.length > 0;
  return {
    ...part,
    body,
    parts: opened ? [parsePart(body, childId(id, 0), 'text/plain', depth + 1)] : [],
  };
}

const EMPTY = Buffer.alloc(0);

type Parameters = ReturnType<typeof readParameters>;

function described(
  headers: readonly Header[],
  type: Parameters,
): Pick<Part, 'mimeType' | 'filename' | 'charset' | 'attached'> {
  const disposition = readParameters(headerValue(headers, 'content-disposition') ?? '');
  return {
    // Ignores garbage at the end, as in `text/plain>` and `text/html<br>`.
    mimeType: /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+/.exec(type.value)?.[0] ?? 'text/plain',
    filename: disposition.parameters.get('filename') ?? type.parameters.get('name') ?? '',
    charset: type.parameters.get('charset')?.toLowerCase() ?? null,
    attached: disposition.value === 'attachment',
  };
}

function bodiesOf(content: Buffer, { parameters }: Parameters): Buffer[] | null {
  return (
    splitMultipart(content, parameters.get('boundary') ?? '') ??
    splitMultipart(content, likelyBoundary(content))
  );
}

function childId(parent: string, index: number): string {
  return parent === '' ? String(index) : `${parent}.${index}`;
}

/** Only the first word, because mail programs add comments, semicolons and spaces. */
function transferEncoding(headers: readonly Header[]): string {
  return (
    /[^\s;(]+/.exec(headerValue(headers, 'content-transfer-encoding') ?? '')?.[0].toLowerCase() ??
    ''
  );
}

/** Gmail removes a UTF-8 byte order mark from text. */
function withoutBom(body: Buffer, mimeType: string): Buffer {
  const marked =
    mimeType.startsWith('text/') && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return marked ? body.subarray(3) : body;
}

/**
 * Returns the boundary of the first line that begins with two dashes and is followed by a part
 * header; empty when there is none.
 */
function likelyBoundary(content: Buffer): string {
  const head = content.toString('latin1', 0, GUESSED_FROM_BYTES);
  return /^--([^\s-][^\r\n]{0,69}?)[ \t]*\r?\n(?=Content-[a-z-]+:)/im.exec(head)?.[1] ?? '';
}

const GUESSED_FROM_BYTES = 65_536;

/**
 * Returns the bodies between delimiter lines; null when there is no delimiter line. Preamble and
 * epilogue are dropped.
 */
function splitMultipart(content: Buffer, boundary: string): Buffer[] | null {
  if (boundary === '') return null;
  const delimiter = Buffer.from(`--${boundary}`, /[^\x00-\xff]/.test(boundary) ? 'utf8' : 'latin1');
  const bodies: Buffer[] = [];
  let openedAt = -1;
  let found = false;
  for (let at = content.indexOf(delimiter); at >= 0; at = content.indexOf(delimiter, at + 1)) {
    const line = delimiterLine(content, at, at + delimiter.length);
    if (line === null) continue;
    found = true;
    if (openedAt >= 0)
      bodies.push(content.subarray(openedAt, Math.max(openedAt, beforeLineEnd(content, at))));
    openedAt = line.closing ? -1 : line.end;
    if (line.closing || bodies.length >= PARTS_LIMIT) break;
  }
  if (openedAt >= 0 && openedAt < content.length) bodies.push(content.subarray(openedAt));
  return found ? bodies : null;
}

/** Returns null unless the boundary is alone on its line, so that `--A` does not match `--A-1`. */
function delimiterLine(
  content: Buffer,
  at: number,
  after: number,
): { closing: boolean; end: number } | null {
  if (at > 0 && !isLineEnd(content[at - 1])) return null;
  const closing = content[after] === 0x2d && content[after + 1] === 0x2d;
  let end = closing ? after + 2 : after;
  while (content[end] === 0x20 || content[end] === 0x09) end++;
  if (end >= content.length) return { closing, end };
  if (content[end] === 0x0d && content[end + 1] === 0x0a) return { closing, end: end + 2 };
  return isLineEnd(content[end]) ? { closing, end: end + 1 } : null;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}

/** The line end before a delimiter belongs to the delimiter. */
function beforeLineEnd(content: Buffer, at: number): number {
  if (content[at - 1] === 0x0a) return content[at - 2] === 0x0d ? at - 2 : at - 1;
  return content[at - 1] === 0x0d ? at - 1 : at;
}
