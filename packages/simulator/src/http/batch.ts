/**
 * The wire format of the batch endpoint (developers.google.com/workspace/gmail/api/guides/batch):
 * multipart/mixed of application/http. Requests may have CRLF or bare LF (Python's client), a
 * quoted boundary or not, and parts with or without HTTP version, headers and Content-ID. Answers
 * have CRLF, a leading empty line and `response-` before the id. Their order is not guaranteed, so
 * they are shuffled.
 */
import { STATUS_CODES } from 'node:http';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Prng } from '../prng.js';
import type { ApiCall } from './api.js';
import { platformError } from './errors.js';
import type { Reply } from './reply.js';

const BATCH_LIMIT = 100;

interface BatchPart {
  contentId: string | null;
  call: ApiCall;
}

/** The parts, or the answer to a request that is not a batch. */
export type ParsedBatch = { ok: true; parts: BatchPart[] } | { ok: false; reply: Reply };

/** `outerToken` is used for parts without an Authorization header. */
export function parseBatch(
  contentType: string,
  body: Buffer,
  outerToken: string | null,
): ParsedBatch {
  const boundary = /boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType);
  if (!/^multipart\/mixed/i.test(contentType) || boundary === null)
    return refused(
      'Failed to parse batch request, error: Missing or invalid boundary. Received batch body: (not shown)',
    );
  const delimiter = `--${boundary[1] ?? boundary[2]}`;
  const text = body.toString('utf8').replaceAll('\r\n', '\n');
  const pieces = `\n${text}`.split(`\n${delimiter}`).slice(1);
  const closing = pieces.findIndex((piece) => piece.startsWith('--'));
  const contents = closing < 0 ? pieces : pieces.slice(0, closing);
  if (contents.length === 0)
    return refused(
      'Failed to parse batch request, error: 0 items. Received batch body: (not shown)',
    );
  if (contents.length > BATCH_LIMIT)
    return refused(
      `Inner request count exceeds the limit. Received: ${contents.length}, Limit: ${BATCH_LIMIT}`,
    );
  const parts = contents.map((piece) => parsePart(piece, outerToken));
  const whole = parts.filter((part) => part !== null);
  return whole.length === parts.length
    ? { ok: true, parts: whole }
    : refused('Failed to parse batch request, error: malformed inner request');
}

/** The number of parts that are answered before other calls are served. */
const PARTS_A_PIECE = 4;

/**
 * Returns the answers of the parts in their order. It yields between groups of parts, because
 * answering a hundred parts at once delayed all other calls.
 */
export async function inPieces(parts: readonly { partAnswer(): Reply }[]): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (const [index, part] of parts.entries()) {
    if (index > 0 && index % PARTS_A_PIECE === 0) await yieldToOthers();
    replies.push(part.partAnswer());
  }
  return replies;
}

/** Returns Content-Type and body of the whole answer. */
export function writeBatch(
  answers: { contentId: string | null; reply: Reply }[],
  prng: Prng,
): Reply {
  const boundary = `batch_${Array.from({ length: 32 }, () => BOUNDARY_CHARS.charAt(prng.below(BOUNDARY_CHARS.length))).join('')}`;
  const chunks: Buffer[] = [];
  for (const { contentId, reply } of prng.shuffle(answers)) {
    const id = contentId === null ? '' : `Content-ID: ${responseId(contentId)}\r\n`;
    chunks.push(
      Buffer.from(
        `\r\n--${boundary}\r\nContent-Type: application/http\r\n${id}\r\nHTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n` +
          `Content-Type: ${reply.contentType}\r\nVary: Origin\r\nVary: X-Origin\r\nVary: Referer\r\n\r\n`,
      ),
      reply.body,
    );
  }
  chunks.push(Buffer.from(`\r\n--${boundary}--\r\n`));
  return {
    status: 200,
    contentType: `multipart/mixed; boundary=${boundary}`,
    body: Buffer.concat(chunks),
  };
}

const BOUNDARY_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/** The prefix goes inside the angle brackets if there are any. */
function responseId(contentId: string): string {
  return contentId.startsWith('<') ? `<response-${contentId.slice(1)}` : `response-${contentId}`;
}

/**
 * `piece` begins with the rest of the delimiter's line. Returns null when it contains no request
 * line.
 */
function parsePart(piece: string, outerToken: string | null): BatchPart | null {
  const lines = piece.split('\n');
  let at = 1;
  const outer = new Map<string, string>();
  for (; at < lines.length && lines[at] !== ''; at++) readHeader(lines[at] as string, outer);
  while (at < lines.length && lines[at] === '') at++;
  const request = /^([A-Z]+)\s+(\S+)(?:\s+HTTP\/\d(?:\.\d)?)?\s*$/.exec(lines[at] ?? '');
  if (request === null) return null;
  const inner = new Map<string, string>();
  for (at += 1; at < lines.length && lines[at] !== ''; at++) readHeader(lines[at] as string, inner);
  return {
    contentId: outer.get('content-id') ?? null,
    call: {
      httpMethod: request[1] as string,
      ...targetOf(request[2] as string),
      accessToken: bearer(inner.get('authorization')) ?? outerToken,
      body: Buffer.from(
        lines
          .slice(at + 1)
          .join('\n')
          .trim(),
      ),
    },
  };
}

function targetOf(url: string): Pick<ApiCall, 'path' | 'query'> {
  const target = url.replace(/^https?:\/\/[^/]+/i, '');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  return {
    path: path.startsWith('/') ? path : `/${path}`,
    query: new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)),
  };
}

function readHeader(line: string, into: Map<string, string>): void {
  const colon = line.indexOf(':');
  if (colon > 0) into.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
}

/** Returns the token of an Authorization header, or null. */
export function bearer(header: string | undefined): string | null {
  return /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1] ?? null;
}

function refused(message: string): { ok: false; reply: Reply } {
  return { ok: false, reply: platformError(400, message, 'badRequest') };
}
