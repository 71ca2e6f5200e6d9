import type pg from 'pg';

/** What the instances of a calendar in a time range are worked out from. */
export interface InstanceSources {
  /** The calendar's id: `primary` is resolved. */
  calendarId: string;
  timeZone: string;
  /** Google's resources: every series with its exceptions, and the single events near the range. */
  events: Record<string, unknown>[];
}

/** Midnights of zones lie up to fourteen hours from UTC's. */
const MARGIN = "interval '48 hours'";

/** Null when the account's list has no such calendar. Series are given whole: only their expansion tells what falls into the range. */
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
    // Events without a date that a column can hold lie in no range, and cost nothing to hand on.
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
