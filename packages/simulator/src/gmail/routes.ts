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

/** Returns the method for a path below /gmail/v1/users/ (`userId` first), or null. */
export function routeGmail(httpMethod: string, path: readonly string[]): Route | null {
  const [userId, collection, id, child, childId, ...rest] = path;
  if (userId === undefined || collection === undefined || rest.length > 0) return null;
  if (httpMethod === 'POST') return id === undefined ? route(POSTED.get(collection), userId) : null;
  if (httpMethod !== 'GET') return null;
  if (id === undefined) return route(COLLECTIONS.get(collection), userId);
  if (child === undefined) return route(ITEMS.get(collection), userId, id);
  if (childId === undefined) return null;
  return route(CHILDREN.get(`${collection}/${child}`), userId, id, childId);
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

const POSTED = new Map<string, GmailMethod>([
  ['watch', 'watch'],
  ['stop', 'stop'],
]);
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
const CHILDREN = new Map<string, GmailMethod>([
  ['messages/attachments', 'messages.attachments.get'],
]);

function route(name: GmailMethod | undefined, userId: string, ...ids: string[]): Route | null {
  return name === undefined ? null : { method: { api: 'gmail', name }, userId, ids };
}
