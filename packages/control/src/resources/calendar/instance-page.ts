/** Pages of the single events of several calendars (`@syncline/control/calendar/instance-page`). */
import { placeInstances, type PlacedInstance, type Work } from '@syncline/recurrence';
import type { NamedAccount, ReadFrame, Reads } from '@syncline/store';
import type { TimeRange } from './instances.js';

/** An instance as the API shows it; the field names are public. */
interface InstanceDocument {
  calendarId: string;
  /** The event as Google would give the instance. */
  event: Record<string, unknown>;
  start: Date;
  end: Date;
  /** The id of its series; null for what is of no series. */
  masterId: string | null;
  originalStart: Date | null;
}

/** The place of an instance in the order of the list. */
export interface InstancePosition {
  startMs: number;
  calendarId: string;
  id: string;
}

export type InstancePage =
  | {
      kind: 'page';
      frame: ReadFrame;
      rows: InstanceDocument[];
      /** The position after which the next page begins; null at the end. */
      next: InstancePosition | null;
      /** Whether a rule takes too much work, so that instances of its series are missing. */
      truncated: boolean;
    }
  /** The account, or one of the named calendars, does not exist. */
  | { kind: 'not-found' }
  /** The calendars have more events than one request reads. */
  | { kind: 'too-much' };

interface InstancesAsked extends TimeRange {
  /** `primary` names the primary calendar; null: every calendar. */
  calendars: readonly string[] | null;
  after: InstancePosition | null;
  limit: number;
}

/** Series, exceptions and single events that one request reads. */
export const SOURCES_LIMIT = 20_000;
/** Steps of all rules of one request: some tenths of a second, in which nothing else runs. */
export const WORK_STEPS = 300_000;
/** JSON of a page. A single instance may have more. */
const PAGE_BYTES = 8_388_608;

/** Reads a page in the order of the starts. Nothing is asked of Google. */
export async function instancePage(
  { store }: { store: { reads: Pick<Reads, 'instances'> } },
  account: Pick<NamedAccount, 'id'>,
  { calendars: names, after, limit, ...range }: InstancesAsked,
): Promise<InstancePage> {
  const read = await store.reads.instances(account.id, { ...range, names, limit: SOURCES_LIMIT });
  if (read === null || read.unknown.length > 0) return { kind: 'not-found' };
  if (read.isTooMuch) return { kind: 'too-much' };
  const work: Work = { stepsLeft: WORK_STEPS };
  let found: Found[] = [];
  let truncated = false;
  for (const { calendarId, timeZone, events } of read.calendars) {
    const last = found[limit];
    const { items, isCut } = placeInstances(events, {
      timeMinMs: range.timeMinMs,
      // What begins after the end of the page is not looked for.
      timeMaxMs: last === undefined ? range.timeMaxMs : Math.min(range.timeMaxMs, last.startMs + 1),
      defaultZone: timeZone,
      after: afterIn(calendarId, after),
      limit: limit + 1,
      work,
    });
    truncated ||= isCut;
    const own = items.map((placed) => ({ ...placed, calendarId }));
    found = [...found, ...own].sort(inOrder).slice(0, limit + 1);
  }
  const rows = fitting(found.slice(0, limit).map(documentOf));
  const last = rows.length < found.length ? found[rows.length - 1] : undefined;
  return {
    kind: 'page',
    frame: read.frame,
    rows,
    next: last === undefined ? null : positionOf(last),
    truncated,
  };
}

type Found = PlacedInstance<Record<string, unknown>> & { calendarId: string };

function inOrder(one: Found, other: Found): number {
  if (one.startMs !== other.startMs) return one.startMs - other.startMs;
  if (one.calendarId !== other.calendarId) return one.calendarId < other.calendarId ? -1 : 1;
  return one.id < other.id ? -1 : 1;
}

/** Of equal starts, the calendars come in the order of their ids. */
function afterIn(
  calendarId: string,
  position: InstancePosition | null,
): { startMs: number; id: string } | undefined {
  if (position === null) return undefined;
  const { startMs } = position;
  if (calendarId === position.calendarId) return { startMs, id: position.id };
  return { startMs: calendarId < position.calendarId ? startMs + 1 : startMs, id: '' };
}

function positionOf({ startMs, calendarId, id }: Found): InstancePosition {
  return { startMs, calendarId, id };
}

function documentOf({
  calendarId,
  event,
  startMs,
  endMs,
  originalStartMs,
}: Found): InstanceDocument {
  const { recurringEventId } = event;
  return {
    calendarId,
    event,
    start: dateOf(startMs),
    end: dateOf(endMs),
    masterId: typeof recurringEventId === 'string' ? recurringEventId : null,
    originalStart: originalStartMs === null ? null : dateOf(originalStartMs),
  };
}

/** The years 0 to 9999, which RFC 3339 can write; an event may have any other by mistake. */
const [EARLIEST_MS, LATEST_MS] = [-62_167_219_200_000, 253_402_300_799_999];

function dateOf(ms: number): Date {
  return new Date(Math.min(LATEST_MS, Math.max(EARLIEST_MS, ms)));
}

function fitting(rows: InstanceDocument[]): InstanceDocument[] {
  let left = PAGE_BYTES;
  const over = rows.findIndex(
    ({ event }) => (left -= Buffer.byteLength(JSON.stringify(event))) < 0,
  );
  return over < 0 ? rows : rows.slice(0, Math.max(1, over));
}
