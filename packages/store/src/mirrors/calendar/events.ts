import { existsByIndex } from '../../exists-by-index.js';
import type { Lease } from '../../lease.js';
import { arrayLiteral } from '../../pool.js';
import type { RowChange } from '../../rows.js';
import type { EventRow } from './rows.js';
import type { Transaction } from '../../transaction.js';

/*
 * Writes the rows of one calendar's events. Rows are classified by content like those of the
 * mailbox (see ../gmail/messages.ts).
 *
 * The rows do not depend on the order of items and pages:
 * - an event that is not cancelled has a row, regardless of its series;
 * - a cancelled occurrence has a row while its series has one. Before its series is known, it is in
 *   `cancelled_occurrences`. It is deleted with the tombstone of its series;
 * - every other cancelled event has no row.
 */

/** Changes of one page to a calendar's events. */
export interface EventDelta {
  /** Events, exceptions and cancelled occurrences. */
  events: readonly EventRow[];
  /** Ids of deleted events. */
  deleted: readonly string[];
  /**
   * Pages of the same listing follow, and may name a series again that this one deletes: its
   * cancelled occurrences wait for that.
   */
  isUnfinished?: boolean;
}

/** One calendar of an account. */
export interface CalendarOf {
  accountId: string;
  calendarId: string;
}

/**
 * Applies one page. Statements are only sent for the kinds of items in the page: most pages need
 * one.
 */
export async function applyEvents(
  session: Transaction,
  accountId: string,
  calendarId: string,
  { events, deleted, isUnfinished = false }: EventDelta,
): Promise<RowChange[]> {
  const calendar = { accountId, calendarId };
  const rows = lastById(events);
  const shown = rows.filter((row) => !isCancelledOccurrence(row));
  const stored = await upsertEvents(session, calendar, shown);
  const gone = await deleteEvents(
    session,
    calendar,
    deleted,
    isUnfinished ? 'waiting' : 'forgotten',
  );
  const cancelled = await applyCancelled(session, calendar, rows.filter(isCancelledOccurrence));
  const created = stored.filter(({ op }) => op === 'created').map(({ id }) => id);
  const shownAgain = await showCancelledOf(session, calendar, created);
  return [...stored, ...gone, ...cancelled, ...shownAgain];
}

/**
 * Deletes events. The cancelled occurrences of a series are deleted with it, because they only
 * describe the series. An exception that is not cancelled stays, because it is a meeting of its
 * own: a guest may be removed from a series and still be invited to one of its meetings.
 * @param cancelled what happens to those occurrences: `forgotten` deletes them (for the tombstone
 * of a series that no later page may name again), `waiting` moves them to `cancelled_occurrences`
 * (for a complete listing without the series, which may still have named the occurrences)
 */
export async function deleteEvents(
  session: Transaction,
  { accountId, calendarId }: CalendarOf,
  ids: readonly string[],
  cancelled: 'forgotten' | 'waiting',
): Promise<RowChange[]> {
  if (ids.length === 0) return [];
  const gone = await session.query<{ id: string }>({
    name: 'event-delete',
    text: `WITH gone AS (
             DELETE FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = $2
                AND (id = ANY($3::text[]) OR (recurring_event_id = ANY($3::text[]) AND status = 'cancelled'))
             RETURNING *),
           forgotten AS (
             DELETE FROM syncline.cancelled_occurrences WHERE account_id = $1 AND calendar_id = $2
                AND (id = ANY($3::text[]) OR ($4 AND recurring_event_id = ANY($3::text[])))),
           waiting AS (
             INSERT INTO syncline.cancelled_occurrences (${COLUMNS}) SELECT ${COLUMNS} FROM gone
              WHERE NOT $4 AND status = 'cancelled' AND recurring_event_id = ANY($3::text[]) AND id <> ALL($3::text[])
             ON CONFLICT DO NOTHING)
           SELECT id FROM gone`,
    values: [accountId, calendarId, arrayLiteral(ids, (id) => id), cancelled === 'forgotten'],
  });
  return gone.rows.map(({ id }) => ({ entity: 'event', id, calendarId, op: 'deleted' }));
}

/** Deletes cancelled occurrences that have no series and that a complete listing did not name. */
export function forgetUnlistedOccurrences(
  session: Transaction,
  lease: Lease,
  generation: number,
): void {
  session.send({
    name: 'occurrence-forget',
    text: `DELETE FROM syncline.cancelled_occurrences o WHERE o.account_id = $1 AND o.calendar_id = $2
              AND NOT ${existsByIndex('SELECT 1 FROM syncline.full_sync_items w WHERE w.account_id = $1 AND w.collection_id = $3 AND w.generation = $4 AND w.item_id = o.id')}`,
    values: [lease.accountId, lease.externalId, lease.collectionId, generation],
  });
}

async function upsertEvents(
  session: Transaction,
  { accountId, calendarId }: CalendarOf,
  rows: readonly EventRow[],
): Promise<RowChange[]> {
  if (rows.length === 0) return [];
  const exceptions = rows.filter((row) => row.recurringEventId !== null);
  if (exceptions.length > 0)
    session.send({
      name: 'occurrence-uncancel',
      text: 'DELETE FROM syncline.cancelled_occurrences WHERE account_id = $1 AND calendar_id = $2 AND id = ANY($3::text[])',
      values: [accountId, calendarId, arrayLiteral(exceptions, (e) => e.id)],
    });
  const stored = await session.query<{ id: string; created: boolean }>({
    name: 'event-upsert',
    text: upsertText('true'),
    values: eventValues(accountId, calendarId, rows),
  });
  return changesOf(stored.rows, calendarId);
}

/**
 * Stores the occurrences whose series has a row. Moves the others to `cancelled_occurrences` and
 * deletes their rows.
 */
async function applyCancelled(
  session: Transaction,
  { accountId, calendarId }: CalendarOf,
  rows: readonly EventRow[],
): Promise<RowChange[]> {
  if (rows.length === 0) return [];
  const values = eventValues(accountId, calendarId, rows);
  const stored = await session.query<{ id: string; created: boolean }>({
    name: 'occurrence-upsert',
    text: upsertText(HAS_SERIES),
    values,
  });
  const gone = await session.query<{ id: string }>({
    name: 'occurrence-wait',
    text: `WITH u AS MATERIALIZED (SELECT ${SOURCE} WHERE NOT ${HAS_SERIES}),
           waiting AS (
             INSERT INTO syncline.cancelled_occurrences AS e (${COLUMNS}) SELECT * FROM u
             ON CONFLICT (account_id, calendar_id, id) DO UPDATE SET (${CONTENT}) = ROW(${EXCLUDED}))
           DELETE FROM syncline.calendar_events e USING u WHERE e.account_id = $1 AND e.calendar_id = $2 AND e.id = u.id RETURNING e.id`,
    values,
  });
  return [
    ...changesOf(stored.rows, calendarId),
    ...gone.rows.map(({ id }): RowChange => ({ entity: 'event', id, calendarId, op: 'deleted' })),
  ];
}

/** Creates the rows of cancelled occurrences that arrived before these series. */
async function showCancelledOf(
  session: Transaction,
  { accountId, calendarId }: CalendarOf,
  seriesIds: readonly string[],
): Promise<RowChange[]> {
  if (seriesIds.length === 0) return [];
  const shown = await session.query<{ id: string }>({
    name: 'occurrence-show',
    text: `WITH found AS (
             DELETE FROM syncline.cancelled_occurrences WHERE account_id = $1 AND calendar_id = $2 AND recurring_event_id = ANY($3::text[]) RETURNING *)
           INSERT INTO syncline.calendar_events (${COLUMNS}) SELECT ${COLUMNS} FROM found ON CONFLICT DO NOTHING RETURNING id`,
    values: [accountId, calendarId, arrayLiteral(seriesIds, (id) => id)],
  });
  return shown.rows.map(({ id }) => ({ entity: 'event', id, calendarId, op: 'created' }));
}

function isCancelledOccurrence(row: EventRow): boolean {
  return row.status === 'cancelled' && row.recurringEventId !== null;
}

const CONTENT = `status, ical_uid, summary, recurring_event_id, is_recurring, start_date, start_at, start_zone, end_date, end_at, end_zone, etag, resource`;
const EXCLUDED = CONTENT.split(', ')
  .map((column) => `excluded.${column}`)
  .join(', ');
const COLUMNS = `account_id, calendar_id, id, ${CONTENT}`;

const SOURCE = `$1::uuid AS account_id, $2::text AS calendar_id, u.id, u.status, u.ical_uid, u.summary, u.recurring_event_id, u.is_recurring,
       u.start_date, 'epoch'::timestamptz + u.start_ms * interval '1 ms' AS start_at, u.start_zone, u.end_date, 'epoch'::timestamptz + u.end_ms * interval '1 ms' AS end_at, u.end_zone,
       u.etag, u.resource::jsonb AS resource
  FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::date[], $10::bigint[], $11::text[],
              $12::date[], $13::bigint[], $14::text[], $15::text[], $16::text[])
       AS u(id, status, ical_uid, summary, recurring_event_id, is_recurring, start_date, start_ms, start_zone, end_date, end_ms, end_zone, etag, resource)`;

const HAS_SERIES =
  'EXISTS (SELECT 1 FROM syncline.calendar_events s WHERE s.account_id = $1 AND s.calendar_id = $2 AND s.id = u.recurring_event_id)';

function upsertText(condition: string): string {
  return `INSERT INTO syncline.calendar_events AS e (${COLUMNS})
SELECT ${SOURCE} WHERE ${condition}
ON CONFLICT (account_id, calendar_id, id) DO UPDATE SET (${CONTENT}) = ROW(${EXCLUDED}), updated_at = greatest(now(), e.created_at + interval '1 ms')
 WHERE e.resource IS DISTINCT FROM excluded.resource
RETURNING id, created_at = updated_at AS created`;
}

function eventValues(accountId: string, calendarId: string, rows: readonly EventRow[]): unknown[] {
  return [
    accountId,
    calendarId,
    arrayLiteral(rows, (e) => e.id),
    arrayLiteral(rows, (e) => e.status),
    arrayLiteral(rows, (e) => e.icalUid),
    arrayLiteral(rows, (e) => e.summary),
    arrayLiteral(rows, (e) => e.recurringEventId),
    arrayLiteral(rows, (e) => e.isRecurring),
    arrayLiteral(rows, (e) => e.start.date),
    arrayLiteral(rows, (e) => e.start.atMs),
    arrayLiteral(rows, (e) => e.start.zone),
    arrayLiteral(rows, (e) => e.end.date),
    arrayLiteral(rows, (e) => e.end.atMs),
    arrayLiteral(rows, (e) => e.end.zone),
    arrayLiteral(rows, (e) => e.etag),
    arrayLiteral(rows, (e) => e.resource),
  ];
}

function changesOf(
  rows: readonly { id: string; created: boolean }[],
  calendarId: string,
): RowChange[] {
  return rows.map(({ id, created }) => ({
    entity: 'event',
    id,
    calendarId,
    op: created ? 'created' : 'updated',
  }));
}

/**
 * Returns one row per id. One statement may not change a row twice. Of an id that occurs twice in a
 * page, the later row is Google's newest state.
 */
export function lastById<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}
