import { existsByIndex } from '../../exists-by-index.js';
import type { Lease } from '../../lease.js';
import { arrayLiteral } from '../../pool.js';
import { isStorableId } from '../../storable.js';
import type { Transaction } from '../../transaction.js';

/* What an audit makes of a complete list of a mailbox; the list itself stands in `audit_items`. */

/** Of all messages (''), or of those that have this label. */
export interface CompleteList {
  labelId: string;
  /** Messages with this label have no row. */
  excluded: boolean;
  /** Every label that the mailbox has. */
  catalogue: readonly string[];
  /** The list names what came from here on, by internalDate; 0 is everything. */
  fromMs: number;
  /**
   * Rows from here on may be there although nothing lists them: the mailbox is being extended.
   * Otherwise the same moment.
   */
  floorMs: number;
}

/** What differs between the list and the rows becomes suspect. */
export function compareLists(
  session: Transaction,
  lease: Lease,
  list: CompleteList,
): Promise<void> {
  return list.excluded ? compareExcluded(session, lease, list) : compareList(session, lease, list);
}

/** In SQL: whether the list that is compared names the message `m`. */
const LISTED_MESSAGE = existsByIndex(
  'SELECT 1 FROM syncline.audit_items i WHERE i.account_id = $1 AND i.collection_id = $2 AND NOT i.suspect AND i.item_id = m.id',
);

/**
 * Messages that are listed and not stored (with this label), or stored and not listed. With the list of all messages also those
 * that are stored with a label which is in no catalogue, since no list will name it. Of rows outside the list's window nobody can tell
 * by the list; where none should be, they are suspect for that.
 */
async function compareList(
  session: Transaction,
  lease: Lease,
  { labelId, catalogue, fromMs, floorMs }: CompleteList,
): Promise<void> {
  await session.query(
    `INSERT INTO syncline.audit_items (account_id, collection_id, suspect, item_id)
     SELECT $1, $2, true, u.id FROM (
       SELECT i.item_id AS id FROM syncline.audit_items i WHERE i.account_id = $1 AND i.collection_id = $2 AND NOT i.suspect
          AND NOT ${existsByIndex("SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = $1 AND m.id = i.item_id AND ($3 = '' OR $3 = ANY (m.label_ids))")}
        UNION
       SELECT m.id FROM syncline.gmail_messages m WHERE m.account_id = $1 AND ($3 = '' OR $3 = ANY (m.label_ids))
          AND ($5::bigint = 0 OR m.internal_date IS NULL OR m.internal_date >= 'epoch'::timestamptz + $5 * interval '1 ms' OR m.internal_date < 'epoch'::timestamptz + $6::bigint * interval '1 ms')
          AND (NOT ${LISTED_MESSAGE} OR ($3 = '' AND NOT m.label_ids <@ $4::text[]))
     ) AS u ON CONFLICT DO NOTHING`,
    [
      lease.accountId,
      lease.collectionId,
      labelId,
      arrayLiteral(catalogue.filter(isStorableId), (id) => id),
      Math.round(fromMs),
      Math.round(floorMs),
    ],
  );
}

/** Messages that have no row and should have none are not missing, whatever other lists name them; rows with this label, here or by the list, should not be. */
async function compareExcluded(
  session: Transaction,
  lease: Lease,
  { labelId }: CompleteList,
): Promise<void> {
  await session.query(
    `DELETE FROM syncline.audit_items s WHERE s.account_id = $1 AND s.collection_id = $2 AND s.suspect
        AND ${existsByIndex('SELECT 1 FROM syncline.audit_items i WHERE i.account_id = $1 AND i.collection_id = $2 AND NOT i.suspect AND i.item_id = s.item_id')}
        AND NOT ${existsByIndex('SELECT 1 FROM syncline.gmail_messages m WHERE m.account_id = $1 AND m.id = s.item_id')}`,
    [lease.accountId, lease.collectionId],
  );
  await session.query(
    `INSERT INTO syncline.audit_items (account_id, collection_id, suspect, item_id)
     SELECT $1, $2, true, m.id FROM syncline.gmail_messages m WHERE m.account_id = $1
        AND ($3 = ANY (m.label_ids) OR ${LISTED_MESSAGE})
         ON CONFLICT DO NOTHING`,
    [lease.accountId, lease.collectionId, labelId],
  );
}
