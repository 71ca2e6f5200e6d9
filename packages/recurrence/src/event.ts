/**
 * When an event starts or ends, as Google's `EventDateTime`: an all-day event has `date`, any other
 * `dateTime`.
 */
export interface EventTime {
  /** `2026-01-28`. */
  date?: string | null;
  /** RFC 3339; without an offset it is the local time of `timeZone`. */
  dateTime?: string | null;
  timeZone?: string | null;
}

/**
 * What expansion reads of an event of Google's, which may have any other field: an instance
 * inherits them.
 */
export interface SourceEvent {
  id?: string | null;
  status?: string | null;
  start?: EventTime;
  end?: EventTime;
  /** RRULE, EXRULE, RDATE and EXDATE lines (RFC 5545). */
  recurrence?: string[] | null;
  /** The master's id: the event is an exception of its series. */
  recurringEventId?: string | null;
  originalStartTime?: EventTime;
}
