import { freeBusy, unionOf } from '@syncline/control/calendar/free-busy';
import { instancePage, type InstancePosition } from '@syncline/control/calendar/instance-page';
import type { HandlersOf } from '../../v1/handler.js';
import type { FreshResult } from '@syncline/control/fresh-reads';
import { READ_FROM, type NamedAccount } from '@syncline/store';
import { listAnswer, type ListAnswer } from '../../v1/account-list.js';
import { BAD_CURSOR, positionOf, TEXT, type Asked } from '../../v1/paging.js';
import { freshly } from '../../v1/fresh.js';
import type { ReadDeps } from '../index.js';
import { eventsOf, NO_CALENDAR } from './events-of.js';

type InstanceHandlers = Pick<
  HandlersOf<'Calendars'>,
  'instances.list' | 'instances.ofCalendar' | 'freeBusy.query'
>;

export function instanceHandlers(deps: ReadDeps): InstanceHandlers {
  return {
    'instances.list': async (request) => {
      const { account, query } = request;
      const calendars = query.calendars?.split(',') ?? null;
      const of =
        calendars === null ? READ_FROM.everyEvent : await eventsOf(deps, account, calendars);
      if (of === null) return NO_CALENDAR;
      const asked = { route: 'instances.list', params: { id: account.id }, query };
      return freshly(deps, request, of, (fresh) =>
        instances(deps, { asked, account, range: query, calendars }, fresh),
      );
    },
    'instances.ofCalendar': async (request) => {
      const { account, query, params } = request;
      const { calendarId } = params;
      const of = await eventsOf(deps, account, [calendarId]);
      if (of === null) return NO_CALENDAR;
      const asked = {
        route: 'instances.ofCalendar',
        params: { id: account.id, calendarId },
        query,
      };
      return freshly(deps, request, of, (fresh) =>
        instances(deps, { asked, account, range: query, calendars: [calendarId] }, fresh),
      );
    },
    'freeBusy.query': async ({ body, caller }) => {
      const accounts = new Map<string, NamedAccount | null>();
      for (const id of body.accounts) {
        const account = await deps.store.accounts.find(id);
        const isTheirs = caller.tenant === null || caller.tenant === account?.tenant;
        accounts.set(id, isTheirs ? account : null);
      }
      const range = rangeOf(body);
      const busy = await freeBusy(deps, accounts, { ...range, calendars: body.calendars });
      return {
        status: 200,
        body: {
          timeMin: new Date(range.timeMinMs),
          timeMax: new Date(range.timeMaxMs),
          accounts: busy,
          busy: body.merge ? unionOf(busy) : null,
        },
      };
    },
  };
}

interface Range {
  timeMin: string;
  timeMax: string;
}

function rangeOf({ timeMin, timeMax }: Range): { timeMinMs: number; timeMaxMs: number } {
  return { timeMinMs: Date.parse(timeMin), timeMaxMs: Date.parse(timeMax) };
}

type Page = Extract<Awaited<ReturnType<typeof instancePage>>, { kind: 'page' }>;

interface InstancesAsked {
  asked: Asked;
  account: NamedAccount;
  range: Range;
  /** Null: every calendar. */
  calendars: readonly string[] | null;
}

async function instances(
  deps: ReadDeps,
  { asked, account, range, calendars }: InstancesAsked,
  fresh: FreshResult | null,
): Promise<
  | ListAnswer<Page['rows'][number], { truncated: boolean }>
  | typeof BAD_CURSOR
  | typeof NO_CALENDAR
  | typeof TOO_MUCH
> {
  const position = positionOf(asked, [/^-?\d{1,15}$/, TEXT, TEXT]);
  if (position === 'bad-cursor') return BAD_CURSOR;
  const read = await instancePage(deps, account, {
    ...rangeOf(range),
    calendars,
    after: position && positionIn(position),
    limit: asked.query.limit,
  });
  if (read.kind === 'not-found') return NO_CALENDAR;
  if (read.kind === 'too-much') return TOO_MUCH;
  const { frame, rows, next, truncated } = read;
  const key = next && [String(next.startMs), next.calendarId, next.id];
  return listAnswer(asked, fresh, { frame, rows, next: key }, { truncated });
}

function positionIn([startMs, calendarId = '', id = '']: readonly string[]): InstancePosition {
  return { startMs: Number(startMs), calendarId, id };
}

const TOO_MUCH = {
  problem: 'too-much-work',
  detail: 'Name fewer calendars, or a shorter range.',
} as const;
