import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { allDay, type EventTime } from '../calendar/event.js';
import type { CalendarStore, StoredEvent } from '../calendar/store.js';
import { offsetMs } from '../calendar/zones.js';
import { createPrng } from '../prng.js';
import type { Account, World } from '../world.js';
import { icsEvent, type IcsEvent } from './ics-event.js';
import { icsZones } from './ics-zones.js';
import { parseIcs, type IcsComponent } from './ics-parser.js';
import { reportOf, type FileReport, type LoadReport } from './report.js';

/**
 * Adds the events of every file of a directory to a new calendar of the account, like Google's
 * import.
 */
export async function loadIcs(
  world: World,
  account: Account,
  directory: string,
  nowMs: number,
): Promise<LoadReport> {
  const calendar = world.addCalendar(
    account,
    'Imported',
    account.prng.fork(`ics ${path.basename(directory)}`),
  );
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
  const files: FileReport[] = [];
  for (const file of names)
    files.push(loadFile(calendar, file, await readFile(path.join(directory, file)), nowMs));
  return reportOf('ics', directory, account.email, files);
}

/** Series are added first, so that exceptions find theirs wherever it is in the file. */
function loadFile(calendar: CalendarStore, file: string, bytes: Buffer, nowMs: number): FileReport {
  const report: FileReport = { file, loaded: 0, ignored: [] };
  const components = parseIcs(bytes).flatMap((one) =>
    one.name === 'VCALENDAR' ? one.components : [one],
  );
  for (const other of components.filter((one) => one.name !== 'VEVENT'))
    report.ignored.push({ what: other.name, reason: reasonFor(other) });
  const zones = icsZones(
    components.filter((one) => one.name === 'VTIMEZONE'),
    calendar.timeZone,
  );
  const read = components.filter((one) => one.name === 'VEVENT').map((one) => icsEvent(one, zones));
  const events = newest(read);
  for (let n = events.length; n < read.length; n++)
    report.ignored.push({ what: 'VEVENT', reason: 'a newer version of it is in the file' });
  if (components.length === 0)
    report.ignored.push({ what: 'file', reason: 'no event, nor any other component, in it' });
  const masters = loadMasters(calendar, events, report, nowMs);
  for (const event of events) {
    if (!isException(events, event)) continue;
    if (loadException(calendar, masters.get(event.uid ?? ''), event, nowMs)) report.loaded += 1;
    else
      report.ignored.push({
        what: 'VEVENT',
        reason: 'changes an occurrence of a cancelled series',
      });
  }
  return report;
}

/**
 * Adds everything except exceptions.
 * @returns the events that are not cancelled, by uid
 */
function loadMasters(
  calendar: CalendarStore,
  events: readonly IcsEvent[],
  report: FileReport,
  nowMs: number,
): Map<string, StoredEvent> {
  const masters = new Map<string, StoredEvent>();
  for (const [index, event] of events.entries()) {
    if (isException(events, event)) continue;
    const id = eventId(`${report.file} ${event.uid ?? ''} ${index}`);
    const stored = calendar.insert(event.draft, nowMs, id);
    if (event.cancelled) calendar.delete(stored.id, nowMs);
    else if (event.uid !== null && !masters.has(event.uid)) masters.set(event.uid, stored);
    report.loaded += 1;
    if (event.undated)
      report.ignored.push({
        what: 'DTSTART',
        reason: 'missing or no date; a fixed day was put in its place',
      });
  }
  return masters;
}

/**
 * Of several versions of an event, or of one occurrence, returns those with the highest SEQUENCE.
 * Without any SEQUENCE they count as different events.
 */
function newest(events: readonly IcsEvent[]): IcsEvent[] {
  const highest = new Map<string, number>();
  const keyOf = (event: IcsEvent): string => JSON.stringify([event.uid, event.recurrenceId]);
  for (const event of events)
    highest.set(keyOf(event), Math.max(highest.get(keyOf(event)) ?? 0, event.sequence ?? 0));
  return events.filter(
    (event) => event.uid === null || (event.sequence ?? 0) === highest.get(keyOf(event)),
  );
}

/**
 * Returns the original start of an occurrence in the form of its series: a date for an all-day
 * series, whatever the file has.
 */
function originalStart(master: StoredEvent, named: EventTime, calendarZone: string): EventTime {
  if (master.body.start?.date === undefined || named.dateTime === undefined) return named;
  const instant = Date.parse(named.dateTime);
  const zone = named.timeZone === 'UTC' ? calendarZone : (named.timeZone ?? calendarZone);
  return allDay(instant + offsetMs(zone, instant));
}

function loadException(
  calendar: CalendarStore,
  master: StoredEvent | undefined,
  event: IcsEvent,
  nowMs: number,
): boolean {
  if (master === undefined || event.recurrenceId === null) return false;
  const { recurrence: _none, ...patch } = event.draft;
  const original = originalStart(master, event.recurrenceId, calendar.timeZone);
  if (event.cancelled) return calendar.cancelInstance(master.id, original, nowMs) !== null;
  return calendar.changeInstance(master.id, original, patch, nowMs) !== null;
}

/**
 * Whether the event is an exception. Without its series in the file it counts as an event of its
 * own.
 */
function isException(events: readonly IcsEvent[], { uid, recurrenceId }: IcsEvent): boolean {
  return (
    recurrenceId !== null &&
    uid !== null &&
    events.some((other) => other.uid === uid && other.recurrenceId === null)
  );
}

function reasonFor(component: IcsComponent): string {
  switch (component.name) {
    case 'VTIMEZONE':
      return 'zones are read with the events';
    case 'VTODO':
    case 'VJOURNAL':
    case 'VFREEBUSY':
    case 'VAVAILABILITY':
      return 'Google Calendar imports events only';
    default:
      return 'unknown component';
  }
}

/** The same file gives the same ids, in base32hex as Google requires. */
function eventId(seed: string): string {
  const prng = createPrng(seed);
  return Array.from({ length: 26 }, () =>
    '0123456789abcdefghijklmnopqrstuv'.charAt(prng.below(32)),
  ).join('');
}
