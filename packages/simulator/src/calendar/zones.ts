/**
 * Converts between wall times and instants with Intl's zone data. A wall time is the local date and
 * time written as if it were UTC.
 */

import { WINDOWS_ZONES } from './windows-zones.js';

const formats = new Map<string, Intl.DateTimeFormat | null>();
const FORMATS_KEPT = 700;

/** Whether Intl has a zone of that name. */
function isZone(zone: string): boolean {
  return formatFor(zone) !== null;
}

/**
 * Returns the IANA name of a zone, also from a name with a vendor's prefix
 * (`/freeassociation.sourceforge.net/Europe/Berlin`) or from a Windows name; null for others.
 */
export function zoneNamed(name: string): string | null {
  const windows = WINDOWS_ZONES.get(name.trim().toLowerCase());
  if (windows !== undefined) return windows;
  const parts = name.split('/').filter((part) => part !== '');
  for (let from = 0; from < Math.min(10, parts.length); from++) {
    const rest = parts.slice(from).join('/');
    if (/^[A-Za-z_+\-/0-9]+$/.test(rest) && isZone(rest)) return rest;
  }
  return null;
}

/** Returns the zone's offset at an instant in ms, positive to the east; 0 for an unknown name. */
export function offsetMs(zone: string, instantMs: number): number {
  if (zone === 'UTC' || zone === 'Etc/UTC') return 0;
  const format = formatFor(zone);
  if (format === null) return 0;
  const parts = new Map(
    format.formatToParts(instantMs).map((part) => [part.type, Number(part.value)]),
  );
  const field = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0;
  const wall = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour') % 24,
    field('minute'),
    field('second'),
  );
  return wall - Math.floor(instantMs / 1000) * 1000;
}

/**
 * Returns the instant of a wall time. In a gap the clock has already advanced; in a fold it is the
 * first of the two.
 */
export function instantOf(zone: string, wallMs: number): number {
  const early = wallMs - offsetMs(zone, wallMs - 86_400_000);
  if (early + offsetMs(zone, early) === wallMs) return early;
  const late = wallMs - offsetMs(zone, wallMs + 86_400_000);
  return late + offsetMs(zone, late) === wallMs ? late : early;
}

/** Formats an instant as `2026-01-28T09:30:00+01:00`, or with Z in UTC. */
export function rfc3339(zone: string, instantMs: number): string {
  const offset = offsetMs(zone, instantMs);
  const wall = new Date(instantMs + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${wall}Z`;
  const minutes = Math.abs(Math.round(offset / 60_000));
  return `${wall}${offset < 0 ? '-' : '+'}${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

function formatFor(zone: string): Intl.DateTimeFormat | null {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= FORMATS_KEPT) formats.clear();
  const made = makeFormat(zone);
  formats.set(zone, made);
  return made;
}

function makeFormat(zone: string): Intl.DateTimeFormat | null {
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
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
