import { calendarError } from '../http/errors.js';
import type { Reply } from '../http/reply.js';
import { flag } from '../gmail/parameters.js';
import type { Asked } from '../sim.js';
import { instantMs, type EventBody } from './event.js';
import { occurrences } from './recurrence.js';
import { forbiddenWithSyncToken } from './sync-errors.js';

/** The checked parameters of `events.list`. */
export interface EventQuery {
  singleEvents: boolean;
  showDeleted: boolean;
  timeMinMs: number | null;
  timeMaxMs: number | null;
  updatedMinMs: number | null;
  orderBy: 'startTime' | 'updated' | null;
  q: string;
  iCalUID: string | null;
  eventTypes: readonly string[];
}

const DAY_MS = 86_400_000;
/**
 * The number of occurrences of a series that are examined near the bounds of a time range. The two
 * days beyond the bounds contain no more of them for a realistic series.
 */
const SEARCHED = 5_000;

/** Parameters that Google does not allow together with a sync token. */
const NOT_WITH_SYNC_TOKEN = [
  'iCalUID',
  'orderBy',
  'privateExtendedProperty',
  'q',
  'sharedExtendedProperty',
  'timeMin',
  'timeMax',
  'updatedMin',
];
/** A list with one of these parameters ends without a sync token. */
const NO_SYNC_TOKEN_AFTER = [
  'iCalUID',
  'orderBy',
  'privateExtendedProperty',
  'q',
  'sharedExtendedProperty',
  'updatedMin',
];

export function endsWithSyncToken(query: URLSearchParams): boolean {
  return !NO_SYNC_TOKEN_AFTER.some((name) => query.has(name));
}

export function eventQuery(
  asked: Asked,
): { ok: true; query: EventQuery } | { ok: false; reply: Reply } {
  const refusal = refusalOf(asked);
  if (refusal !== null) return { ok: false, reply: refusal };
  const orderBy = asked.query.get('orderBy');
  return {
    ok: true,
    query: {
      singleEvents: flag(asked, 'singleEvents'),
      showDeleted: flag(asked, 'showDeleted'),
      timeMinMs: timeOf(asked, 'timeMin'),
      timeMaxMs: timeOf(asked, 'timeMax'),
      updatedMinMs: timeOf(asked, 'updatedMin'),
      orderBy: orderBy === 'startTime' || orderBy === 'updated' ? orderBy : null,
      q: (asked.query.get('q') ?? '').toLowerCase(),
      iCalUID: asked.query.get('iCalUID'),
      eventTypes: asked.query.getAll('eventTypes'),
    },
  };
}

/**
 * Whether the query's filters keep an event. A series is kept when any occurrence is in the time
 * range.
 */
export function matchesQuery(body: EventBody, query: EventQuery, zone: string): boolean {
  if (query.iCalUID !== null && body.iCalUID !== query.iCalUID) return false;
  if (
    query.eventTypes.length > 0 &&
    body.status !== 'cancelled' &&
    !query.eventTypes.includes(body.eventType ?? 'default')
  )
    return false;
  if (query.updatedMinMs !== null && Date.parse(body.updated ?? '') < query.updatedMinMs)
    return false;
  if (
    query.q !== '' &&
    ![body.summary, body.description, body.location].some((text) =>
      text?.toLowerCase().includes(query.q),
    )
  )
    return false;
  return inTimeRange(body, query, zone);
}

function inTimeRange(body: EventBody, query: EventQuery, zone: string): boolean {
  if (query.timeMinMs === null && query.timeMaxMs === null) return true;
  const fromMs = query.timeMinMs ?? Number.NEGATIVE_INFINITY;
  const toMs = query.timeMaxMs ?? Number.POSITIVE_INFINITY;
  if (body.recurrence !== undefined)
    return occurrences(body, {
      fromMs: fromMs - DAY_MS,
      toMs: toMs + DAY_MS,
      limit: SEARCHED,
    }).some((one) => instantMs(one.end, zone) > fromMs && instantMs(one.start, zone) < toMs);
  const start = body.start ?? body.originalStartTime;
  if (start === undefined) return false;
  const startMs = instantMs(start, zone);
  const endMs = body.end === undefined ? startMs : instantMs(body.end, zone);
  return endMs > fromMs && startMs < toMs;
}

function refusalOf(asked: Asked): Reply | null {
  return (
    syncTokenRefusal(asked.query) ??
    timeFormatRefusal(asked.query) ??
    orderRefusal(asked) ??
    timeRangeRefusal(asked)
  );
}

function syncTokenRefusal(query: URLSearchParams): Reply | null {
  if (!query.has('syncToken')) return null;
  const parameter = NOT_WITH_SYNC_TOKEN.find((name) => query.has(name));
  if (parameter !== undefined) return forbiddenWithSyncToken(parameter);
  return query.get('showDeleted') === 'false' ? forbiddenWithSyncToken('showDeleted=false') : null;
}

function timeFormatRefusal(query: URLSearchParams): Reply | null {
  for (const name of ['timeMin', 'timeMax', 'updatedMin']) {
    const text = query.get(name);
    if (text !== null && !RFC3339.test(text))
      return calendarError(400, 'Bad Request', 'badRequest', {
        locationType: 'parameter',
        location: name,
      });
  }
  return null;
}

function orderRefusal(asked: Asked): Reply | null {
  if (asked.query.get('orderBy') !== 'startTime' || flag(asked, 'singleEvents')) return null;
  return calendarError(
    400,
    'The requested ordering is not available for the particular query.',
    'invalid',
    { locationType: 'parameter', location: 'orderBy' },
  );
}

function timeRangeRefusal(asked: Asked): Reply | null {
  const [min, max, updated] = [
    timeOf(asked, 'timeMin'),
    timeOf(asked, 'timeMax'),
    timeOf(asked, 'updatedMin'),
  ];
  if (min !== null && max !== null && min >= max) {
    return calendarError(400, 'The specified time range is empty.', 'timeRangeEmpty', {
      domain: 'calendar',
      locationType: 'parameter',
      location: 'timeMax',
    });
  }
  if (
    updated !== null &&
    asked.sim.clock.nowMs() - updated > asked.sim.settings.syncTokenRetentionMs
  ) {
    return calendarError(
      410,
      'The requested minimum modification time lies too far in the past.',
      'updatedMinTooLongAgo',
      { domain: 'calendar', locationType: 'parameter', location: 'updatedMin' },
    );
  }
  return null;
}

/** With an offset, which Google requires. */
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function timeOf(asked: Asked, name: string): number | null {
  const text = asked.query.get(name);
  return text === null ? null : Date.parse(text);
}
