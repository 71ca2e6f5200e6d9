/** Reads of the calendars for clients of the API: pages of calendars and events. */
import type pg from 'pg';
import { inSnapshot, type Transaction } from '../../transaction.js';
import {
  pageFrom,
  readFrame,
  type CollectionsRead,
  type ReadFrame,
  type ReadPage,
} from '../snapshot.js';
import { calendarsNamed, sourcesOf, type InstanceSources } from './instance-sources.js';

/** What the calendars are read from. */
export const CALENDAR_LIST_READ: CollectionsRead = { kinds: ['calendar-list'] };
/** What the events of all calendars are read from: the list says which calendars there are. */
export const EVERY_EVENT_READ: CollectionsRead = { kinds: ['calendar-list', 'calendar-events'] };

/** What the events of these calendars are read from. */
export function eventsRead(externalIds: readonly string[]): CollectionsRead {
  return { kinds: ['calendar-events'], externalIds };
}

interface ReadCalendar {
  id: string;
  summary: string | null;
  timeZone: string | null;
  accessRole: string | null;
  isPrimary: boolean;
  resource: Record<string, unknown>;
}

/** An event as `export` gives it. */
interface ReadEvent {
  calendarId: string;
  event: Record<string, unknown>;
}

interface PageAsked {
  /** The id of the last row of the page before. */
  after: string | null;
  limit: number;
}

interface InstancesAsked {
  /** The names of calendars, `primary` included; null: all of the account. */
  names: readonly string[] | null;
  timeMinMs: number;
  timeMaxMs: number;
  /** The largest number of events that are read. */
  limit: number;
}

/** What the instances of calendars are computed from. */
interface ReadInstances {
  frame: ReadFrame;
  calendars: InstanceSources[];
  /** The names that no calendar of the account has. */
  unknown: string[];
  /** Whether there are more events than the limit; `calendars` is then empty. */
  isTooMuch: boolean;
}

/** Null: the account or its calendar does not exist. A calendar named `primary` is the primary one. */
export interface CalendarReads {
  calendars(accountId: string, o: PageAsked): Promise<ReadPage<ReadCalendar> | null>;
  /** By id. */
  events(accountId: string, calendarId: string, o: PageAsked): Promise<ReadPage<ReadEvent> | null>;
  event(accountId: string, calendarId: string, id: string): Promise<ReadEvent | null>;
  instances(accountId: string, o: InstancesAsked): Promise<ReadInstances | null>;
  /** Returns the ids of the calendars that have one of these names. */
  calendarIds(accountId: string, names: readonly string[]): Promise<string[]>;
}

export function calendarReadsIn(pool: pg.Pool): CalendarReads {
  return {
    calendars: (accountId, page) => calendars(pool, accountId, page),
    events: (accountId, calendarId, page) => events(pool, accountId, calendarId, page),
    event: (accountId, calendarId, id) => event(pool, accountId, calendarId, id),
    instances: (accountId, asked) => instances(pool, accountId, asked),
    calendarIds: async (accountId, names) =>
      (await calendarsNamed(pool, accountId, names)).map(({ id }) => id),
  };
}

function calendars(
  pool: pg.Pool,
  accountId: string,
  { after, limit }: PageAsked,
): Promise<ReadPage<ReadCalendar> | null> {
  return inSnapshot(pool, async (snapshot) => {
    const [frame, { rows }] = await Promise.all([
      readFrame(snapshot, accountId, CALENDAR_LIST_READ),
      snapshot.query<ReadCalendar>(
        `SELECT id, summary, time_zone AS "timeZone", access_role AS "accessRole", is_primary AS "isPrimary", resource
           FROM syncline.calendars WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3`,
        [accountId, after ?? '', limit + 1],
      ),
    ]);
    return frame && pageFrom(frame, rows, limit, ({ id }) => [id]);
  });
}

function events(
  pool: pg.Pool,
  accountId: string,
  named: string,
  { after, limit }: PageAsked,
): Promise<ReadPage<ReadEvent> | null> {
  return inSnapshot(pool, async (snapshot) => {
    const calendarId = await calendarNamed(snapshot, accountId, named);
    if (calendarId === null) return null;
    const [frame, { rows }] = await Promise.all([
      readFrame(snapshot, accountId, eventsRead([calendarId])),
      snapshot.query<{ id: string; event: Record<string, unknown> }>(
        `SELECT id, resource AS event FROM syncline.calendar_events
          WHERE account_id = $1 AND calendar_id = $2 AND id > $3 ORDER BY id LIMIT $4`,
        [accountId, calendarId, after ?? '', limit + 1],
      ),
    ]);
    if (frame === null) return null;
    const page = pageFrom(frame, rows, limit, ({ id }) => [id]);
    return { ...page, rows: page.rows.map((row) => ({ calendarId, event: row.event })) };
  });
}

function event(
  pool: pg.Pool,
  accountId: string,
  named: string,
  id: string,
): Promise<ReadEvent | null> {
  return inSnapshot(pool, async (snapshot) => {
    const calendarId = await calendarNamed(snapshot, accountId, named);
    if (calendarId === null) return null;
    const { rows } = await snapshot.query<{ event: Record<string, unknown> }>(
      'SELECT resource AS event FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $2 AND id = $3',
      [accountId, calendarId, id],
    );
    return rows[0] === undefined ? null : { calendarId, event: rows[0].event };
  });
}

function instances(
  pool: pg.Pool,
  accountId: string,
  { names, limit, ...range }: InstancesAsked,
): Promise<ReadInstances | null> {
  return inSnapshot(pool, async (snapshot) => {
    const listed = await calendarsNamed(snapshot, accountId, names);
    const ids = listed.map(({ id }) => id);
    const hasPrimary = listed.some(({ isPrimary }) => isPrimary);
    const collections = names === null ? EVERY_EVENT_READ : eventsRead(ids);
    const [frame, sources] = await Promise.all([
      readFrame(snapshot, accountId, collections),
      sourcesOf(snapshot, accountId, listed, { ...range, limit: limit + 1 }),
    ]);
    if (frame === null) return null;
    const isTooMuch = sources.reduce((sum, { events: some }) => sum + some.length, 0) > limit;
    return {
      frame,
      calendars: isTooMuch ? [] : sources,
      unknown: (names ?? []).filter(
        (name) => !ids.includes(name) && !(name === 'primary' && hasPrimary),
      ),
      isTooMuch,
    };
  });
}

async function calendarNamed(
  snapshot: Transaction,
  accountId: string,
  named: string,
): Promise<string | null> {
  const { rows } = await snapshot.query<{ id: string }>(
    `SELECT id FROM syncline.calendars WHERE account_id = $1 AND (id = $2 OR ($2 = 'primary' AND is_primary)) ORDER BY id = $2 DESC LIMIT 1`,
    [accountId, named],
  );
  return rows[0]?.id ?? null;
}
