import type { HandlersOf } from '../../v1/handler.js';
import { READ_FROM } from '@syncline/store';
import { accountList, idKey } from '../../v1/account-list.js';
import { freshly, freshObject } from '../../v1/fresh.js';
import type { ReadDeps } from '../index.js';
import { eventsOf, NO_CALENDAR } from './events-of.js';
import { instanceHandlers } from './instances.js';

export function calendarHandlers(deps: ReadDeps): HandlersOf<'Calendars'> {
  const { reads } = deps.store;
  return {
    ...instanceHandlers(deps),
    'calendars.list': (request) => {
      const { account, query } = request;
      const asked = { route: 'calendars.list', params: { id: account.id }, query };
      return freshly(deps, request, READ_FROM.calendarList, (fresh) =>
        accountList(asked, fresh, {
          keyOf: idKey,
          read: (page) => reads.calendars(account.id, page),
        }),
      );
    },
    'events.list': async (request) => {
      const { account, query, params } = request;
      const { calendarId } = params;
      const asked = { route: 'events.list', params: { id: account.id, calendarId }, query };
      const of = await eventsOf(deps, account, [calendarId]);
      if (of === null) return NO_CALENDAR;
      return freshly(deps, request, of, (fresh) =>
        accountList(asked, fresh, {
          keyOf: idKey,
          read: (page) => reads.events(account.id, calendarId, page),
        }),
      );
    },
    'events.get': async (request) => {
      const { account, params } = request;
      const { calendarId, eventId } = params;
      const of = await eventsOf(deps, account, [calendarId]);
      if (of === null) return NO_CALENDAR;
      return freshObject(deps, request, of, {
        what: 'event',
        read: () => reads.event(account.id, calendarId, eventId),
      });
    },
  };
}
