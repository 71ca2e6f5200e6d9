import { eventDocument } from '@syncline/control/timeline';
import type { HandlersOf } from '../v1/handler.js';
import { BAD_CURSOR, pageOf, positionOf } from '../v1/paging.js';
import type { HandlerDeps } from './index.js';

/** A number that Postgres takes as an id. */
const EVENT_ID = /^[1-9][0-9]{0,17}$/;

export function timelineHandlers({ store }: Pick<HandlerDeps, 'store'>): HandlersOf<'Timeline'> {
  return {
    'accounts.events': async ({ account, query }) => {
      const asked = { route: 'accounts.events', params: { id: account.id }, query };
      const position = positionOf(asked, [EVENT_ID]);
      if (position === 'bad-cursor') return BAD_CURSOR;
      const [last] = position ?? [];
      const list = { accountId: account.id, before: last === undefined ? null : BigInt(last) };
      const { rows, next } = await pageOf(
        asked,
        (limit) => store.events.page({ ...list, limit }),
        ({ id }) => [String(id)],
      );
      return { status: 200, body: { data: rows.map(eventDocument), next } };
    },
  };
}
