import { connectSessionDocument, createConnectSession } from '@syncline/control/connect';
import type { Caller } from '@syncline/control/api-keys';
import type { Runtime } from '@syncline/runtime';
import type { AccountView } from '@syncline/store';
import type { HandlersOf } from '../v1/handler.js';
import type { HandlerDeps } from './index.js';

type Connect = HandlersOf<'Connect'>;

const DEFAULT_TENANT = 'default';
const NOT_FOUND = { problem: 'not-found', detail: 'There is no such connect session.' } as const;
const NO_ACCOUNT = {
  problem: 'not-found',
  detail: 'There is no such account in the tenant of the key.',
} as const;
const NOT_CONFIGURED = {
  problem: 'connect-not-configured',
  detail: 'The API has no OAuth client: set GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.',
} as const;

export function connectHandlers(rt: Runtime, deps: HandlerDeps): Connect {
  return {
    'connectSessions.create': creating(rt, deps),
    'connectSessions.get': async ({ params: { id }, caller: { tenant } }) => {
      const session = await deps.store.connectSessions.find(id);
      if (session === null || (tenant !== null && session.tenant !== tenant)) return NOT_FOUND;
      return { status: 200, body: connectSessionDocument(session) };
    },
  };
}

function creating(rt: Runtime, deps: HandlerDeps): Connect['connectSessions.create'] {
  const { connect, store } = deps;
  return async ({ body, caller }) => {
    if (connect === null) return NOT_CONFIGURED;
    const account = await accountOf(deps, body.accountId ?? null);
    if (account === 'none') return NO_ACCOUNT;
    const tenant = tenantOf(body.tenant, account, caller);
    if (tenant === null) return NO_ACCOUNT;
    const request = {
      tenant,
      ref: body.ref ?? null,
      resources: body.resources,
      returnTo: body.returnTo ?? null,
      account,
      project: body.project,
      ttlMs: body.expiresInSeconds * 1_000,
    };
    const created = await createConnectSession(rt, { ...connect, store }, request, caller);
    if (created.kind === 'refused') return { problem: created.problem, detail: created.detail };
    const { session, url } = created;
    return {
      status: 201,
      body: { ...connectSessionDocument(session), url },
      headers: { Location: `/v1/connect-sessions/${session.id}`, 'Cache-Control': 'no-store' },
    };
  };
}

/** Returns null when the key or the account is of another tenant. */
function tenantOf(
  named: string | undefined,
  account: AccountView | null,
  caller: Caller,
): string | null {
  const tenant = named ?? account?.tenant ?? caller.tenant ?? DEFAULT_TENANT;
  const isAccounts = account === null || account.tenant === tenant;
  const isCallers = caller.tenant === null || caller.tenant === tenant;
  return isAccounts && isCallers ? tenant : null;
}

/** Row security hides accounts of other tenants. */
async function accountOf(
  { store }: HandlerDeps,
  id: string | null,
): Promise<AccountView | 'none' | null> {
  return id === null ? null : ((await store.accounts.view(id)) ?? 'none');
}
