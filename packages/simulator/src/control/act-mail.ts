import { arrivalLabels } from '../generate/seed-mailbox.js';
import type { MailRecipe } from '../generate/mail.js';
import { encodeWords } from '../mime/words.js';
import type { Mailbox, MailContent, StoredMessage } from '../mailbox.js';
import type { ActionOrder, ActResult, ActionContext } from './act.js';

export const MAIL_ACTIONS = [
  'deliver',
  'label',
  'unlabel',
  'trash',
  'delete',
  'draft-save',
  'draft-send',
  'label-create',
  'label-rename',
  'label-delete',
  'label-unlist',
  'touch',
] as const;
export type MailAction = (typeof MAIL_ACTIONS)[number];
type Touched = Pick<ActResult, 'messageId' | 'threadId' | 'labelId' | 'draftId'>;

/** Returns null when there was nothing to act on. */
export function actOnMail(
  context: ActionContext,
  order: ActionOrder & { action: MailAction },
): Touched | null {
  return PERFORM[order.action](context, order);
}

const PERFORM: Record<MailAction, (context: ActionContext, order: ActionOrder) => Touched | null> =
  {
    deliver,
    label: (context, order) => relabel(context, order, true),
    unlabel: (context, order) => relabel(context, order, false),
    trash: (context, order) =>
      onMessage(context, order, (mailbox, { id }, nowMs) => {
        mailbox.modify([id], ['TRASH'], ['INBOX'], nowMs);
      }),
    delete: (context, order) =>
      onMessage(context, order, (mailbox, { id }, nowMs) => {
        mailbox.delete([id], nowMs);
      }),
    touch: (context, order) =>
      onMessage(context, order, (mailbox, { id }, nowMs) => {
        mailbox.touch(id, nowMs);
      }),
    'draft-save': saveDraft,
    'draft-send': sendDraft,
    'label-create': createLabel,
    'label-rename': (context, order) =>
      onLabel(context, order, ({ labels }, id) =>
        labels.rename(id, order.name ?? `Renamed ${context.account.prng.hex(6)}`),
      ),
    'label-delete': (context, order) =>
      onLabel(context, order, (mailbox, id) => mailbox.deleteLabel(id, context.clock.nowMs())),
    'label-unlist': (context, order) =>
      onLabel(context, order, ({ labels }, id) => labels.unlist(id)),
  };

function createLabel({ account }: ActionContext, order: ActionOrder): Touched {
  const name = order.name ?? `Label ${account.prng.hex(6)}`;
  return { labelId: account.mailbox.labels.create(name).id };
}

function deliver(context: ActionContext, order: ActionOrder): Touched {
  const { mailbox, prng } = context.account;
  const nowMs = context.clock.nowMs();
  const threadId =
    order.threadId ??
    (prng.chance(0.3) && mailbox.size > 0 && !isWritten(order)
      ? prng.pick(mailbox.messages()).threadId
      : null);
  const thread = threadId === null ? [] : mailbox.thread(threadId);
  if (order.threadId !== undefined && thread.length === 0) throw new Error('no such thread');
  const labelIds = order.labelIds ?? arrivalLabels(prng);
  const content = contentOf(
    context,
    order,
    thread[0],
    thread.length,
    labelIds.includes('SENT') ? 'sent' : 'received',
  );
  const message = mailbox.add(
    {
      content,
      labelIds,
      internalDateMs: order.internalDateMs ?? nowMs,
      ...(threadId === null ? {} : { threadId }),
    },
    nowMs,
  );
  return { messageId: message.id, threadId: message.threadId };
}

function saveDraft(context: ActionContext, order: ActionOrder): Touched {
  const { mailbox, prng } = context.account;
  const nowMs = context.clock.nowMs();
  const known = [...mailbox.drafts.keys()];
  const chosen = order.draftId ?? (known.length > 0 && prng.chance(0.7) ? prng.pick(known) : null);
  const before =
    chosen === null ? undefined : (mailbox.get(mailbox.drafts.get(chosen) ?? '') ?? undefined);
  const content = contentOf(context, order, before, 0, 'draft');
  const { draftId, message } = mailbox.saveDraft(chosen, { content, internalDateMs: nowMs }, nowMs);
  return { draftId, messageId: message.id, threadId: message.threadId };
}

/** Deletes the draft and adds its content as a sent message with a new id. */
function sendDraft(context: ActionContext, order: ActionOrder): Touched | null {
  const { mailbox, prng } = context.account;
  const nowMs = context.clock.nowMs();
  const known = [...mailbox.drafts.keys()];
  const draftId = order.draftId ?? (known.length === 0 ? null : prng.pick(known));
  if (draftId === null) return null;
  const draft = mailbox.get(mailbox.drafts.get(draftId) ?? '');
  if (draft === null) throw new Error('no such draft');
  mailbox.delete([draft.id], nowMs);
  const message = mailbox.add(
    { content: draft.content, labelIds: ['SENT'], internalDateMs: nowMs, threadId: draft.threadId },
    nowMs,
  );
  return { draftId, messageId: message.id, threadId: message.threadId };
}

/** Returns the given content, or a generated message that continues the thread of `first`. */
function contentOf(
  context: ActionContext,
  order: ActionOrder,
  first: StoredMessage | undefined,
  position: number,
  role: MailRecipe['role'],
): MailContent {
  if (order.rawBase64 !== undefined)
    return { kind: 'given', raw: Buffer.from(order.rawBase64, 'base64') };
  const nowMs = context.clock.nowMs();
  if (isWritten(order)) return { kind: 'given', raw: written(context, order, nowMs) };
  const { prng, email } = context.account;
  const topicSeed =
    first?.content.kind === 'generated' ? first.content.recipe.topicSeed : prng.uint32();
  return {
    kind: 'generated',
    recipe: { seed: prng.uint32(), topicSeed, owner: email, role, position, dateMs: nowMs },
  };
}

/**
 * Whether the order specifies content. The message then begins a new thread unless one is named.
 */
function isWritten(order: ActionOrder): boolean {
  return [order.rawBase64, order.subject, order.text, order.html].some(
    (given) => given !== undefined,
  );
}

function written(context: ActionContext, order: ActionOrder, nowMs: number): Buffer {
  const type = order.html === undefined ? 'text/plain' : 'text/html';
  const head = [
    `From: ${encodeWords(order.from ?? 'sender@elsewhere.example')}`,
    `To: ${context.account.email}`,
    `Subject: ${encodeWords(order.subject ?? '')}`,
    `Date: ${new Date(nowMs).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${context.account.prng.hex(20)}@mail.example>`,
    'MIME-Version: 1.0',
    `Content-Type: ${type}; charset=utf-8`,
    'Content-Transfer-Encoding: 8bit',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${order.html ?? order.text ?? ''}`);
}

/** Adds or removes labels of a message; a random one if none is named. */
function relabel(context: ActionContext, order: ActionOrder, add: boolean): Touched | null {
  const { mailbox, prng } = context.account;
  const given = order.labelIds ?? (order.labelId === undefined ? null : [order.labelId]);
  const unknown = given?.find((id) => mailbox.labels.get(id) === null);
  if (unknown !== undefined) throw new Error('no such label');
  return onMessage(context, order, (_mailbox, message, nowMs) => {
    const labels = given ?? [
      add
        ? prng.pick(['STARRED', 'UNREAD', 'IMPORTANT', 'INBOX', ...mailbox.labels.userIds()])
        : prng.pick(message.labelIds.length > 0 ? message.labelIds : ['UNREAD']),
    ];
    const movable = labels.filter(
      (label) => given !== null || (label !== 'SENT' && label !== 'DRAFT'),
    );
    mailbox.modify([message.id], add ? movable : [], add ? [] : movable, nowMs);
  });
}

function onMessage(
  context: ActionContext,
  order: ActionOrder,
  change: (mailbox: Mailbox, message: StoredMessage, nowMs: number) => void,
): Touched | null {
  const { mailbox, prng } = context.account;
  if (order.messageId === undefined && mailbox.size === 0) return null;
  const message =
    order.messageId === undefined ? prng.pick(mailbox.messages()) : mailbox.get(order.messageId);
  if (message === null) throw new Error('no such message');
  change(mailbox, message, context.clock.nowMs());
  return { messageId: message.id, threadId: message.threadId };
}

function onLabel(
  context: ActionContext,
  order: ActionOrder,
  change: (mailbox: Mailbox, labelId: string) => boolean,
): Touched | null {
  const { mailbox } = context.account;
  const known = mailbox.labels.userIds();
  const labelId = order.labelId ?? (known.length === 0 ? null : context.account.prng.pick(known));
  if (labelId === null) return null;
  if (!change(mailbox, labelId)) throw new Error('no such user label');
  return { labelId };
}
