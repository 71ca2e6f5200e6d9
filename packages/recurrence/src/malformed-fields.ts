import type { EventTime, SourceEvent } from './event.js';

/**
 * Returns the event without the malformed parts of its times and its recurrence; the same object
 * when nothing is malformed. The mirror stores events as Google sent them, and a field of another
 * type in one event must not end the expansion of all others.
 */
export function withoutMalformedFields<Event extends SourceEvent>(event: Event): Event {
  const { recurrence, start, end, originalStartTime, recurringEventId } = event;
  if (
    isLines(recurrence) &&
    isTime(start) &&
    isTime(end) &&
    isTime(originalStartTime) &&
    isText(recurringEventId)
  )
    return event;
  const { recurringEventId: _series, ...rest } = event;
  const readable: SourceEvent = {
    ...rest,
    ...(typeof recurringEventId === 'string' ? { recurringEventId } : {}),
    recurrence: Array.isArray(recurrence) ? recurrence.filter(isString) : [],
    ...timeIn('start', start),
    ...timeIn('end', end),
    ...timeIn('originalStartTime', originalStartTime),
  };
  return readable as Event;
}

function isLines(recurrence: unknown): boolean {
  return isAbsent(recurrence) || (Array.isArray(recurrence) && recurrence.every(isString));
}

function isTime(time: unknown): boolean {
  if (isAbsent(time)) return true;
  if (typeof time !== 'object') return false;
  const { date, dateTime, timeZone } = time as EventTime;
  return isText(date) && isText(dateTime) && isText(timeZone);
}

function timeIn(
  name: 'start' | 'end' | 'originalStartTime',
  time: SourceEvent['start'],
): Partial<SourceEvent> {
  if (isAbsent(time)) return {};
  const texts = Object.entries(Object(time) as object).filter(([, value]) => isString(value));
  return { [name]: Object.fromEntries(texts) };
}

function isText(value: unknown): boolean {
  return isAbsent(value) || isString(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
