import type { HandlersOf } from '../../v1/handler.js';
import type { Runtime } from '@syncline/runtime';
import type { Caller } from '@syncline/control/api-keys';
import { READ_FROM } from '@syncline/store';
import { accountList, idKey, isId } from '../../v1/account-list.js';
import { freshly, freshObject } from '../../v1/fresh.js';
import type { ReadDeps } from '../index.js';
import { contentHandlers } from './content.js';

export function mailHandlers(rt: Runtime, deps: ReadDeps): HandlersOf<'Mail'> {
  const { reads } = deps.store;
  return {
    ...contentHandlers(rt, deps),
    'messages.list': async (request) => {
      const { account, query, caller } = request;
      if (lacksContent(caller, query.include)) return LACKS_CONTENT;
      const list = { filter: filterOf(query), parts: partsOf(query.include) };
      return freshly(deps, request, READ_FROM.mail, (fresh) =>
        accountList(askedOf('messages.list', account.id, query), fresh, {
          keyOf: messageKey,
          read: (page) => reads.messages(account.id, { ...list, ...page }),
        }),
      );
    },
    'messages.get': async (request) => {
      const { account, params, query, caller } = request;
      if (lacksContent(caller, query.include)) return LACKS_CONTENT;
      return freshObject(deps, request, READ_FROM.mail, {
        what: 'message',
        read: () => reads.message(account.id, params.messageId, partsOf(query.include)),
      });
    },
    'threads.list': (request) => {
      const { account, query } = request;
      return freshly(deps, request, READ_FROM.mail, (fresh) =>
        accountList(askedOf('threads.list', account.id, query), fresh, {
          keyOf: messageKey,
          read: (page) => reads.threads(account.id, page),
        }),
      );
    },
    'threads.get': (request) =>
      freshObject(deps, request, READ_FROM.mail, {
        what: 'thread',
        read: () => reads.thread(request.account.id, request.params.threadId),
      }),
    'labels.list': (request) => {
      const { account, query } = request;
      return freshly(deps, request, READ_FROM.mail, (fresh) =>
        accountList(askedOf('labels.list', account.id, query), fresh, {
          keyOf: idKey,
          read: (page) => reads.labels(account.id, page),
        }),
      );
    },
  };
}

type Query = Readonly<Record<string, unknown>> & { limit: number; cursor?: string | undefined };

function askedOf(route: string, id: string, query: Query) {
  return { route, params: { id }, query };
}

interface MessageQuery {
  label?: string | undefined;
  thread?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
}

function filterOf({ label, thread, from, to, after, before }: MessageQuery) {
  return {
    labelId: label ?? null,
    threadId: thread ?? null,
    from: from ?? null,
    to: to ?? null,
    fromMs: msOf(after),
    beforeMs: msOf(before),
  };
}

const CONTENT = 'mail:content';
const LACKS_CONTENT = {
  problem: 'missing-scope',
  detail: 'What `include` names needs another scope.',
  scope: CONTENT,
} as const;

function lacksContent({ scopes }: Caller, include: string | undefined): boolean {
  return include !== undefined && !scopes.has(CONTENT);
}

function partsOf(include = ''): { text: boolean; html: boolean; resource: boolean } {
  const parts = include.split(',');
  const has = (part: string): boolean => parts.includes(part);
  return { text: has('text'), html: has('html'), resource: has('resource') };
}

function msOf(time: string | undefined): number | null {
  return time === undefined ? null : Date.parse(time);
}

/** Postgres' times begin in 4713 BC; JavaScript's end in 275760. */
const EARLIEST_MS = -210_000_000_000_000;
const LATEST_MS = 8_640_000_000_000_000;

/** The position of a message: its date, or nothing, and its id. */
function messageKey(position: readonly string[]): { dateMs: number | null; id: string } | null {
  const [date = '', id] = position;
  if (position.length !== 2 || !isId(id) || !/^(?:-?\d{1,16})?$/.test(date)) return null;
  const dateMs = date === '' ? null : Number(date);
  return dateMs === null || (dateMs >= EARLIEST_MS && dateMs <= LATEST_MS) ? { dateMs, id } : null;
}
