import { arrayLiteral } from '../../pool.js';
import type { RowChange } from '../../rows.js';
import type { Transaction } from '../../transaction.js';
import type { Entity } from '../resources.js';
import type { ContactGroupRow, ContactRow, OtherContactRow } from './rows.js';

/*
 * Writes the rows of the three lists. Each has a table of its own with the same key. Rows are
 * classified by content like those of the mailbox (see ../gmail/messages.ts).
 */

/** One table, and how a row fills its columns. */
export interface ItemTable<Row extends { id: string }> {
  name: string;
  entity: Entity;
  columns: readonly Column<Row>[];
}

interface Column<Row> {
  name: string;
  /** Cast of the text that `value` returns. */
  type: 'text' | 'text[]' | 'jsonb';
  value(row: Row): string | null;
}

const PERSON_COLUMNS: readonly Column<OtherContactRow>[] = [
  { name: 'display_name', type: 'text', value: (row) => row.displayName },
  { name: 'email_addresses', type: 'text[]', value: (row) => texts(row.emailAddresses) },
  { name: 'phone_numbers', type: 'text[]', value: (row) => texts(row.phoneNumbers) },
  { name: 'etag', type: 'text', value: (row) => row.etag },
  { name: 'resource', type: 'jsonb', value: (row) => row.resource },
];

export const CONTACTS_TABLE: ItemTable<ContactRow> = {
  name: 'contacts',
  entity: 'contact',
  columns: [
    ...PERSON_COLUMNS,
    { name: 'group_ids', type: 'text[]', value: (row) => texts(row.groupIds) },
  ],
};

export const OTHER_CONTACTS_TABLE: ItemTable<OtherContactRow> = {
  name: 'other_contacts',
  entity: 'other_contact',
  columns: PERSON_COLUMNS,
};

export const CONTACT_GROUPS_TABLE: ItemTable<ContactGroupRow> = {
  name: 'contact_groups',
  entity: 'contact_group',
  columns: [
    { name: 'name', type: 'text', value: (row) => row.name },
    { name: 'type', type: 'text', value: (row) => row.type },
    { name: 'etag', type: 'text', value: (row) => row.etag },
    { name: 'resource', type: 'jsonb', value: (row) => row.resource },
  ],
};

/** Inserts new rows and updates those whose resource has changed. */
export async function upsertItems<Row extends { id: string }>(
  session: Transaction,
  table: ItemTable<Row>,
  accountId: string,
  items: readonly Row[],
): Promise<RowChange[]> {
  if (items.length === 0) return [];
  const rows = lastById(items);
  const stored = await session.query<{ id: string; created: boolean }>({
    name: `${table.entity}-upsert`,
    text: upsertText(table),
    values: [
      accountId,
      arrayLiteral(rows, ({ id }) => id),
      ...table.columns.map(({ value }) => arrayLiteral(rows, value)),
    ],
  });
  return stored.rows.map(({ id, created }) => ({
    entity: table.entity,
    id,
    calendarId: null,
    op: created ? 'created' : 'updated',
  }));
}

export async function deleteItems(
  session: Transaction,
  { name, entity }: Pick<ItemTable<{ id: string }>, 'name' | 'entity'>,
  accountId: string,
  ids: readonly string[],
): Promise<RowChange[]> {
  if (ids.length === 0) return [];
  const gone = await session.query<{ id: string }>({
    name: `${entity}-delete`,
    text: `DELETE FROM syncline.${name} WHERE account_id = $1 AND id = ANY($2::text[]) RETURNING id`,
    values: [accountId, arrayLiteral(ids, (id) => id)],
  });
  return gone.rows.map(({ id }) => ({ entity, id, calendarId: null, op: 'deleted' }));
}

function upsertText<Row extends { id: string }>({ name, columns }: ItemTable<Row>): string {
  const names = columns.map((column) => column.name);
  const parameters = columns.map((_, i) => `$${i + 3}::text[]`);
  const casts = columns.map((column) => `u.${column.name}::${column.type}`);
  return `INSERT INTO syncline.${name} AS t (account_id, id, ${names.join(', ')})
SELECT $1, u.id, ${casts.join(', ')} FROM unnest($2::text[], ${parameters.join(', ')}) AS u(id, ${names.join(', ')})
ON CONFLICT (account_id, id) DO UPDATE
   SET (${names.join(', ')}) = ROW(${names.map((column) => `excluded.${column}`).join(', ')}), updated_at = greatest(now(), t.created_at + interval '1 ms')
 WHERE t.resource IS DISTINCT FROM excluded.resource
RETURNING id, created_at = updated_at AS created`;
}

/** One statement may not change a row twice, and locks rows in the order of their ids. */
function lastById<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function texts(values: readonly string[]): string {
  return arrayLiteral(values, (value) => value);
}
