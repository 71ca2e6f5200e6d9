import type { ApiMethod, GmailMethod, PlainGmailMethod } from '../methods.js';
import type { Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import { getAttachment, type AttachmentIds } from './attachments.js';
import { getDraft, getMessage, getThread } from './get.js';
import { listHistory } from './history.js';
import { getLabel, getProfile, listLabels } from './labels.js';
import { listDrafts, listMessages, listThreads } from './list.js';

export interface Route {
  method: ApiMethod;
  userId: string;
  ids: string[];
}

/** The method that a path below /gmail/v1/users/ names (`userId` first), or null. */
export function routeGmail(httpMethod: string, path: readonly string[]): Route | null {
  const [userId, collection, id, child, childId, ...rest] = path;
  if (userId === undefined || collection === undefined || rest.length > 0) return null;
  if (httpMethod === 'POST')
    return id === undefined && (collection === 'watch' || collection === 'stop')
      ? route(collection, userId, [])
      : null;
  if (httpMethod !== 'GET') return null;
  if (childId !== undefined) {
    return collection === 'messages' && child === 'attachments'
      ? route('messages.attachments.get', userId, [id as string, childId])
      : null;
  }
  if (child !== undefined) return null;
  const name = id === undefined ? COLLECTIONS.get(collection) : ITEMS.get(collection);
  return name === undefined ? null : route(name, userId, id === undefined ? [] : [id]);
}

export type Handlers<Method extends string> = Readonly<Record<Method, (asked: Asked) => Reply>>;

export function gmailHandlers(attachmentIds: AttachmentIds): Handlers<PlainGmailMethod> {
  return {
    getProfile: getProfile,
    'messages.list': listMessages,
    'messages.get': getMessage,
    'messages.attachments.get': getAttachment(attachmentIds),
    'history.list': listHistory,
    'labels.list': listLabels,
    'labels.get': getLabel,
    'threads.list': listThreads,
    'threads.get': getThread,
    'drafts.list': listDrafts,
    'drafts.get': getDraft,
  };
}

const COLLECTIONS = new Map<string, GmailMethod>([
  ['profile', 'getProfile'],
  ['messages', 'messages.list'],
  ['history', 'history.list'],
  ['labels', 'labels.list'],
  ['threads', 'threads.list'],
  ['drafts', 'drafts.list'],
]);
const ITEMS = new Map<string, GmailMethod>([
  ['messages', 'messages.get'],
  ['labels', 'labels.get'],
  ['threads', 'threads.get'],
  ['drafts', 'drafts.get'],
]);

function route(name: GmailMethod, userId: string, ids: string[]): Route {
  return { method: { api: 'gmail', name }, userId, ids };
}
