import { badRequest, notFound } from '../http/errors.js';
import { JSON_TYPE, jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import type { StoredMessage } from '../mailbox.js';
import { threadHistoryId } from './list.js';
import type { MessageFormat, Variant } from './message-json.js';
import { isMessageId } from './parameters.js';

/**
 * Serves `messages.get` in every format. A message that has just arrived may get 404, as from
 * Google's replicas.
 */
export function getMessage(asked: Asked): Reply {
  const [id = ''] = asked.ids;
  const variant = variantOf(asked, ['full', 'metadata', 'minimal', 'raw']);
  if (variant === null) return badFormat(asked);
  if (!isMessageId(id)) return badRequest('gmail', 'Invalid id value');
  const message = asked.account.mailbox.get(id);
  if (message === null || isFresh(asked, message)) return notFound('gmail');
  return {
    status: 200,
    contentType: JSON_TYPE,
    body: asked.sim.messageJson.render(asked.account.mailbox, message, variant),
  };
}

/** Serves `threads.get`: the thread's messages, oldest first. It has no raw format. */
export function getThread(asked: Asked): Reply {
  const [id = ''] = asked.ids;
  const { mailbox } = asked.account;
  const variant = variantOf(asked, ['full', 'metadata', 'minimal']);
  if (variant === null) return badFormat(asked);
  if (!isMessageId(id)) return badRequest('gmail', 'Invalid id value');
  const messages = [...mailbox.thread(id)].sort((a, b) => a.internalDateMs - b.internalDateMs);
  if (messages.length === 0) return notFound('gmail');
  const head = { id, historyId: threadHistoryId(mailbox, id) };
  if (!asked.format.pretty && asked.format.fields === null)
    return {
      status: 200,
      contentType: JSON_TYPE,
      body: joined(
        head,
        messages.map((message) => asked.sim.messageJson.render(mailbox, message, variant)),
      ),
    };
  return jsonReply(
    { ...head, messages: messages.map((message) => parsed(asked, message, variant)) },
    asked.format,
  );
}

/**
 * Returns the compact form, concatenated from the bytes of the messages. Parsing and serializing
 * them again would cost more than everything else.
 */
function joined(head: object, messages: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"messages":[`)];
  for (const [index, message] of messages.entries())
    chunks.push(...(index > 0 ? [COMMA] : []), message);
  return Buffer.concat([...chunks, END]);
}

const COMMA = Buffer.from(',');
const END = Buffer.from(']}');

/** Serves `drafts.get`. */
export function getDraft(asked: Asked): Reply {
  const [id = ''] = asked.ids;
  const { mailbox } = asked.account;
  const variant = variantOf(asked, ['full', 'metadata', 'minimal', 'raw']);
  if (variant === null) return badFormat(asked);
  const message = mailbox.get(mailbox.drafts.get(id) ?? '');
  if (message === null) return notFound('gmail');
  return jsonReply({ id, message: parsed(asked, message, variant) }, asked.format);
}

function isFresh(asked: Asked, message: StoredMessage): boolean {
  const lagMs = asked.sim.settings.freshMessageLagMs;
  return lagMs > 0 && asked.sim.clock.nowMs() - message.createdAtMs < lagMs;
}

/** Returns null for a format that this method does not have. */
function variantOf(asked: Asked, formats: readonly MessageFormat[]): Variant | null {
  const text = asked.query.get('format')?.toLowerCase() ?? 'full';
  const format = formats.find((known) => known === text);
  if (format === undefined) return null;
  return {
    format,
    metadataHeaders: asked.query.getAll('metadataHeaders'),
    reply: asked.format,
    fieldsText: asked.query.get('fields') ?? '',
  };
}

function badFormat(asked: Asked): Reply {
  return badRequest('gmail', `Invalid value at 'format' (${asked.query.get('format') ?? ''})`);
}

/** Returns a message inside another resource; the outer resource applies the mask. */
function parsed(asked: Asked, message: StoredMessage, variant: Variant): unknown {
  const whole: Variant = { ...variant, reply: { pretty: false, fields: null }, fieldsText: '' };
  return JSON.parse(asked.sim.messageJson.render(asked.account.mailbox, message, whole).toString());
}
