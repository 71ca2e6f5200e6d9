/** Converts a VEVENT to the event that Google would create from it. */
import {
  allDay,
  timedAt,
  type Attendee,
  type EventDraft,
  type EventTime,
} from '../calendar/event.js';
import { durationMs } from '../calendar/duration.js';
import { instantOf, zoneNamed } from '../calendar/zones.js';
import type { IcsZones } from './ics-zones.js';
import { property, textOf, type IcsComponent, type IcsProperty } from './ics-parser.js';

const DAY_MS = 86_400_000;
/** The start of an event without a usable one, because Google's events always have a start. */
const FALLBACK_START: EventTime = { date: '2001-01-01' };

export interface IcsEvent {
  uid: string | null;
  draft: EventDraft;
  /** The original start of the occurrence that this event changes. */
  recurrenceId: EventTime | null;
  cancelled: boolean;
  /**
   * Of several versions of an event the one with the highest number is used; null when the file has
   * none.
   */
  sequence: number | null;
  /** Whether the start is the fallback. */
  undated: boolean;
}

/** @param zones the zones that the file describes, and the calendar's own */
export function icsEvent(component: IcsComponent, zones: IcsZones): IcsEvent {
  const startProperty = property(component, 'DTSTART');
  const start = startProperty === null ? null : timeOf(startProperty, zones);
  const recurrence = recurrenceOf(component);
  const status = upperCaseOf(component, 'STATUS');
  const draft: EventDraft = {
    ...(status === 'TENTATIVE' ? { status: 'tentative' as const } : {}),
    ...textFields(component),
    ...people(component),
    start: start ?? FALLBACK_START,
    end: endOf(component, start ?? FALLBACK_START, zones),
    ...(recurrence.length > 0 ? { recurrence } : {}),
    ...(upperCaseOf(component, 'TRANSP') === 'TRANSPARENT'
      ? { transparency: 'transparent' as const }
      : {}),
    ...visibility(component),
    ...reminders(component),
  };
  const recurrenceId = property(component, 'RECURRENCE-ID');
  return {
    uid: textOf(component, 'UID')?.trim() ?? null,
    draft,
    recurrenceId: recurrenceId === null ? null : timeOf(recurrenceId, zones),
    cancelled: status === 'CANCELLED',
    sequence: sequenceOf(component),
    undated: start === null,
  };
}

function upperCaseOf(component: IcsComponent, name: string): string | undefined {
  return property(component, name)?.value.trim().toUpperCase();
}

function sequenceOf(component: IcsComponent): number | null {
  const text = property(component, 'SEQUENCE')?.value.trim() ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function textFields(
  component: IcsComponent,
): Pick<EventDraft, 'summary' | 'description' | 'location' | 'iCalUID' | 'source'> {
  const [summary, description, location, uid] = ['SUMMARY', 'DESCRIPTION', 'LOCATION', 'UID'].map(
    (name) => textOf(component, name),
  );
  const url = property(component, 'URL')?.value.trim() ?? '';
  return {
    ...(summary ? { summary } : {}),
    ...(description ? { description } : {}),
    ...(location ? { location } : {}),
    ...(uid ? { iCalUID: uid.trim() } : {}),
    ...(/^https?:\/\//.test(url) ? { source: { url, title: url } } : {}),
  };
}

/**
 * Returns null for a value that is not a date, or is outside the centuries that zone data and
 * Google's editors support.
 */
function timeOf(from: IcsProperty, zones: IcsZones): EventTime | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?$/.exec(
    from.value.trim().split(/[,/]/)[0] ?? '',
  );
  if (match === null) return null;
  const wallMs = wallTimeOf(match.slice(1, 7));
  if (wallMs === null) return null;
  if (match[4] === undefined) return allDay(wallMs);
  if (match[7] === 'Z') return timedAt(wallMs, 'UTC');
  const tzid = from.parameters.get('TZID') ?? '';
  const zone = zoneNamed(tzid);
  const described = zone === null ? zones.described.get(tzid.trim()) : undefined;
  if (described) return timedAt(described.instantOf(wallMs), described.zone);
  const own = zone ?? zones.calendarZone;
  return timedAt(instantOf(own, wallMs), own);
}

/** @param digits year, month, day, hour, minute and second, in this order */
function wallTimeOf(digits: readonly (string | undefined)[]): number | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits.map((text) =>
    Number(text ?? 0),
  );
  const wall = new Date(0);
  wall.setUTCFullYear(year, month - 1, day);
  wall.setUTCHours(hour, minute, Math.min(second, 59));
  const isDate =
    wall.getUTCMonth() === month - 1 && wall.getUTCDate() === day && wall.getUTCHours() === hour;
  return isDate && year >= 1900 && year <= 2200 ? wall.getTime() : null;
}

/**
 * Returns DTEND, or DTSTART plus DURATION, or by default a day for dates and no duration for times;
 * never before the start.
 */
function endOf(component: IcsComponent, start: EventTime, zones: IcsZones): EventTime {
  const given = property(component, 'DTEND');
  const end = given === null ? null : timeOf(given, zones);
  const lengthMs = durationMs(property(component, 'DURATION')?.value);
  if (start.date !== undefined) return endOfDays(start.date, end, lengthMs ?? DAY_MS);
  const startMs = Date.parse(start.dateTime ?? '');
  if (end?.dateTime !== undefined && Date.parse(end.dateTime) >= startMs) return end;
  return timedAt(startMs + Math.max(0, lengthMs ?? 0), start.timeZone ?? zones.calendarZone);
}

function endOfDays(startDate: string, end: EventTime | null, lengthMs: number): EventTime {
  if (end?.date !== undefined && end.date > startDate) return end;
  const days = Math.max(1, Math.floor(lengthMs / DAY_MS));
  return allDay(Date.parse(`${startDate}T00:00:00Z`) + days * DAY_MS);
}

/** Returns the recurrence lines as Google stores them: without the start, with their parameters. */
function recurrenceOf(component: IcsComponent): string[] {
  const lines = component.properties.filter(
    (one) => ['RRULE', 'EXRULE', 'RDATE', 'EXDATE'].includes(one.name) && one.value.trim() !== '',
  );
  return lines.map(
    (one) =>
      `${one.name}${[...one.parameters].map(([name, value]) => `;${name}=${value}`).join('')}:${one.value.trim()}`,
  );
}

const RESPONSES: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    ACCEPTED: 'accepted',
    DECLINED: 'declined',
    TENTATIVE: 'tentative',
  }),
);

function people(component: IcsComponent): Pick<EventDraft, 'attendees' | 'organizer'> {
  const attendees: Attendee[] = component.properties
    .filter((one) => one.name === 'ATTENDEE' && addressOf(one) !== null)
    .map((one) => ({
      ...person(one),
      ...(one.parameters.get('ROLE') === 'OPT-PARTICIPANT' ? { optional: true as const } : {}),
      responseStatus:
        RESPONSES.get(one.parameters.get('PARTSTAT')?.toUpperCase() ?? '') ?? 'needsAction',
    }));
  const organizer = property(component, 'ORGANIZER');
  return {
    ...(organizer !== null && addressOf(organizer) !== null
      ? { organizer: person(organizer) }
      : {}),
    ...(attendees.length > 0 ? { attendees } : {}),
  };
}

function person(from: IcsProperty): { email: string; displayName?: string } {
  const name = from.parameters.get('CN');
  return { email: addressOf(from) ?? '', ...(name ? { displayName: name } : {}) };
}

/** Returns null for a value that is not a mail address. */
function addressOf(from: IcsProperty): string | null {
  return /^\s*mailto:\s*(\S+@\S+?)\s*$/i.exec(from.value)?.[1]?.toLowerCase() ?? null;
}

function visibility(component: IcsComponent): Pick<EventDraft, 'visibility'> {
  const name = property(component, 'CLASS')?.value.trim().toLowerCase();
  return name === 'public' || name === 'private' || name === 'confidential'
    ? { visibility: name }
    : {};
}

/** Google stores at most five reminders, in minutes before the start. */
function reminders(component: IcsComponent): Pick<EventDraft, 'reminders'> {
  const alarms = component.components.filter((one) => one.name === 'VALARM');
  const overrides = alarms.flatMap((alarm) => {
    const ms = durationMs(property(alarm, 'TRIGGER')?.value);
    const isEmail = upperCaseOf(alarm, 'ACTION') === 'EMAIL';
    const method = isEmail ? ('email' as const) : ('popup' as const);
    return ms === null || ms > 0
      ? []
      : [{ method, minutes: Math.min(40_320, Math.round(-ms / 60_000)) }];
  });
  return overrides.length === 0
    ? {}
    : { reminders: { useDefault: false, overrides: overrides.slice(0, 5) } };
}
