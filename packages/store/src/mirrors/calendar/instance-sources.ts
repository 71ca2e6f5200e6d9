import type pg from 'pg';

/** The data from which the instances of a calendar in a time range are computed. */
export interface InstanceSources {
  /** Id of the calendar; `primary` is replaced by the id of the primary calendar. */
  calendarId: string;
  timeZone: string;
  /**
   * Google's resources: every series with its exceptions, and single events in or near the range.
   */
  events: Record<string, unknown>[];
}

/** Midnight of a time zone differs from UTC midnight by up to fourteen hours. */
const MARGIN = "interval '48 hours'";

/**
 * Returns null when the account's calendar list does not contain the calendar. Series are returned
 * whole, because only their expansion shows which instances are in the range.
 */
export async function instanceSources(
  pool: pg.Pool,
  accountId: string,
  calendarId: string,
  range: { timeMinMs: number; timeMaxMs: number },
): Promise<InstanceSources | null> {
  const calendar = await pool.query<{ id: string; time_zone: string | null }>(
    "SELECT id, time_zone FROM syncline.calendars WHERE account_id = $1 AND (id = $2 OR ($2 = 'primary' AND is_primary))",
    [accountId, calendarId],
  );
  const row = calendar.rows[0];
  if (!row) return null;
  const events = await pool.query<{ resource: Record<string, unknown> }>({
    // Events whose dates do not fit into a column are in no range. Returning them has no cost.
    text: `SELECT resource FROM syncline.calendar_events
            WHERE account_id = $1 AND calendar_id = $2
              AND (is_recurring OR recurring_event_id IS NOT NULL
                   OR (coalesce(end_at, end_date::timestamp AT TIME ZONE 'UTC', start_at, 'infinity') > $3::timestamptz - ${MARGIN}
                       AND coalesce(start_at, start_date::timestamp AT TIME ZONE 'UTC', '-infinity') < $4::timestamptz + ${MARGIN}))
            ORDER BY id COLLATE "C"`,
    values: [
      accountId,
      row.id,
      new Date(range.timeMinMs).toISOString(),
      new Date(range.timeMaxMs).toISOString(),
    ],
  });
  return {
    calendarId: row.id,
    timeZone: row.time_zone ?? 'UTC',
    events: events.rows.map((event) => event.resource),
  };
}
