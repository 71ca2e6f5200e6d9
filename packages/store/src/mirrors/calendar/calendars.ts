import { randomUUID } from 'node:crypto';
import { lastById } from './events.js';
import { SET_GONE } from '../../collections.js';
import { arrayLiteral } from '../../pool.js';
import type { RowChange } from '../../rows.js';
import type { CalendarRow } from './rows.js';
import { endWatchesOfGone } from '../../watches.js';
import { REOPEN_AFTER } from './resource.js';
import type { Transaction } from '../../transaction.js';

/*
 * Writes the rows of the calendar list. Rows are classified by content like those of the mailbox
 * (see ../gmail/messages.ts).
 */

/**
 * Stores entries of the calendar list and opens a collection for the events of each. A collection
 * that is gone is opened again when its entry is new or changed (for example an access role
 * restored), or when it has been gone for REOPEN_AFTER. Without this delay, the full list that
 * follows a refusal would reopen the collection at once, and refusal and list would alternate
 * without end.
 */
export async function upsertCalendars(
  session: Transaction,
  accountId: string,
  calendars: readonly CalendarRow[],
): Promise<RowChange[]> {
  if (calendars.length === 0) return [];
  const rows = lastById(calendars);
  const ids = arrayLiteral(rows, (c) => c.id);
  const stored = await session.query<{ id: string; created: boolean }>({
    name: 'calendar-upsert',
    text: `INSERT INTO syncline.calendars AS c (account_id, id, summary, time_zone, access_role, is_primary, resource)
           SELECT $1, u.id, u.summary, u.time_zone, u.access_role, u.is_primary, u.resource::jsonb
             FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::text[]) AS u(id, summary, time_zone, access_role, is_primary, resource)
           ON CONFLICT (account_id, id) DO UPDATE
              SET summary = excluded.summary, time_zone = excluded.time_zone, access_role = excluded.access_role, is_primary = excluded.is_primary, resource = excluded.resource
            WHERE c.resource IS DISTINCT FROM excluded.resource
           RETURNING id, NOT EXISTS (SELECT FROM syncline.calendars s WHERE s.account_id = $1 AND s.id = c.id) AS created`,
    values: [
      accountId,
      ids,
      arrayLiteral(rows, (c) => c.summary),
      arrayLiteral(rows, (c) => c.timeZone),
      arrayLiteral(rows, (c) => c.accessRole),
      arrayLiteral(rows, (c) => c.isPrimary),
      arrayLiteral(rows, (c) => c.resource),
    ],
  });
  await session.query({
    name: 'calendar-open-collections',
    text: `INSERT INTO syncline.collections AS c (id, account_id, tenant, kind, external_id)
           SELECT u.collection_id, a.id, a.tenant, 'calendar-events', u.id FROM unnest($2::uuid[], $3::text[]) AS u(collection_id, id) JOIN syncline.accounts a ON a.id = $1
           ON CONFLICT (account_id, kind, external_id) DO UPDATE
              SET state = 'active', phase = 'pending', cursor = '{"phase":"pending"}', error = NULL, parked = NULL, reason_code = NULL, failures = 0, next_sync_at = now(), gone_at = NULL, lease_epoch = c.lease_epoch + 1,
                  held_since = NULL, held_rows = NULL, held_for = NULL, held_until = NULL, held_discards = 0
            WHERE c.state = 'gone' AND (c.external_id = ANY($4::text[]) OR c.gone_at IS NULL OR c.gone_at < now() - ${REOPEN_AFTER})`,
    values: [
      accountId,
      arrayLiteral(rows, () => randomUUID()),
      ids,
      arrayLiteral(stored.rows, (row) => row.id),
    ],
  });
  return stored.rows.map((row) => ({
    entity: 'calendar',
    id: row.id,
    calendarId: null,
    op: row.created ? 'created' : 'updated',
  }));
}

/**
 * Removes calendars that left the list, with their events. Raising the lease epoch fences out a
 * worker that is still syncing them.
 */
export async function removeCalendars(
  session: Transaction,
  accountId: string,
  ids: readonly string[],
): Promise<RowChange[]> {
  if (ids.length === 0) return [];
  const values = [accountId, arrayLiteral(ids, (id) => id)];
  await session.query({
    name: 'calendar-close-collections',
    text: `UPDATE syncline.collections SET ${SET_GONE}, error = 'the calendar left the account''s calendar list', lease_epoch = lease_epoch + 1
            WHERE account_id = $1 AND kind = 'calendar-events' AND external_id = ANY($2::text[])`,
    values,
  });
  await endWatchesOfGone(session, accountId);
  const events = await session.query<{ id: string; calendar_id: string }>({
    name: 'calendar-erase-events',
    text: 'DELETE FROM syncline.calendar_events WHERE account_id = $1 AND calendar_id = ANY($2::text[]) RETURNING id, calendar_id',
    values,
  });
  session.send({
    name: 'calendar-erase-occurrences',
    text: 'DELETE FROM syncline.cancelled_occurrences WHERE account_id = $1 AND calendar_id = ANY($2::text[])',
    values,
  });
  const calendars = await session.query<{ id: string }>({
    name: 'calendar-delete',
    text: 'DELETE FROM syncline.calendars WHERE account_id = $1 AND id = ANY($2::text[]) RETURNING id',
    values,
  });
  return [
    ...events.rows.map((row): RowChange => ({
      entity: 'event',
      id: row.id,
      calendarId: row.calendar_id,
      op: 'deleted',
    })),
    ...calendars.rows.map((row): RowChange => ({
      entity: 'calendar',
      id: row.id,
      calendarId: null,
      op: 'deleted',
    })),
  ];
}
