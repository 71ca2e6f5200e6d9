/**
 * Serves `singleEvents=true`: series are replaced by their occurrences, and exceptions replace the
 * occurrences that they change.
 */
import { instanceId, instantMs, type EventBody } from './event.js';
import { matchesQuery, type EventQuery } from './event-query.js';
import { occurrences } from './recurrence.js';
import type { CalendarStore, StoredEvent } from './store.js';

const DAY_MS = 86_400_000;
/**
 * Google does not document how far an endless series is expanded; two years keep an answer finite.
 */
const HORIZON_MS = 730 * DAY_MS;
const OCCURRENCES_LIMIT = 10_000;

export function expanded(
  calendar: CalendarStore,
  events: readonly StoredEvent[],
  query: EventQuery,
  nowMs: number,
): EventBody[] {
  const bodies = events.flatMap((event) =>
    event.body.recurrence === undefined ? [event.body] : instancesOf(calendar, event, query, nowMs),
  );
  const shown = bodies.filter(
    (body) =>
      (body.status !== 'cancelled' || query.showDeleted) &&
      matchesQuery(body, query, calendar.timeZone),
  );
  if (query.orderBy === 'updated')
    return shown.sort((a, b) => (a.updated ?? '').localeCompare(b.updated ?? ''));
  const startOf = (body: EventBody): number => {
    const start = body.start ?? body.originalStartTime;
    return start === undefined ? 0 : instantMs(start, calendar.timeZone);
  };
  return shown.sort((a, b) => startOf(a) - startOf(b));
}

/**
 * Returns one occurrence by its id (`<master>_20230722T160000Z`); null if the series has none at
 * that time.
 */
export function occurrenceBody(calendar: CalendarStore, id: string): EventBody | null {
  const match = /^(.+)_(\d{8})(?:T\d{6}Z)?$/.exec(id);
  const master = calendar.get(match?.[1] ?? '');
  if (match === null || master === null || master.deleted) return null;
  const dayMs = Date.parse(
    `${match[2]?.slice(0, 4)}-${match[2]?.slice(4, 6)}-${match[2]?.slice(6)}T00:00:00Z`,
  );
  const near = occurrences(master.body, {
    fromMs: dayMs - 2 * DAY_MS,
    toMs: dayMs + 2 * DAY_MS,
    limit: 100,
  });
  const found = near.find((one) => one.id === id);
  return found === undefined ? null : instance(master.body, found.start, found.end);
}

function instancesOf(
  calendar: CalendarStore,
  master: StoredEvent,
  query: EventQuery,
  nowMs: number,
): EventBody[] {
  const taken = new Set(calendar.exceptionsOf(master.id).map((event) => event.id));
  // One day more on both sides, because the calendar's midnight differs from UTC's; the query
  // checks each occurrence again.
  const span = {
    fromMs: (query.timeMinMs ?? Number.NEGATIVE_INFINITY) - DAY_MS,
    toMs: (query.timeMaxMs ?? nowMs + HORIZON_MS) + DAY_MS,
    limit: OCCURRENCES_LIMIT,
  };
  return occurrences(master.body, span)
    .filter((one) => !taken.has(one.id))
    .map((one) => instance(master.body, one.start, one.end));
}

function instance(
  master: EventBody,
  start: NonNullable<EventBody['start']>,
  end: NonNullable<EventBody['end']>,
): EventBody {
  const { recurrence: _series, ...inherited } = master;
  return {
    ...inherited,
    id: instanceId(master.id, start),
    start,
    end,
    recurringEventId: master.id,
    originalStartTime: start,
  };
}
