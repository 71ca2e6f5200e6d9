import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CalendarStore, StoredEvent } from '../calendar/store.js';
import { createPrng } from '../prng.js';
import type { Account, World } from '../world.js';
import { icsEvent, type IcsEvent } from './ics-event.js';
import { parseIcs, type IcsComponent } from './ics-parser.js';
import { reportOf, type FileReport, type LoadReport } from './report.js';

/** Puts the events of every file of a directory into a new calendar of the account, as Google's import does. */
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

/** Masters first, so that exceptions find their series wherever they stand in the file. */
export function loadFile(
  calendar: CalendarStore,
  file: string,
  bytes: Buffer,
  nowMs: number,
): FileReport {
  const report: FileReport = { file, loaded: 0, ignored: [] };
  const components = parseIcs(bytes).flatMap((one) =>
    one.name === 'VCALENDAR' ? one.components : [one],
  );
  for (const other of components.filter((one) => one.name !== 'VEVENT'))
    report.ignored.push({ what: other.name, reason: reasonFor(other) });
  const events = components
    .filter((one) => one.name === 'VEVENT')
    .map((one) => icsEvent(one, calendar.timeZone));
  if (components.length === 0)
    report.ignored.push({ what: 'file', reason: 'no event, nor any other component, in it' });
  const masters = new Map<string, StoredEvent>();
  for (const [index, event] of events.entries()) {
    if (event.recurrenceId !== null && hasMaster(events, event)) continue;
    const stored = calendar.insert(
      event.draft,
      nowMs,
      eventId(`${file} ${event.uid ?? ''} ${index}`),
    );
    if (event.cancelled) calendar.delete(stored.id, nowMs);
    else if (event.uid !== null && !masters.has(event.uid)) masters.set(event.uid, stored);
    report.loaded += 1;
    if (event.undated)
      report.ignored.push({
        what: 'DTSTART',
        reason: 'missing or no date; a fixed day was put in its place',
      });
  }
  for (const event of events) {
    if (event.recurrenceId === null || !hasMaster(events, event)) continue;
    if (loadException(calendar, masters.get(event.uid ?? ''), event, nowMs)) report.loaded += 1;
    else
      report.ignored.push({
        what: 'VEVENT',
        reason: 'changes an occurrence of a cancelled series',
      });
  }
  return report;
}

function loadException(
  calendar: CalendarStore,
  master: StoredEvent | undefined,
  event: IcsEvent,
  nowMs: number,
): boolean {
  if (master === undefined || event.recurrenceId === null) return false;
  const { recurrence: _none, ...patch } = event.draft;
  if (event.cancelled)
    return calendar.cancelInstance(master.id, event.recurrenceId, nowMs) !== null;
  return calendar.changeInstance(master.id, event.recurrenceId, patch, nowMs) !== null;
}

/** An exception without its series in the file is an event of its own. */
function hasMaster(events: readonly IcsEvent[], exception: IcsEvent): boolean {
  return (
    exception.uid !== null &&
    events.some((other) => other.uid === exception.uid && other.recurrenceId === null)
  );
}

function reasonFor(component: IcsComponent): string {
  switch (component.name) {
    case 'VTIMEZONE':
      return 'zones are known by name';
    case 'VTODO':
    case 'VJOURNAL':
    case 'VFREEBUSY':
    case 'VAVAILABILITY':
      return 'Google Calendar imports events only';
    default:
      return 'unknown component';
  }
}

/** The same file gives the same ids; base32hex as Google demands. */
function eventId(seed: string): string {
  const prng = createPrng(seed);
  return Array.from({ length: 26 }, () =>
    '0123456789abcdefghijklmnopqrstuv'.charAt(prng.below(32)),
  ).join('');
}
