import {
  accountDocument,
  pauseAccount,
  resumeAccount,
  type AccountDocument,
} from '@syncline/control/accounts';
import { importAccount, importLines, type Imported } from '@syncline/control/import';
import { operationDocument, requestRemoval } from '@syncline/control/operations';
import { DEFAULT_PROJECT, type Runtime } from '@syncline/runtime';
import type { AccountView } from '@syncline/store';
import { REMOVED, type HandlersOf } from '../v1/handler.js';
import { BAD_CURSOR, pageOf, positionOf, TEXT, UUID } from '../v1/paging.js';
import type { HandlerDeps } from './index.js';

/** The tenant of an account that is connected without one. */
const DEFAULT_TENANT = 'default';

type Accounts = HandlersOf<'Accounts'>;

export function accountHandlers(rt: Runtime, deps: HandlerDeps): Accounts {
  const { store } = deps;
  const shown = (view: AccountView): AccountDocument => accountDocument(view, rt.clock.nowMs());
  return {
    'accounts.list': listing(deps, shown),
    'accounts.create': creating(rt, deps, shown),
    'accounts.get': async ({ account }) => {
      const view = await store.accounts.view(account.id);
      return view === null ? REMOVED : { status: 200, body: shown(view) };
    },
    'accounts.update': async ({ account, body }) => {
      const changed = body.paused
        ? await pauseAccount(deps, account)
        : await resumeAccount(deps, account);
      if (changed.kind === 'refused')
        return { problem: 'state-conflict', detail: `The account is ${changed.state}.` };
      const view = await store.accounts.view(account.id);
      return view === null ? REMOVED : { status: 200, body: shown(view) };
    },
    'accounts.remove': async ({ account, query }) => {
      const operation = await requestRemoval(rt, deps, account, query);
      return {
        status: 202,
        body: operationDocument(operation),
        headers: { Location: `/v1/operations/${operation.id}` },
      };
    },
  };
}

type Shown = (view: AccountView) => AccountDocument;

function listing({ store }: HandlerDeps, shown: Shown): Accounts['accounts.list'] {
  return async ({ query, caller }) => {
    const asked = { route: 'accounts.list', params: { tenant: caller.tenant }, query };
    const position = positionOf(asked, [TEXT, UUID]);
    if (position === 'bad-cursor') return BAD_CURSOR;
    const { tenant = caller.tenant, email, state } = query;
    // Another tenant has no accounts for this key.
    if (caller.tenant !== null && tenant !== caller.tenant)
      return { status: 200, body: { data: [], next: null } };
    const [afterTenant = '', afterId = ''] = position ?? [];
    const after = position && { tenant: afterTenant, id: afterId };
    const { rows, next } = await pageOf(
      asked,
      (limit) => store.accounts.page({ tenant: tenant ?? undefined, email, state, after, limit }),
      (account) => [account.tenant, account.id],
    );
    return { status: 200, body: { data: rows.map(shown), next } };
  };
}

type Creation = Parameters<Accounts['accounts.create']>[0];
type Created = Awaited<ReturnType<Accounts['accounts.create']>>;

function creating(rt: Runtime, deps: HandlerDeps, shown: Shown): Accounts['accounts.create'] {
  return async ({ lines, ...request }) => {
    const { caller, query } = request;
    const checks = { store: deps.store, google: query.verify ? deps.google : null };
    if (lines === null) return createOne(rt, { ...deps, ...checks }, request, shown);
    const { projects } = deps;
    const content = oneChunk(lines);
    const stream = (signal: AbortSignal): AsyncGenerator<string> =>
      textOf(importLines(rt, checks, { content, projects, tenant: caller.tenant, signal }));
    return { status: 200, media: 'application/x-ndjson', stream };
  };
}

async function createOne(
  rt: Runtime,
  deps: HandlerDeps,
  { body, caller }: Omit<Creation, 'lines'>,
  shown: Shown,
): Promise<Created> {
  const tenant = body.tenant ?? caller.tenant ?? DEFAULT_TENANT;
  if (caller.tenant !== null && tenant !== caller.tenant)
    return { problem: 'not-found', detail: 'The key belongs to another tenant.' };
  if (![undefined, DEFAULT_PROJECT, ...deps.projects].includes(body.project))
    return { problem: 'grant-refused', detail: 'The Google project is not configured.' };
  const { refreshToken = null, delegation, ...named } = body;
  if ((refreshToken === null) === (delegation === undefined))
    return {
      problem: 'grant-refused',
      detail: 'An account has either a refreshToken or a delegation.',
    };
  const grant = delegation === undefined ? {} : { delegation };
  const imported = await importAccount(rt, deps, { ...named, ...grant, refreshToken, tenant });
  if (imported.id === null) return refusalOf(imported);
  const view = await deps.store.accounts.view(imported.id);
  if (view === null) return REMOVED;
  return imported.what === 'updated'
    ? { status: 200, body: shown(view) }
    : { status: 201, body: shown(view), headers: { Location: `/v1/accounts/${imported.id}` } };
}

function refusalOf({ problem, isBeingRemoved }: Imported): Created {
  return isBeingRemoved
    ? { problem: 'state-conflict', detail: 'The account is being removed.' }
    : { problem: 'grant-refused', detail: problem ?? 'The account was refused.' };
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function* textOf(documents: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const document of documents) yield `${JSON.stringify(document)}\n`;
}
