/**
 * The start or end of an event, as in Google's `EventDateTime`: an all-day event has `date`, any
 * other `dateTime`.
 */
export interface EventTime {
  /** Such as `2026-01-28`. */
  date?: string | null;
  /** RFC 3339; without an offset it is the local time in `timeZone`. */
  dateTime?: string | null;
  timeZone?: string | null;
}

/**
 * The fields of a Google event that expansion reads. An event may have any other field, and
 * instances inherit it.
 */
export interface SourceEvent {
  id?: string | null;
  status?: string | null;
  start?: EventTime;
  end?: EventTime;
  /** RRULE, EXRULE, RDATE and EXDATE lines (RFC 5545). */
  recurrence?: string[] | null;
  /** The id of the series, when the event is an exception of one. */
  recurringEventId?: string | null;
  originalStartTime?: EventTime;
}
