import { dropQuarantined, retryQuarantined } from '@syncline/control/quarantine';
import type { HandlersOf } from '../v1/handler.js';
import { BAD_CURSOR, pageOf, positionOf, TEXT, UUID } from '../v1/paging.js';
import type { HandlerDeps } from './index.js';

export function quarantineHandlers(deps: HandlerDeps): HandlersOf<'Quarantine'> {
  const { store } = deps;
  return {
    'quarantine.list': async ({ account, caller, query }) => {
      const asked = { route: 'quarantine.list', params: { tenant: caller.tenant }, query };
      const position = positionOf(asked, [UUID, UUID, TEXT]);
      if (position === 'bad-cursor') return BAD_CURSOR;
      const [accountId = '', collectionId = '', itemId = ''] = position ?? [];
      const after = position && { accountId, collectionId, itemId };
      const list = { tenant: caller.tenant, accountId: account?.id ?? null, after };
      const { rows, next } = await pageOf(
        asked,
        (limit) => store.quarantine.page({ ...list, limit }),
        (item) => [item.accountId, item.collectionId, item.itemId],
      );
      const data = rows.map(({ collectionId: _internal, ...item }) => item);
      return { status: 200, body: { data, next } };
    },
    'quarantine.retry': async ({ account, body }) => {
      const { changed: retried, unknown } = await retryQuarantined(deps, account, body.ids ?? []);
      return { status: 200, body: { retried, unknown } };
    },
    'quarantine.drop': async ({ account, body }) => {
      const { changed: dropped, unknown } = await dropQuarantined(deps, account, body.ids);
      return { status: 200, body: { dropped, unknown } };
    },
  };
}
