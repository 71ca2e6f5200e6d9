/** The rows as the sync engine passes them: plain data, already cleaned. */

export interface CalendarRow {
  id: string;
  summary: string | null;
  timeZone: string | null;
  accessRole: string | null;
  isPrimary: boolean;
  resource: string;
}

export interface EventRow {
  id: string;
  status: string;
  icalUid: string | null;
  summary: string | null;
  recurringEventId: string | null;
  isRecurring: boolean;
  start: EventTime;
  end: EventTime;
  etag: string | null;
  resource: string;
}

/**
 * All-day: `date` (YYYY-MM-DD). Timed: `atMs` and the zone. All are null when Google's value does
 * not fit into a column.
 */
export interface EventTime {
  date: string | null;
  atMs: number | null;
  zone: string | null;
}
