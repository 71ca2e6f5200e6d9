import { existsByIndex } from '../../exists-by-index.js';
import type { Lease } from '../../lease.js';
import { arrayLiteral } from '../../pool.js';
import { isStorableId } from '../../storable.js';
import type { Transaction } from '../../transaction.js';

/*
 * Compares a complete list of a mailbox with the rows for an audit. The list is in `audit_items`.
 */

/** Id of the label that all listed messages have; '' for a list of all messages. */
export interface CompleteList {
  labelId: string;
  /** Whether messages with this label must have no row. */
  excluded: boolean;
  /** Every label of the mailbox. */
  catalogue: readonly string[];
  /** Smallest internalDate of the messages in the list; 0 means all messages. */
  fromMs: number;
  /**
   * Rows from this internalDate on may exist although no list names them, because the mailbox's
   * window is being extended. Otherwise equal to `fromMs`.
   */
  floorMs: number;
}

/** Records differences between the list and the rows as suspects. */
export function compareLists(
  session: Transaction,
  lease: Lease,
  list: CompleteList,
): Promise<void> {
  return list.excluded ? compareExcluded(session, lease, list) : compareList(session, lease, list);
}

/** SQL: whether the compared list names the message `m`. */
const LISTED_MESSAGE = existsByIndex(
  'SELECT 1 FROM syncline.audit_items i WHERE i.account_id = $1 AND i.collection_id = $2 AND NOT i.suspect AND i.item_id = m.id',
);

/**
 * Finds messages that are listed and not stored (with this label), or stored and not listed. For
 * the list of all messages it also finds messages with a label that is not in the catalogue,
 * because no list names that label. The list says nothing about rows outside its window; rows where
 * none should exist are suspects for that reason.
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

/**
 * A message that has no row and should have none is not missing, even when other lists name it.
 * Rows that have this label, in the mirror or by the list, should not exist.
 */
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
