import type pg from 'pg';
import { instanceSources, type InstanceSources } from './instance-sources.js';

interface ExportedEvent {
  calendarId: string;
  event: Record<string, unknown>;
}

/** Reads the calendars' rows for export and comparison. */
export interface CalendarMirror {
  events(accountId: string, calendarId?: string): AsyncGenerator<ExportedEvent>;
  calendarIds(accountId: string): Promise<string[]>;
  /** Entries of the calendar list, as Google returned them. */
  calendars(accountId: string): AsyncGenerator<{ id: string; resource: Record<string, unknown> }>;
  instanceSources(
    accountId: string,
    calendarId: string,
    range: { timeMinMs: number; timeMaxMs: number },
  ): Promise<InstanceSources | null>;
}

export function calendarMirrorIn(pool: pg.Pool): CalendarMirror {
  return {
    events: (accountId, calendarId) => exportEvents(pool, accountId, calendarId),
    calendarIds: (accountId) => calendarIds(pool, accountId),
    calendars: (accountId) => exportCalendars(pool, accountId),
    instanceSources: (accountId, calendarId, range) =>
      instanceSources(pool, accountId, calendarId, range),
  };
}

/** Rows read at a time. This bounds the memory of an export. */
const PAGE = 500;

/** Reads the events sorted by calendar and event id; those of one calendar when one is named. */
async function* exportEvents(
  pool: pg.Pool,
  accountId: string,
  only?: string,
): AsyncGenerator<ExportedEvent> {
  for (let calendarId = '', id = ''; ;) {
    const page = await pool.query<ExportedEvent & { id: string }>({
      text: `SELECT calendar_id AS "calendarId", id, resource AS event FROM syncline.calendar_events
              WHERE account_id = $1 AND (calendar_id COLLATE "C", id COLLATE "C") > ($2, $3) AND ($5::text IS NULL OR calendar_id = $5) ORDER BY calendar_id COLLATE "C", id COLLATE "C" LIMIT $4`,
      values: [accountId, calendarId, id, PAGE, only ?? null],
    });
    for (const row of page.rows) yield { calendarId: row.calendarId, event: row.event };
    const last = page.rows.at(-1);
    if (!last || page.rows.length < PAGE) return;
    calendarId = last.calendarId;
    id = last.id;
  }
}

/** Returns the ids of the calendars in the mirror's calendar list. */
async function calendarIds(pool: pg.Pool, accountId: string): Promise<string[]> {
  const found = await pool.query<{ id: string }>(
    'SELECT id FROM syncline.calendars WHERE account_id = $1 ORDER BY id COLLATE "C"',
    [accountId],
  );
  return found.rows.map((row) => row.id);
}

async function* exportCalendars(
  pool: pg.Pool,
  accountId: string,
): AsyncGenerator<{ id: string; resource: Record<string, unknown> }> {
  for (let after = ''; ;) {
    const page = await pool.query<{ id: string; resource: Record<string, unknown> }>(
      'SELECT id, resource FROM syncline.calendars WHERE account_id = $1 AND id COLLATE "C" > $2 ORDER BY id COLLATE "C" LIMIT $3',
      [accountId, after, PAGE],
    );
    yield* page.rows;
    const last = page.rows.at(-1);
    if (!last || page.rows.length < PAGE) return;
    after = last.id;
  }
}
