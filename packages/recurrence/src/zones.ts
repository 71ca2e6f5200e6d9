/**
 * Wall clock ↔ instant by Intl's IANA zone data. A "wall" is the local date and time written as if it were UTC: recurrence rules
 * are about wall clocks, so a series is worked out in walls, and each wall becomes an instant at the end.
 */

import { WINDOWS_ZONES } from './windows-zones.js';

const formats = new Map<string, Intl.DateTimeFormat | null>();
/** IANA has about 600 names; whoever sends more sends nonsense. */
const FORMATS_KEPT = 700;

/**
 * The zone's name as IANA has it; null for a name that nobody knows. Names of Windows are mapped,
 * and a vendor's prefix (`/freeassociation.sourceforge.net/Europe/Berlin`) is left out.
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

/** Offset of the zone at that instant in milliseconds, east positive; 0 for a name that nobody knows. */
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

/** No zone changes its offset and takes the change back within a day. */
const SPAN_MS = 86_400_000;
/**
 * The offset of a zone's days, null where it changes: Intl takes microseconds for each, and a
 * calendar asks for the same days over and over.
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
  // Not Date.UTC: it takes the years 0 to 99 for 1900 to 1999.
  wall.setUTCFullYear(of('year'), of('month') - 1, of('day'));
  wall.setUTCHours(of('hour'), of('minute'), of('second'));
  return wall.getTime() - Math.floor(instantMs / 1_000) * 1_000;
}

/**
 * The instant at which the zone's clocks show that wall. A wall that a change of daylight saving leaves out is read with the offset
 * before the gap, one that comes twice is its first time: RFC 5545, 3.3.5.
 */
export function instantOfWall(zone: string, wallMs: number): number {
  const before = offsetMs(zone, wallMs - DAY_MS);
  const after = offsetMs(zone, wallMs + DAY_MS);
  if (offsetMs(zone, wallMs - before) === before || offsetMs(zone, wallMs - after) !== after)
    return wallMs - before;
  return wallMs - after;
}

/** RFC 3339 with the zone's offset (`2026-01-28T09:30:00+01:00`), or with Z where there is none. */
export function rfc3339(zone: string, instantMs: number): string {
  const offset = offsetMs(zone, instantMs);
  const wall = new Date(instantMs + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const digits = (value: number): string => String(value).padStart(2, '0');
  return `${wall}${offset < 0 ? '-' : '+'}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`;
}

/**
 * The instant of Google's `dateTime`. One without an offset (Google takes such times with a `timeZone`) is a wall of `zone`, whatever the machine's own
 * zone is. NaN for what is no time.
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
    // Intl throws a RangeError for a name it does not know: an answer here, and the caller expands in UTC.
    return null;
  }
}
