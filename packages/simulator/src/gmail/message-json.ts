/**
 * A message as JSON. It changes only with its labels, so the text is generated once and cached,
 * together with the positions of attachment ids, which differ at every read. Masks and indentation
 * are applied before caching: a client requests the same variant of every message, and masking it
 * per request would cost more than everything else.
 */
import { applyFields } from '../http/fields.js';
import type { Format } from '../http/reply.js';
import type { Mailbox, StoredMessage } from '../mailbox.js';
import { base64url } from '../mime/base64url.js';
import type { AttachmentIds } from './attachments.js';
import { isPlain, type BodyServing } from './body-serving.js';
import { viewOf, type MessageView, type PartView } from './message-view.js';

export type MessageFormat = 'full' | 'metadata' | 'minimal' | 'raw';

export interface Variant {
  readonly format: MessageFormat;
  readonly metadataHeaders: readonly string[];
  readonly reply: Format;
  readonly fieldsText: string;
}

interface Rendered {
  historyId: bigint;
  bytes: Buffer;
  slots: Slot[];
}

/** The position of a part's attachment id. */
interface Slot {
  at: number;
  partId: string;
}

/**
 * A small cache is enough, because a message is requested once, or again shortly afterwards. A
 * cache of 64 MB had almost no further hits, and memory of that size outside V8's heap triggers
 * full garbage collections.
 */
const DEFAULT_LIMIT_BYTES = 1024 * 1024;

export class MessageJson {
  private readonly kept = new Map<string, Rendered>();
  private keptBytes = 0;

  constructor(
    private readonly attachmentIds: AttachmentIds,
    /** May be changed while the simulator runs. */
    private readonly serving: Readonly<BodyServing>,
    private readonly limitBytes = DEFAULT_LIMIT_BYTES,
  ) {}

  /** Returns the bytes of a Message resource, with new attachment ids each time. */
  render(mailbox: Mailbox, message: StoredMessage, variant: Variant): Buffer {
    const rendered = this.find(mailbox, message, variant);
    if (rendered.slots.length === 0) return rendered.bytes;
    const chunks: Buffer[] = [];
    let from = 0;
    for (const { at, partId } of rendered.slots) {
      chunks.push(
        rendered.bytes.subarray(from, at),
        Buffer.from(this.attachmentIds.mint(message.id, partId), 'latin1'),
      );
      from = at;
    }
    chunks.push(rendered.bytes.subarray(from));
    return Buffer.concat(chunks);
  }

  private find(mailbox: Mailbox, message: StoredMessage, variant: Variant): Rendered {
    const key = `${mailbox.owner} ${message.id} ${variant.format} ${variant.metadataHeaders.join(',')} ${variant.fieldsText} ${variant.reply.pretty ? 'pretty' : ''} ${this.serving.bodyCharset} ${this.serving.inlineBodyBytes}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.keptBytes -= sizeOf(known);
    }
    const rendered =
      known?.historyId === message.historyId
        ? known
        : rendition(mailbox, message, variant, this.serving);
    this.kept.set(key, rendered);
    this.keptBytes += sizeOf(rendered);
    for (const [oldest, entry] of this.kept) {
      if (this.keptBytes <= this.limitBytes) break;
      this.kept.delete(oldest);
      this.keptBytes -= sizeOf(entry);
    }
    return rendered;
  }
}

/** Drafts have no sizeEstimate, and messages without labels no labelIds. */
function messageResource(
  mailbox: Mailbox,
  message: StoredMessage,
  view: MessageView,
  variant: Variant,
): Record<string, unknown> {
  const { format } = variant;
  return {
    id: message.id,
    threadId: message.threadId,
    ...(message.labelIds.length > 0 ? { labelIds: message.labelIds } : {}),
    snippet: view.snippet,
    ...(format === 'full' ? { payload: partResource(view.root) } : {}),
    ...(format === 'metadata'
      ? {
          payload: {
            mimeType: view.root.mimeType,
            headers: onlyHeaders(view.root, variant.metadataHeaders),
          },
        }
      : {}),
    ...(message.labelIds.includes('DRAFT') ? {} : { sizeEstimate: view.size }),
    ...(format === 'raw' ? { raw: base64url(mailbox.raw(message)) } : {}),
    historyId: String(message.historyId),
    internalDate: String(message.internalDateMs),
  };
}

/**
 * Placeholders for an attachment id or a part's data. They are plain ASCII, so that JSON does not
 * escape them, and do not occur in mail. The data bypasses JSON.stringify, which takes longer for 5
 * KB of base64 than everything else together.
 */
const MARK = '~part-4be1f0a97c3d~';
const MARKED = /~part-4be1f0a97c3d~(id|data)([\d.]*)~/;

function partResource(part: PartView): Record<string, unknown> {
  const content = part.data.length > 0 ? { data: `${MARK}data${part.id}~` } : {};
  return {
    partId: part.id,
    mimeType: part.mimeType,
    filename: part.filename,
    headers: part.headers,
    body: part.fetched
      ? { attachmentId: `${MARK}id${part.id}~`, size: part.size }
      : { size: part.size, ...content },
    ...(part.parts.length > 0 ? { parts: part.parts.map(partResource) } : {}),
  };
}

function onlyHeaders(root: PartView, names: readonly string[]): PartView['headers'] {
  if (names.length === 0) return root.headers;
  const asked = new Set(names.map((name) => name.toLowerCase()));
  return root.headers.filter((header) => asked.has(header.name.toLowerCase()));
}

function rendition(
  mailbox: Mailbox,
  message: StoredMessage,
  variant: Variant,
  serving: BodyServing,
): Rendered {
  const view = isPlain(serving) ? mailbox.view(message) : viewOf(mailbox.raw(message), serving);
  const resource = messageResource(mailbox, message, view, variant);
  const asked =
    variant.reply.fields === null ? resource : applyFields(resource, variant.reply.fields);
  const json = variant.reply.pretty ? `${JSON.stringify(asked, null, 2)}\n` : JSON.stringify(asked);
  const pieces = json.includes(MARK) ? json.split(MARKED) : [json];
  const data = dataByPart(view.root);
  const chunks: Buffer[] = [];
  const slots: Slot[] = [];
  let at = 0;
  const append = (chunk: Buffer): void => {
    chunks.push(chunk);
    at += chunk.length;
  };
  for (let index = 0; index < pieces.length; index += 3) {
    append(Buffer.from(pieces[index] as string));
    const kind = pieces[index + 1];
    const partId = pieces[index + 2] ?? '';
    if (kind === 'id') slots.push({ at, partId });
    else if (kind === 'data') data.get(partId)?.forEach(append);
  }
  return { historyId: message.historyId, bytes: ownMemory(chunks, at), slots };
}

function dataByPart(root: PartView): Map<string, readonly Buffer[]> {
  const found = new Map<string, readonly Buffer[]>();
  const visit = (part: PartView): void => {
    if (part.data.length > 0) found.set(part.id, part.data);
    part.parts.forEach(visit);
  };
  visit(root);
  return found;
}

/**
 * Copies the bytes: small buffers share a slab, and caching one would keep its whole slab in
 * memory.
 */
function ownMemory(chunks: readonly Buffer[], length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(bytes, at);
  return bytes;
}

function sizeOf(rendered: Rendered): number {
  return rendered.bytes.length + rendered.slots.length * 50 + 300;
}
