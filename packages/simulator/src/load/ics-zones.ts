/** The VTIMEZONEs of a file: zones without a known name, described by their offsets. */
import { parseRule, ruleTimes } from '../calendar/rule.js';
import { offsetMs, zoneNamed } from '../calendar/zones.js';
import { property, type IcsComponent } from './ics-parser.js';

export interface IcsZones {
  /** The zone of times without a zone, or with an undescribed one. */
  calendarZone: string;
  /** By TZID. */
  described: ReadonlyMap<string, DescribedZone>;
}

interface DescribedZone {
  /** The known zone with the same offsets, or the closest one. */
  zone: string;
  instantOf(wallMs: number): number;
}

export function icsZones(components: readonly IcsComponent[], calendarZone: string): IcsZones {
  const described = new Map<string, DescribedZone>();
  for (const component of components) {
    const tzid = property(component, 'TZID')?.value.trim() ?? '';
    const observances = component.components
      .filter(({ name }) => name === 'STANDARD' || name === 'DAYLIGHT')
      .map(observance)
      .filter((one) => one !== null);
    if (tzid !== '' && observances.length > 0)
      described.set(tzid, describe(component, observances, calendarZone));
  }
  return { calendarZone, described };
}

function describe(
  component: IcsComponent,
  observances: readonly Observance[],
  calendarZone: string,
): DescribedZone {
  const instantOf = (wallMs: number): number => wallMs - offsetAt(observances, wallMs);
  const located = zoneNamed(property(component, 'X-LIC-LOCATION')?.value.trim() ?? '');
  return { zone: located ?? likeliestZone(observances, calendarZone), instantOf };
}

/** The time at which an offset begins, by the clocks before it. */
interface Observance {
  startMs: number;
  fromMs: number;
  toMs: number;
  rules: readonly string[];
  dates: readonly number[];
}

function observance(component: IcsComponent): Observance | null {
  const startMs = wallOf(property(component, 'DTSTART')?.value ?? '');
  const toMs = offsetOf(property(component, 'TZOFFSETTO')?.value ?? '');
  if (startMs === null || toMs === null) return null;
  const valuesOf = (asked: string): string[] =>
    component.properties.filter(({ name }) => name === asked).map(({ value }) => value.trim());
  return {
    startMs,
    fromMs: offsetOf(property(component, 'TZOFFSETFROM')?.value ?? '') ?? toMs,
    toMs,
    rules: valuesOf('RRULE'),
    dates: valuesOf('RDATE')
      .flatMap((value) => value.split(','))
      .map(wallOf)
      .filter((wall) => wall !== null),
  };
}

/**
 * Returns the offset of the observance that began last; before the first one, the offset that it
 * replaced.
 */
function offsetAt(observances: readonly Observance[], wallMs: number): number {
  let best: { onsetMs: number; offsetMs: number } | null = null;
  for (const one of observances) {
    const onsetMs = lastOnset(one, wallMs);
    if (onsetMs !== null && (best === null || onsetMs >= best.onsetMs))
      best = { onsetMs, offsetMs: one.toMs };
  }
  if (best !== null) return best.offsetMs;
  const [first] = observances.toSorted((a, b) => a.startMs - b.startMs);
  return first?.fromMs ?? 0;
}

function lastOnset(one: Observance, wallMs: number): number | null {
  let last = one.startMs <= wallMs ? one.startMs : null;
  const take = (onsetMs: number): void => {
    if (onsetMs <= wallMs && (last === null || onsetMs > last)) last = onsetMs;
  };
  one.dates.forEach(take);
  for (const text of one.rules) {
    const rule = parseRule(`RRULE:${text}`);
    if (rule === null) continue;
    // Rules often begin in 1601. Two years before the wanted time are enough for the same result.
    const start = new Date(one.startMs);
    const year = new Date(wallMs).getUTCFullYear() - 2;
    if (start.getUTCFullYear() < year && rule.frequency === 'YEARLY') start.setUTCFullYear(year);
    const untilMs = rule.until === null ? null : wallOf(rule.until);
    const endMs = Math.min(wallMs, untilMs === null ? wallMs : untilMs + DAY_MS);
    if (endMs >= start.getTime())
      for (const onsetMs of ruleTimes(rule, start.getTime(), endMs)) take(onsetMs);
    else if (untilMs !== null) take(untilMs);
  }
  return last;
}

const DAY_MS = 86_400_000;

/**
 * Returns the calendar's own zone if it has these offsets in one year, otherwise the first zone
 * that has.
 */
function likeliestZone(observances: readonly Observance[], calendarZone: string): string {
  const year = Math.min(
    2_030,
    Math.max(...observances.map(({ startMs }) => new Date(startMs).getUTCFullYear()), 2_020),
  );
  const days = Array.from({ length: 24 }, (_, n) =>
    Date.UTC(year, Math.floor(n / 2), 1 + 14 * (n % 2), 12),
  );
  const asked = days.map((wallMs) => ({ wallMs, offset: offsetAt(observances, wallMs) }));
  const agrees = (zone: string): boolean =>
    asked.every(({ wallMs, offset }) => offsetMs(zone, wallMs - offset) === offset);
  return [calendarZone, ...Intl.supportedValuesOf('timeZone')].find(agrees) ?? calendarZone;
}

/** Parses an offset such as `+0130` or `-023000`. */
function offsetOf(text: string): number | null {
  const match = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(text.trim());
  if (match === null) return null;
  const [hours, minutes, seconds] = match.slice(2).map((digits) => Number(digits ?? 0)) as [
    number,
    number,
    number,
  ];
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000;
  return match[1] === '-' ? -ms : ms;
}

function wallOf(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?Z?)?$/.exec(text.trim());
  if (match === null) return null;
  const [year, month, day, hour, minute, second] = match
    .slice(1)
    .map((digits) => Number(digits ?? 0)) as [number, number, number, number, number, number];
  const wall = new Date(0);
  wall.setUTCFullYear(year, month - 1, day);
  wall.setUTCHours(hour, minute, second);
  return wall.getTime();
}
