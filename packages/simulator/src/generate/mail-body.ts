/**
 * The body of a generated message as a tree of encoded segments. It produces both the bytes on the
 * wire and, without parsing them, the API's view; a test compares the two for thousands of
 * messages.
 */
import type { PartView } from '../gmail/message-view.js';
import type { Header } from '../mime/headers.js';
import { isAttachment, parseMessage } from '../mime/part.js';
import { unreachable } from '../unreachable.js';
import type { Segment } from './text-pool.js';

export type Body =
  | { kind: 'leaf'; type: LeafType; segments: readonly Segment[]; words: string }
  | { kind: 'multipart'; subtype: string; boundary: string; bodies: readonly Body[] }
  | { kind: 'forwarded'; type: LeafType; lead: readonly string[]; inner: Body };

/** The content type and encoding of a leaf. */
export interface LeafType {
  readonly text: string;
  readonly headers: readonly Header[];
  readonly mimeType: string;
  readonly filename: string;
  readonly fetched: boolean;
}

/**
 * Parses content headers (lines with their ends) once, because generated messages reuse a few of
 * them.
 */
export function leafType(text: string): LeafType {
  const known = leafTypes.get(text);
  if (known !== undefined) return known;
  const part = parseMessage(Buffer.from(`${text}\r\nx`, 'latin1'));
  const type = {
    text,
    headers: part.headers,
    mimeType: part.mimeType,
    filename: part.filename,
    fetched: isAttachment(part),
  };
  if (leafTypes.size < LEAF_TYPES_KEPT) leafTypes.set(text, type);
  return type;
}

const leafTypes = new Map<string, LeafType>();
const LEAF_TYPES_KEPT = 1_000;

/** Content headers and content as latin1 views. */
export interface Wire {
  headers: string;
  content: string;
}

export function wireOf(body: Body): Wire {
  switch (body.kind) {
    case 'leaf':
      return { headers: body.type.text, content: body.segments.map((one) => one.wire).join('') };
    case 'multipart': {
      const parts = body.bodies.map((one) => {
        const { headers, content } = wireOf(one);
        return `--${body.boundary}\r\n${headers}\r\n${content}\r\n`;
      });
      return {
        headers: `Content-Type: ${multipartType(body)}\r\n`,
        content: `${parts.join('')}--${body.boundary}--\r\n`,
      };
    }
    case 'forwarded': {
      const { headers, content } = wireOf(body.inner);
      return {
        headers: body.type.text,
        content: `${body.lead.join('\r\n')}\r\n${headers}\r\n${content}`,
      };
    }
    default:
      return unreachable(body);
  }
}

/** Returns the number of bytes of `wireOf(body)`: headers, the empty line, content. */
export function wireLength(body: Body): number {
  switch (body.kind) {
    case 'leaf':
      return body.segments.reduce((sum, one) => sum + one.wire.length, body.type.text.length + 2);
    case 'multipart':
      return (
        'Content-Type: \r\n\r\n'.length +
        multipartType(body).length +
        body.bodies.reduce(
          (sum, one) => sum + body.boundary.length + 6 + wireLength(one),
          body.boundary.length + 6,
        )
      );
    case 'forwarded':
      return body.type.text.length + 2 + forwardedLength(body);
    default:
      return unreachable(body);
  }
}

/** Returns the API's view of a body. `lead` are the headers before the content headers. */
export function bodyView(body: Body, id: string, lead: readonly Header[]): PartView {
  switch (body.kind) {
    case 'leaf': {
      const { type, segments } = body;
      const size = segments.reduce((sum, one) => sum + one.size, 0);
      const data = type.fetched ? [] : segments.map((one) => one.base64);
      return {
        id,
        mimeType: type.mimeType,
        filename: type.filename,
        headers: [...lead, ...type.headers],
        fetched: type.fetched,
        size,
        data,
        parts: [],
      };
    }
    case 'multipart': {
      const headers = [...lead, { name: 'Content-Type', value: multipartType(body) }];
      const parts = body.bodies.map((one, index) =>
        bodyView(one, id === '' ? String(index) : `${id}.${index}`, []),
      );
      return {
        id,
        mimeType: `multipart/${body.subtype}`,
        filename: '',
        headers,
        fetched: false,
        size: 0,
        data: [],
        parts,
      };
    }
    case 'forwarded': {
      const { mimeType, filename, headers, fetched } = body.type;
      const inner = bodyView(body.inner, `${id}.0`, headersOf(body.lead));
      return {
        id,
        mimeType,
        filename,
        headers: [...lead, ...headers],
        fetched,
        size: forwardedLength(body),
        data: [],
        parts: [inner],
      };
    }
    default:
      return unreachable(body);
  }
}

/** Returns the text of the first leaf with white space collapsed; the snippet is cut from it. */
export function firstWords(body: Body): string {
  switch (body.kind) {
    case 'leaf':
      return body.words;
    case 'multipart':
      return body.bodies.map(firstWords).find((words) => words !== '') ?? '';
    case 'forwarded':
      return firstWords(body.inner);
    default:
      return unreachable(body);
  }
}

/** Converts `Name: value` lines to the headers that the API shows, unfolded. */
export function headersOf(lines: readonly string[]): Header[] {
  return lines.map((line) => {
    const colon = line.indexOf(': ');
    return { name: line.slice(0, colon), value: line.slice(colon + 2).replaceAll('\r\n', '') };
  });
}

function multipartType(body: { subtype: string; boundary: string }): string {
  return `multipart/${body.subtype}; boundary="${body.boundary}"`;
}

function forwardedLength(body: { lead: readonly string[]; inner: Body }): number {
  return body.lead.reduce((sum, line) => sum + line.length + 2, 0) + wireLength(body.inner);
}
