import { offsetMs, rfc3339 } from './zones.js';

/** `date` (all day, exclusive end) or `dateTime` with an offset. */
export interface EventTime {
  date?: string;
  dateTime?: string;
  timeZone?: string;
}

export interface Attendee {
  email: string;
  displayName?: string;
  organizer?: true;
  self?: true;
  optional?: true;
  responseStatus: string;
}

/**
 * The fields that a user enters; the store adds identity and versions. Fields with Google's default
 * value are absent.
 */
export interface EventDraft {
  status?: 'confirmed' | 'tentative';
  summary?: string;
  description?: string;
  location?: string;
  colorId?: string;
  creator?: { email: string; displayName?: string; self?: true };
  organizer?: { email: string; displayName?: string; self?: true };
  start: EventTime;
  end: EventTime;
  recurrence?: string[];
  transparency?: 'transparent';
  visibility?: 'public' | 'private' | 'confidential';
  iCalUID?: string;
  attendees?: Attendee[];
  extendedProperties?: { private?: Record<string, string>; shared?: Record<string, string> };
  hangoutLink?: string;
  source?: { url: string; title: string };
  reminders?: { useDefault: boolean; overrides?: { method: 'popup' | 'email'; minutes: number }[] };
}

/** The resource as `events.get` returns it, with fields in Google's order. */
export interface EventBody extends Partial<Omit<EventDraft, 'status'>> {
  kind: 'calendar#event';
  etag: string;
  id: string;
  status: 'confirmed' | 'tentative' | 'cancelled';
  htmlLink?: string;
  created?: string;
  updated?: string;
  recurringEventId?: string;
  originalStartTime?: EventTime;
  sequence?: number;
  eventType?: string;
}

/** Returns what a free/busy reader sees of an event: only its times. */
export function withoutDetails(body: EventBody): EventBody {
  const {
    kind,
    etag,
    id,
    status,
    start,
    end,
    recurrence,
    recurringEventId,
    originalStartTime,
    iCalUID,
    sequence,
    eventType,
    updated,
    transparency,
  } = body;
  const kept = {
    kind,
    etag,
    id,
    status,
    updated,
    start,
    end,
    recurrence,
    recurringEventId,
    originalStartTime,
    transparency,
    iCalUID,
    sequence,
    eventType,
  };
  const present = Object.fromEntries(
    Object.entries(kept).filter(([, value]) => value !== undefined),
  ) as unknown as EventBody;
  return status === 'cancelled' ? present : { ...present, visibility: 'private' };
}

/**
 * Returns the instant of a start or end. An all-day date begins at midnight in the calendar's zone.
 */
export function instantMs(time: EventTime, calendarZone: string): number {
  if (time.dateTime !== undefined) return Date.parse(time.dateTime);
  const midnight = Date.parse(`${time.date ?? '1970-01-01'}T00:00:00Z`);
  return midnight - offsetMs(calendarZone, midnight);
}

export function timedAt(instant: number, zone: string): EventTime {
  return { dateTime: rfc3339(zone, instant), timeZone: zone };
}

export function allDay(wallMs: number): EventTime {
  return { date: new Date(wallMs).toISOString().slice(0, 10) };
}

/**
 * Returns the id of an instance: `<master>_20230722T160000Z`, or `<master>_20180128` for an all-day
 * series.
 */
export function instanceId(masterId: string, originalStart: EventTime): string {
  if (originalStart.date !== undefined)
    return `${masterId}_${originalStart.date.replaceAll('-', '')}`;
  return `${masterId}_${compactUtc(Date.parse(originalStart.dateTime ?? ''))}`;
}

/** Formats an instant as `20230722T160000Z`. */
export function compactUtc(instant: number): string {
  return new Date(instant).toISOString().replace(/[-:]|\.\d+/g, '');
}
