/**
 * Serves `history.list`: records after a start id, oldest first. The answer's `historyId` is that
 * of the mailbox's newest record on every page. Types are filtered by their singular names; a
 * plural name matches no record, as in the real service. Pages continue after a record, so they are
 * stable while the mailbox changes.
 */
import type { HistoryRecord, LabelChange } from '../mailbox-history.js';
import type { StoredMessage } from '../mailbox.js';
import { badRequest, notFound } from '../http/errors.js';
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import { badPageSize, pageLength, pageSize } from './parameters.js';

interface HistoryFilter {
  types: readonly string[];
  labelId: string | null;
}
export interface HistoryPosition {
  owner: string;
  filter: HistoryFilter;
  size: number;
  after: bigint;
}

const DEFAULT_SIZE = 100;
const LARGEST_SIZE = 500;
const LARGEST_UINT64 = 2n ** 64n - 1n;

export function listHistory(asked: Asked): Reply {
  const size = pageSize(asked, DEFAULT_SIZE, LARGEST_SIZE);
  if (size === null) return badPageSize(asked);
  const position = positionOf(asked, size);
  if (typeof position === 'string') return badRequest('gmail', position);
  const { history } = asked.account.mailbox;
  const records = history.after(position.after, asked.sim.clock.nowMs());
  if (records === null) return notFound('gmail');
  const { page, more } = pageOf(records, position, pageLength(asked, position.size));
  const next = more
    ? {
        nextPageToken: asked.sim.historyPages.issue({
          ...position,
          after: page.at(-1)?.record.id ?? position.after,
        }),
      }
    : {};
  const items = page.map(({ resource }) => resource);
  return jsonReply(
    {
      ...(items.length > 0 ? { history: items } : {}),
      ...next,
      historyId: String(history.current),
    },
    asked.format,
  );
}

/** Returns the position, or the message of a 400 when the request is malformed. */
function positionOf(asked: Asked, size: number): HistoryPosition | string {
  const token = asked.query.get('pageToken') ?? '';
  if (token !== '') {
    const found = asked.sim.historyPages.find(token);
    if (found === null || found.owner !== asked.account.key) return 'Invalid pageToken';
    return { ...found, size: asked.query.has('maxResults') ? size : found.size };
  }
  const start = asked.query.get('startHistoryId');
  if (start === null || start === '') return 'Required parameter startHistoryId is missing';
  if (!/^\d{1,20}$/.test(start) || BigInt(start) > LARGEST_UINT64)
    return `Invalid value at 'start_history_id' (TYPE_UINT64), "${start.slice(0, 100)}"`;
  const filter = { types: asked.query.getAll('historyTypes'), labelId: asked.query.get('labelId') };
  return { owner: asked.account.key, filter, size, after: BigInt(start) };
}

interface PageItem {
  record: HistoryRecord;
  resource: Record<string, unknown>;
}

function pageOf(
  records: readonly HistoryRecord[],
  position: HistoryPosition,
  length: number,
): { page: PageItem[]; more: boolean } {
  const page: PageItem[] = [];
  for (const record of records) {
    const resource = recordResource(record, position.filter);
    if (resource === null) continue;
    if (page.length === length) return { page, more: true };
    page.push({ record, resource });
  }
  return { page, more: false };
}

/** Returns null when the filter removes the whole record. */
function recordResource(
  record: HistoryRecord,
  filter: HistoryFilter,
): Record<string, unknown> | null {
  const shown = (type: string, message: StoredMessage, delta: readonly string[] = []): boolean =>
    (filter.types.length === 0 || filter.types.includes(type)) &&
    (filter.labelId === null ||
      message.labelIds.includes(filter.labelId) ||
      delta.includes(filter.labelId));
  const added = record.added.filter((message) => shown('messageAdded', message));
  const deleted = record.deleted.filter((message) => shown('messageDeleted', message));
  const labelsAdded = record.labelsAdded.filter((change) =>
    shown('labelAdded', change.message, change.labelIds),
  );
  const labelsRemoved = record.labelsRemoved.filter((change) =>
    shown('labelRemoved', change.message, change.labelIds),
  );
  const touched = record.touched.filter(
    (message) => filter.types.length === 0 && shown('', message),
  );
  const messages = [
    ...new Set([
      ...added,
      ...deleted,
      ...[...labelsAdded, ...labelsRemoved].map((change) => change.message),
      ...touched,
    ]),
  ];
  if (messages.length === 0) return null;
  return {
    id: String(record.id),
    messages: messages.map(({ id, threadId }) => ({ id, threadId })),
    ...(added.length > 0
      ? { messagesAdded: added.map((message) => ({ message: brief(message) })) }
      : {}),
    ...(deleted.length > 0
      ? { messagesDeleted: deleted.map((message) => ({ message: brief(message) })) }
      : {}),
    ...(labelsAdded.length > 0 ? { labelsAdded: labelsAdded.map(changeResource) } : {}),
    ...(labelsRemoved.length > 0 ? { labelsRemoved: labelsRemoved.map(changeResource) } : {}),
  };
}

/** The labels are the current ones and not those at the time of the record, as at Google. */
function brief(message: StoredMessage): Record<string, unknown> {
  return {
    id: message.id,
    threadId: message.threadId,
    ...(message.labelIds.length > 0 ? { labelIds: message.labelIds } : {}),
  };
}

function changeResource(change: LabelChange): Record<string, unknown> {
  return { message: brief(change.message), labelIds: change.labelIds };
}
