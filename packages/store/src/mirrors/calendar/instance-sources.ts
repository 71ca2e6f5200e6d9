import type pg from 'pg';
import type { Queryable } from '../../transaction.js';

/** The data from which the instances of a calendar in a time range are computed. */
export interface InstanceSources {
  /** Id of the calendar; `primary` is replaced by the id of the primary calendar. */
  calendarId: string;
  timeZone: string;
  /**
   * Google's resources: every series, and single events in or near the range. An exception that is
   * outside of it has only the fields that remove its occurrence.
   */
  events: Record<string, unknown>[];
}

interface SourceRange {
  timeMinMs: number;
  timeMaxMs: number;
}

/** Midnight of a time zone differs from UTC midnight by up to fourteen hours. */
const MARGIN = "interval '48 hours'";
const FROM = `'epoch'::timestamptz + $3::float8 * interval '1 ms' - ${MARGIN}`;
const TO = `'epoch'::timestamptz + $4::float8 * interval '1 ms' + ${MARGIN}`;
/** Events whose dates do not fit into a column are in no range. Returning them has no cost. */
const IN_RANGE = `(coalesce(end_at, end_date::timestamp AT TIME ZONE 'UTC', start_at, 'infinity') > ${FROM}
                    AND coalesce(start_at, start_date::timestamp AT TIME ZONE 'UTC', '-infinity') < ${TO})`;
/** What is left of an exception outside the range: that it replaces an occurrence of its series. */
const REPLACED = `jsonb_build_object('id', id, 'status', 'cancelled', 'recurringEventId', recurring_event_id, 'originalStartTime', resource->'originalStartTime')`;

/**
 * Returns null when the account's calendar list does not contain the calendar. Series are returned
 * whole, because only their expansion shows which instances are in the range.
 */
export async function instanceSources(
  pool: pg.Pool,
  accountId: string,
  calendarId: string,
  range: SourceRange,
): Promise<InstanceSources | null> {
  const calendars = await calendarsNamed(pool, accountId, [calendarId]);
  const [sources] = await sourcesOf(pool, accountId, calendars, { ...range, limit: null });
  return sources ?? null;
}

/** A calendar of the calendar list. */
export interface ListedCalendar {
  id: string;
  timeZone: string | null;
  isPrimary: boolean;
}

/**
 * Returns the calendars of the list that have one of these names, by id.
 * @param names `primary` names the primary calendar; null: every calendar
 */
export async function calendarsNamed(
  db: Queryable,
  accountId: string,
  names: readonly string[] | null,
): Promise<ListedCalendar[]> {
  const { rows } = await db.query<ListedCalendar>(
    `SELECT id, time_zone AS "timeZone", is_primary AS "isPrimary" FROM syncline.calendars
      WHERE account_id = $1 AND ($2::text[] IS NULL OR id = ANY($2::text[]) OR ('primary' = ANY($2::text[]) AND is_primary)) ORDER BY id COLLATE "C"`,
    [accountId, names],
  );
  return rows;
}

/**
 * Returns the sources of each of the calendars.
 * @param o `limit`: no more events are read; null: all
 */
export async function sourcesOf(
  db: Queryable,
  accountId: string,
  calendars: readonly ListedCalendar[],
  { timeMinMs, timeMaxMs, limit }: SourceRange & { limit: number | null },
): Promise<InstanceSources[]> {
  if (calendars.length === 0) return [];
  const { rows } = await db.query<{ calendarId: string; resource: Record<string, unknown> }>(
    `SELECT calendar_id AS "calendarId", CASE WHEN is_recurring OR ${IN_RANGE} THEN resource ELSE ${REPLACED} END AS resource
       FROM syncline.calendar_events
      WHERE account_id = $1 AND calendar_id = ANY($2::text[]) AND (is_recurring OR recurring_event_id IS NOT NULL OR ${IN_RANGE})
      ORDER BY calendar_id COLLATE "C", id COLLATE "C" LIMIT $5`,
    [accountId, calendars.map(({ id }) => id), timeMinMs, timeMaxMs, limit],
  );
  const byCalendar = new Map<string, Record<string, unknown>[]>();
  for (const { calendarId, resource } of rows) {
    const events = byCalendar.get(calendarId) ?? [];
    events.push(resource);
    byCalendar.set(calendarId, events);
  }
  return calendars.map(({ id, timeZone }) => ({
    calendarId: id,
    timeZone: timeZone ?? 'UTC',
    events: byCalendar.get(id) ?? [],
  }));
}
