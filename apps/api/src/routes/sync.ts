import { waitMs } from '@syncline/contract';
import { explainAccount, statusDocument } from '@syncline/control/status';
import { syncAndWait } from '@syncline/control/sync-requests';
import type { Runtime } from '@syncline/runtime';
import { REMOVED, type HandlersOf } from '../v1/handler.js';
import { whileConnected } from '../v1/waiting.js';
import type { HandlerDeps } from './index.js';

export function syncHandlers(rt: Runtime, deps: HandlerDeps): HandlersOf<'Sync'> {
  return {
    'accounts.sync': async ({ account, query, body, gone }) => {
      const synced = await syncAndWait(whileConnected(rt, gone), deps, account, {
        resources: body?.resources ?? [],
        full: body?.full ?? false,
        waitMs: waitMs(query.wait),
      });
      if (synced.kind === 'not-active')
        return { problem: 'state-conflict', detail: `The account is ${synced.state}.` };
      const { requestedAt, behind } = synced;
      return {
        status: behind.length === 0 ? 200 : 202,
        body: {
          requestedAt: new Date(requestedAt),
          caughtUp: behind.length === 0,
          behind: behind.map(({ kind, externalId, reason }) => ({ kind, externalId, reason })),
        },
      };
    },
    'accounts.why': async ({ account }) => {
      const view = await deps.store.accounts.view(account.id);
      if (view === null) return REMOVED;
      const {
        grant: _grant,
        identityId: _identity,
        ...status
      } = statusDocument(await explainAccount(rt, deps, view));
      return { status: 200, body: status };
    },
  };
}
