import type { GmailMessage } from '@syncline/google';
import { readParameters } from './header-parameters.js';

/*
 * A message's part tree, and the role of each part: a part of the body, an attachment, or a
 * container of others.
 */

export type Part = NonNullable<GmailMessage['payload']>;

/**
 * Decides where a part's bytes are stored. The union is closed, so that no inline content of a
 * message is lost.
 */
type PartRole =
  /** Its text belongs to the message's text. */
  | 'text'
  | 'html'
  /** It is listed as an attachment; its bytes are fetched from Google on request. */
  | 'attachment'
  /** It has no bytes of its own, or its bytes belong to an attachment around it. */
  | 'container';

export interface PlacedPart {
  part: Part;
  role: PartRole;
  /**
   * A text of the message that Google delivers separately and that is not fetched: an attachment
   * until then. See attached-bodies.ts.
   */
  isAttachedBody: boolean;
}

/**
 * Returns every part in document order, at any depth. The nesting of a response is bounded only by
 * its size, so there is no recursion. Text inside an attached message belongs to that message: it
 * is delivered with the message's bytes, or is an attachment if the message has none.
 */
export function placedParts(root: Part): PlacedPart[] {
  const found: PlacedPart[] = [];
  const open: { part: Part; within: Around }[] = [{ part: root, within: 'message' }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { part, within } = next;
    const role = roleOf(part, within);
    const isAttachedBody = within === 'message' && isFetched(part) && isTextOfMessage(part);
    found.push({ part, role, isAttachedBody });
    const children = part.parts ?? [];
    const inner = isMessage(mimeTypeOf(part)) ? aroundOf(role, within) : within;
    for (let n = children.length - 1; n >= 0; n--) {
      const child = children[n];
      if (child) open.push({ part: child, within: inner });
    }
  }
  return found;
}

/**
 * Whether any text is delivered separately. Nearly all mail has none, which this finds without
 * placing the parts.
 */
export function hasFetchedText(part: Part, depth = 0): boolean {
  if (depth > DEPTH_LIMIT) return true;
  if (!part.filename && isFetched(part) && mimeTypeOf(part).startsWith('text/')) return true;
  for (const child of part.parts ?? []) if (hasFetchedText(child, depth + 1)) return true;
  return false;
}

/** Real mail is less deep; deeper parts are classified in full. */
const DEPTH_LIMIT = 200;

/**
 * What encloses a part: the message itself, a message that is listed as an attachment, or one that
 * is not.
 */
type Around = 'message' | 'listed-message' | 'unlisted-message';

function aroundOf(role: PartRole, within: Around): Around {
  return role === 'attachment' || within === 'listed-message'
    ? 'listed-message'
    : 'unlisted-message';
}

function roleOf(part: Part, within: Around): PartRole {
  const mimeType = mimeTypeOf(part);
  if (mimeType.startsWith('multipart/')) return part.body?.data ? 'attachment' : 'container';
  if (isMessage(mimeType)) return hasNameOrBytes(part) ? 'attachment' : 'container';
  if (isTextOfMessage(part)) return roleOfText(part, within);
  // No type, no name, no data: a payload that Google left out.
  return mimeType !== '' || hasNameOrBytes(part) ? 'attachment' : 'container';
}

function roleOfText(part: Part, within: Around): PartRole {
  // The bytes of the enclosing message contain the text, even if Google delivers it separately.
  if (within === 'listed-message') return 'container';
  if (within === 'unlisted-message' || isFetched(part)) return 'attachment';
  return mimeTypeOf(part) === 'text/plain' ? 'text' : 'html';
}

function hasNameOrBytes({ filename, body }: Part): boolean {
  return Boolean(filename || body?.attachmentId || body?.data);
}

/** Whether a type is a message's: RFC 2046, RFC 6532 and the name that news programs use. */
function isMessage(mimeType: string): boolean {
  return ['message/rfc822', 'message/global', 'message/news'].includes(mimeType);
}

/** Whether a part is nameless plain text or html that is not declared as attached. */
function isTextOfMessage(part: Part): boolean {
  const mimeType = mimeTypeOf(part);
  if (part.filename || (mimeType !== 'text/plain' && mimeType !== 'text/html')) return false;
  const disposition = partHeader(part, 'content-disposition');
  return disposition === null || readParameters(disposition).value !== 'attachment';
}

/** Whether the part's bytes are missing from the response. */
function isFetched({ body }: Part): boolean {
  return Boolean(body?.attachmentId) && !body?.data;
}

function mimeTypeOf(part: Part): string {
  return (part.mimeType ?? '').toLowerCase();
}

/** Returns a header. Names are compared without case, and of a repeated header the first counts. */
export function partHeader(part: Part, name: string): string | null {
  for (const header of part.headers ?? []) {
    if (header.name?.length === name.length && header.name.toLowerCase() === name)
      return header.value ?? '';
  }
  return null;
}
