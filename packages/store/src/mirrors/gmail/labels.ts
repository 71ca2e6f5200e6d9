import type pg from 'pg';
import { arrayLiteral } from '../../pool.js';
import type { RowChange } from '../../rows.js';
import type { LabelRow } from './rows.js';
import type { Transaction } from '../../transaction.js';

/*
 * Writes the rows of the label catalogue. Rows are classified by content like those of the mailbox
 * (see messages.ts).
 */

/**
 * Stores the catalogue and deletes every label that it does not name. The caller has evidence that
 * the catalogue is complete (packages/sync/src/resources/gmail/catalogue.ts).
 */
export async function replaceLabels(
  session: Transaction,
  accountId: string,
  labels: readonly LabelRow[],
): Promise<RowChange[]> {
  const byId = new Map(labels.map((label) => [label.id, label]));
  const storing = upsertLabels(session, accountId, [...byId.values()]);
  const removing = removeOtherLabels(session, accountId, [...byId.keys()]);
  return (await Promise.all([storing, removing])).flat();
}

/** Returns the stored label catalogue. */
export async function storedLabels(pool: pg.Pool, accountId: string): Promise<LabelRow[]> {
  const stored = await pool.query<LabelRow>({
    name: 'label-all',
    text: 'SELECT id, name, type, resource::text AS resource FROM syncline.gmail_labels WHERE account_id = $1',
    values: [accountId],
  });
  return stored.rows;
}

export async function upsertLabels(
  session: Transaction,
  accountId: string,
  labels: readonly LabelRow[],
): Promise<RowChange[]> {
  const stored = await session.query<{ id: string; created: boolean }>({
    name: 'label-upsert',
    text: `INSERT INTO syncline.gmail_labels AS l (account_id, id, name, type, resource)
           SELECT $1, u.id, u.name, u.type, u.resource::jsonb FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS u(id, name, type, resource)
           ON CONFLICT (account_id, id) DO UPDATE SET name = excluded.name, type = excluded.type, resource = excluded.resource
             WHERE (l.name, l.type, l.resource) IS DISTINCT FROM (excluded.name, excluded.type, excluded.resource)
           RETURNING id, NOT EXISTS (SELECT FROM syncline.gmail_labels s WHERE s.account_id = $1 AND s.id = l.id) AS created`,
    values: [
      accountId,
      arrayLiteral(labels, (l) => l.id),
      arrayLiteral(labels, (l) => l.name),
      arrayLiteral(labels, (l) => l.type),
      arrayLiteral(labels, (l) => l.resource),
    ],
  });
  return stored.rows.map((row) => ({
    entity: 'label',
    id: row.id,
    calendarId: null,
    op: row.created ? 'created' : 'updated',
  }));
}

export async function removeOtherLabels(
  session: Transaction,
  accountId: string,
  keptIds: readonly string[],
): Promise<RowChange[]> {
  const gone = await session.query<{ id: string }>({
    name: 'label-delete',
    text: 'DELETE FROM syncline.gmail_labels WHERE account_id = $1 AND id <> ALL($2::text[]) RETURNING id',
    values: [accountId, arrayLiteral(keptIds, (id) => id)],
  });
  return gone.rows.map((row) => ({
    entity: 'label',
    id: row.id,
    calendarId: null,
    op: 'deleted',
  }));
}
