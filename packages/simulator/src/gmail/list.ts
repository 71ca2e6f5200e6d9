import type { Mailbox, StoredMessage } from '../mailbox.js';
import { badRequest, platformError } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import { badPageSize, flag, pageLength, pageSize } from './parameters.js';
import { messageTest, type MessageQuery, type MessageTest } from './query.js';

/** The position of a list: the query, its page size, and the last returned message. */
export interface ListPosition {
  kind: 'messages' | 'threads' | 'drafts';
  owner: string;
  query: MessageQuery;
  size: number;
  afterDateMs: number;
  afterId: string;
}

const DEFAULT_SIZE = 100;
const LARGEST_SIZE = 500;

/** Serves `messages.list`: newest first, only ids; spam and trash only if requested. */
export function listMessages(asked: Asked): Reply {
  return listPage(asked, 'messages', (mailbox, from, test, size) => {
    const found = collect(mailbox, from, test, size);
    return {
      items: found.map(({ id, threadId }) => ({ id, threadId })),
      last: found.at(-1) ?? null,
    };
  });
}

/** Serves `threads.list`: a thread has the position of its newest matching message. */
export function listThreads(asked: Asked): Reply {
  return listPage(asked, 'threads', (mailbox, from, test, size) => {
    const newest = (message: StoredMessage): boolean =>
      test(message) &&
      mailbox
        .thread(message.threadId)
        .filter(test)
        .every((other) => !newer(other, message));
    const found = collect(mailbox, from, newest, size);
    const items = found.map((message) => ({
      id: message.threadId,
      snippet: mailbox.view(message).snippet,
      historyId: threadHistoryId(mailbox, message.threadId),
    }));
    return { items, last: found.at(-1) ?? null };
  });
}

/** Serves `drafts.list`. */
export function listDrafts(asked: Asked): Reply {
  const { mailbox } = asked.account;
  const draftIds = new Map([...mailbox.drafts].map(([draftId, messageId]) => [messageId, draftId]));
  return listPage(asked, 'drafts', (_, from, test, size) => {
    const found = collect(
      mailbox,
      from,
      (message) => draftIds.has(message.id) && test(message),
      size,
    );
    return {
      items: found.map((message) => ({
        id: draftIds.get(message.id),
        message: { id: message.id, threadId: message.threadId },
      })),
      last: found.at(-1) ?? null,
    };
  });
}

/** Returns the newest record of any message of a thread, as text. */
export function threadHistoryId(mailbox: Mailbox, threadId: string): string {
  return String(
    mailbox
      .thread(threadId)
      .reduce((newest, message) => (message.historyId > newest ? message.historyId : newest), 0n),
  );
}

type Collect = (
  mailbox: Mailbox,
  from: number,
  test: MessageTest,
  size: number,
) => { items: unknown[]; last: StoredMessage | null };

function listPage(asked: Asked, kind: ListPosition['kind'], take: Collect): Reply {
  const { mailbox } = asked.account;
  const size = pageSize(asked, DEFAULT_SIZE, LARGEST_SIZE);
  if (size === null) return badPageSize(asked);
  const position = requestedPosition(asked, kind, size);
  if (position === null) return badRequest('gmail', 'Invalid pageToken');
  const unknown = position.query.labelIds.find((id) => mailbox.labels.get(id) === null);
  if (unknown !== undefined)
    return platformError(400, `Invalid label: ${unknown}`, 'invalidArgument');
  const test = messageTest(mailbox, position.query);
  const from = mailbox.position(position.afterDateMs, position.afterId);
  const { items, last } = take(mailbox, from, test, pageLength(asked, position.size));
  const reached =
    last === null ? position : { ...position, afterDateMs: last.internalDateMs, afterId: last.id };
  const more =
    collect(mailbox, mailbox.position(reached.afterDateMs, reached.afterId), test, 1).length > 0;
  const next = more ? { nextPageToken: asked.sim.listPages.issue(reached) } : {};
  return jsonReply(
    {
      ...(items.length > 0 ? { [kind]: items } : {}),
      ...next,
      resultSizeEstimate: estimate(asked, items.length, more),
    },
    asked.format,
  );
}

/** Returns the position at which the list begins or continues; null for a token of another list. */
function requestedPosition(
  asked: Asked,
  kind: ListPosition['kind'],
  size: number,
): ListPosition | null {
  const { owner } = asked.account.mailbox;
  const token = asked.query.get('pageToken') ?? '';
  if (token === '')
    return {
      kind,
      owner,
      query: queryOf(asked),
      size,
      afterDateMs: Number.POSITIVE_INFINITY,
      afterId: '',
    };
  const found = asked.sim.listPages.find(token);
  if (found === null || found.kind !== kind || found.owner !== owner) return null;
  return asked.query.has('maxResults') ? { ...found, size } : found;
}

function queryOf(asked: Asked): MessageQuery {
  return {
    labelIds: asked.query.getAll('labelIds'),
    q: asked.query.get('q') ?? '',
    includeSpamTrash: flag(asked, 'includeSpamTrash'),
  };
}

/** Returns up to `size` messages older than the one at `from`, newest first. */
function collect(mailbox: Mailbox, from: number, test: MessageTest, size: number): StoredMessage[] {
  const all = mailbox.messages();
  const found: StoredMessage[] = [];
  for (let at = from - 1; at >= 0 && found.length < size; at--) {
    const message = all[at] as StoredMessage;
    if (test(message)) found.push(message);
  }
  return found;
}

function newer(one: StoredMessage, two: StoredMessage): boolean {
  return one.internalDateMs === two.internalDateMs
    ? one.id > two.id
    : one.internalDateMs > two.internalDateMs;
}

/**
 * Google's estimate is not exact and differs between pages; only for a list of one page is it close
 * to the number of items.
 */
function estimate(asked: Asked, items: number, more: boolean): number {
  return more
    ? Math.max(
        items + 1,
        Math.round(asked.account.mailbox.size * (0.7 + 0.6 * asked.sim.traffic.next())),
      )
    : items;
}
