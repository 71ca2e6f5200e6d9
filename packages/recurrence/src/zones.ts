/**
 * Converts between wall times and instants with Intl's IANA time zone data. A wall time is the
 * local date and time written as if it were UTC. Recurrence rules refer to local clocks, so a
 * series is computed in wall times, and each is converted to an instant at the end.
 */

import { WINDOWS_ZONES } from './windows-zones.js';

const formats = new Map<string, Intl.DateTimeFormat | null>();
/** A bound on the cache. IANA has about 600 names, so more can only come from invalid input. */
const FORMATS_KEPT = 700;

/**
 * Returns the IANA name of a zone; null for an unknown name. Windows names are mapped, and a
 * vendor's prefix (`/freeassociation.sourceforge.net/Europe/Berlin`) is removed.
 */
export function knownZone(name: string): string | null {
  const bare = name.trim().slice(0, 200);
  if (bare === '') return null;
  const windows = WINDOWS_ZONES.get(bare.toLowerCase());
  if (windows !== undefined) return windows;
  const parts = bare.split('/');
  for (let from = 0; from < parts.length && from < MAX_PARTS; from++) {
    const rest = parts.slice(from).join('/');
    if (rest !== '' && formatOf(rest) !== null) return rest;
  }
  return null;
}

const MAX_PARTS = 10;

/** Returns the zone's offset at an instant in ms, positive to the east; 0 for an unknown name. */
export function offsetMs(zone: string, instantMs: number): number {
  if (Number.isNaN(instantMs)) return 0;
  const span = Math.floor(instantMs / SPAN_MS);
  const key = `${zone} ${span}`;
  let known = spans.get(key);
  if (known === undefined) {
    const first = exactOffsetMs(zone, span * SPAN_MS);
    known = first === exactOffsetMs(zone, (span + 1) * SPAN_MS) ? first : null;
    if (spans.size >= SPANS_KEPT) spans.clear();
    spans.set(key, known);
  }
  return known ?? exactOffsetMs(zone, instantMs);
}

/** No zone changes its offset and reverts the change within a day. */
const SPAN_MS = 86_400_000;
/**
 * The offset of a zone on a day; null on days on which it changes. Cached, because Intl takes
 * microseconds per call and a calendar asks for the same days repeatedly.
 */
const spans = new Map<string, number | null>();
const SPANS_KEPT = 50_000;

function exactOffsetMs(zone: string, instantMs: number): number {
  const format = formatOf(zone);
  if (format === null) return 0;
  const field = new Map(
    format.formatToParts(instantMs).map((part) => [part.type, Number(part.value)]),
  );
  const of = (name: Intl.DateTimeFormatPartTypes): number => field.get(name) ?? 0;
  const wall = new Date(0);
  // Not Date.UTC, which treats the years 0 to 99 as 1900 to 1999.
  wall.setUTCFullYear(of('year'), of('month') - 1, of('day'));
  wall.setUTCHours(of('hour'), of('minute'), of('second'));
  return wall.getTime() - Math.floor(instantMs / 1_000) * 1_000;
}

/**
 * Returns the instant at which the zone's clocks show a wall time. A wall time in a daylight saving
 * gap is read with the offset before the gap; one that occurs twice is the first (RFC 5545, 3.3.5).
 */
export function instantOfWall(zone: string, wallMs: number): number {
  const before = offsetMs(zone, wallMs - DAY_MS);
  const after = offsetMs(zone, wallMs + DAY_MS);
  if (offsetMs(zone, wallMs - before) === before || offsetMs(zone, wallMs - after) !== after)
    return wallMs - before;
  return wallMs - after;
}

/**
 * Formats an instant as RFC 3339 with the zone's offset (`2026-01-28T09:30:00+01:00`), or with Z
 * when the offset is zero.
 */
export function rfc3339(zone: string, instantMs: number): string {
  const offset = offsetMs(zone, instantMs);
  const wall = new Date(instantMs + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const digits = (value: number): string => String(value).padStart(2, '0');
  return `${wall}${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}

/**
 * Returns the instant of Google's `dateTime`. A time without an offset (Google accepts these with a
 * `timeZone`) is a wall time of `zone`, whatever the zone of the machine. NaN for an invalid time.
 */
export function instantOfDateTime(dateTime: string, zone: string): number {
  if (!FLOATING.test(dateTime)) return Date.parse(dateTime);
  const wallMs = Date.parse(`${dateTime}Z`);
  return Number.isNaN(wallMs) ? wallMs : instantOfWall(knownZone(zone) ?? 'UTC', wallMs);
}

const FLOATING = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/;

const DAY_MS = 86_400_000;

function formatOf(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= FORMATS_KEPT) formats.clear();
  const made = newFormat(zone);
  formats.set(zone, made);
  return made;
}

function newFormat(zone: string): Intl.DateTimeFormat | null {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    // Intl throws a RangeError for an unknown name. This is an expected case: the caller expands in
    // UTC.
    return null;
  }
}
