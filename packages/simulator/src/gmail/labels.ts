import type { Mailbox } from '../mailbox.js';
import type { StoredLabel } from '../mailbox-labels.js';
import { notFound } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';

/** Serves `labels.list`: every label, without counters. */
export function listLabels(asked: Asked): Reply {
  return jsonReply({ labels: asked.account.mailbox.labels.all().map(labelResource) }, asked.format);
}

/** Serves `labels.get`, with counters. */
export function getLabel(asked: Asked): Reply {
  const [id = ''] = asked.ids;
  const { mailbox } = asked.account;
  const label = mailbox.labels.get(id);
  if (label === null) return notFound('gmail');
  return jsonReply({ ...labelResource(label), ...counters(mailbox, id) }, asked.format);
}

/**
 * Serves `getProfile`. `historyId` is that of the newest record, the right position to sync from.
 */
export function getProfile(asked: Asked): Reply {
  const { mailbox } = asked.account;
  return jsonReply(
    {
      emailAddress: asked.account.email,
      messagesTotal: mailbox.size,
      threadsTotal: mailbox.threadCount,
      historyId: String(mailbox.history.current),
    },
    asked.format,
  );
}

function labelResource(label: StoredLabel): Record<string, string> {
  const visibility: Record<string, string> =
    label.type === 'user' || label.id.startsWith('CATEGORY_')
      ? {
          messageListVisibility: label.type === 'user' ? 'show' : 'hide',
          labelListVisibility: label.type === 'user' ? 'labelShow' : 'labelHide',
        }
      : {};
  return { id: label.id, name: label.name, ...visibility, type: label.type };
}

function counters(mailbox: Mailbox, id: string): Record<string, number> {
  const messages = mailbox.messages().filter((message) => message.labelIds.includes(id));
  const unread = messages.filter((message) => message.labelIds.includes('UNREAD'));
  const threads = (list: typeof messages): number =>
    new Set(list.map((message) => message.threadId)).size;
  return {
    messagesTotal: messages.length,
    messagesUnread: unread.length,
    threadsTotal: threads(messages),
    threadsUnread: threads(unread),
  };
}
