import { ownFault, sift, storableIds } from '../../set-aside.js';
import { quarantineId } from '../../storable.js';
import type { CollectionMirror, RowList } from '../collection-mirror.js';
import type { ContactGroupRow, ContactRow, OtherContactRow } from './rows.js';
import { storableContact, storableContactGroup, storableOtherContact } from './storable.js';
import {
  CONTACT_GROUPS_TABLE,
  CONTACTS_TABLE,
  deleteItems,
  OTHER_CONTACTS_TABLE,
  upsertItems,
  type ItemTable,
} from './tables.js';

/** Changes of one page to the rows of a list. No id is both stored and deleted. */
interface ItemsDelta<Kind extends string, Row> {
  kind: Kind;
  rows: Row[];
  deleted: string[];
}

export type ContactsDelta =
  | ItemsDelta<'contacts-connections', ContactRow>
  | ItemsDelta<'contacts-other', OtherContactRow>
  | ItemsDelta<'contacts-groups', ContactGroupRow>;

export const CONNECTIONS_MIRROR = mirrorOfItems<'contacts-connections', ContactRow>(
  CONTACTS_TABLE,
  storableContact,
  { canBeAsked: true },
);

/** Google has no call for one other contact. */
export const OTHER_CONTACTS_MIRROR = mirrorOfItems<'contacts-other', OtherContactRow>(
  OTHER_CONTACTS_TABLE,
  storableOtherContact,
  { canBeAsked: false },
);

export const CONTACT_GROUPS_MIRROR = mirrorOfItems<'contacts-groups', ContactGroupRow>(
  CONTACT_GROUPS_TABLE,
  storableContactGroup,
  { canBeAsked: true },
);

function mirrorOfItems<Kind extends string, Row extends { id: string }>(
  table: ItemTable<Row>,
  cleaned: (row: Row) => Row,
  { canBeAsked }: { canBeAsked: boolean },
): CollectionMirror<ItemsDelta<Kind, Row>> {
  return {
    apply: async (session, { accountId }, { rows, deleted }) => [
      ...(await upsertItems(session, table, accountId, rows)),
      ...(await deleteItems(session, table, accountId, deleted)),
    ],
    parts: (session, { accountId }, { rows, deleted }) => {
      const items: RowList<Row> = {
        rows,
        table: table.name,
        entryId: ({ id }) => id,
        write: (some) => upsertItems(session, table, accountId, some),
      };
      const gone: RowList<string> = {
        rows: deleted,
        table: table.name,
        entryId: quarantineId,
        write: (ids) => deleteItems(session, table, accountId, ids),
      };
      return [items, gone];
    },
    storable: (delta, aside) => ({
      ...delta,
      rows: sift(delta.rows, aside, ownFault),
      deleted: storableIds(delta.deleted),
    }),
    cleaned: (delta) => ({ ...delta, rows: delta.rows.map(cleaned) }),
    deleteRows: (session, { accountId }, ids) => deleteItems(session, table, accountId, ids),
    absence: {
      table: table.name,
      scope: null,
      missing: (absent) =>
        `SELECT t.id, t.updated_at AS age, 1 AS weight, ${String(canBeAsked)} AS can_decide FROM syncline.${table.name} t WHERE t.account_id = $1 AND ${absent('t.id')}`,
      count: `SELECT count(*) FROM syncline.${table.name} WHERE account_id = $1`,
      values: () => [],
    },
  };
}
