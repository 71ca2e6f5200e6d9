import type pg from 'pg';
import { clearPageText } from '../../erase-page.js';
import { existsByIndex } from '../../exists-by-index.js';
import type { Lease } from '../../lease.js';
import { arrayLiteral } from '../../pool.js';
import type { RowChange } from '../../rows.js';
import { byIndex, type Transaction } from '../../transaction.js';

/*
 * The labels of a resync. The list of each label is stored page by page. When all lists are
 * complete, they are compared with the rows, a range of rows at a time. There is no earlier
 * comparison, because an incomplete list would remove labels by absence. A label with a complete
 * list is marked by an empty item id. Labels without this mark are left unchanged on every row.
 *
 * Rejected: updating the rows label by label (a row with five labels would be rewritten and have
 * five events), and comparing in one statement (a mailbox of a million messages would be one
 * transaction).
 */

/** One page of the list of messages with this label. */
export interface LabelPage {
  labelId: string;
  ids: string[];
  /** Whether this is the last page of the list. */
  isComplete?: boolean;
}

/** Rows with an id after `after` (empty: from the first row) and up to `upTo`. */
export interface RelabelRange {
  after: string;
  upTo: string;
  /** Labels that no row may have, regardless of the lists. */
  excluded: readonly string[];
}

/** Returns the last id of the range of `limit` rows after `after`; null when no row is left. */
export async function relabelBound(
  pool: pg.Pool,
  accountId: string,
  after: string,
  limit: number,
): Promise<string | null> {
  const bound = await byIndex(pool).query<{ id: string | null }>({
    name: 'relabel-bound',
    text: `SELECT max(id) AS id FROM (SELECT id FROM syncline.gmail_messages WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3) page`,
    values: [accountId, after, limit],
  });
  return bound.rows[0]?.id ?? null;
}

/** Returns the first label of the catalogue after `after`, by id. */
export async function labelAfter(
  pool: pg.Pool,
  accountId: string,
  after: string,
): Promise<string | null> {
  const next = await byIndex(pool).query<{ id: string }>({
    name: 'label-after',
    text: 'SELECT id FROM syncline.gmail_labels WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT 1',
    values: [accountId, after],
  });
  return next.rows[0]?.id ?? null;
}

/**
 * Replaces the item id in the entry of a label with a complete list. No message has an empty id.
 */
const COMPLETE = '';

/** Selects the labels with complete lists. */
const LISTED = `SELECT w.label_id FROM syncline.full_sync_labels w WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = ''`;
/** SQL: whether the full sync listed the message `m`. */
const LISTED_MESSAGE = existsByIndex(
  'SELECT 1 FROM syncline.full_sync_items i WHERE i.account_id = $1 AND i.collection_id = $2 AND i.generation = $3 AND i.item_id = m.id',
);

export function insertLabelled(
  session: Transaction,
  lease: Lease,
  generation: number,
  page: LabelPage,
): void {
  const ids = page.isComplete ? [...page.ids, COMPLETE] : page.ids;
  if (ids.length === 0) return;
  session.send({
    name: 'full-sync-labelled',
    text: `INSERT INTO syncline.full_sync_labels (account_id, collection_id, generation, item_id, label_id)
           SELECT $1, $2, $3, u.id, $4 FROM unnest($5::text[]) AS u(id) ON CONFLICT DO NOTHING`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      page.labelId,
      arrayLiteral(ids, (id) => id),
    ],
  });
}

/**
 * Sets the labels of rows to those that the complete lists name. Other labels stay, except excluded
 * ones. Rows that the full sync did not list are left to the sweep, so that a row is not reported
 * as updated before it is deleted.
 */
export async function relabel(
  session: Transaction,
  lease: Lease,
  generation: number,
  range: RelabelRange,
): Promise<RowChange[]> {
  const updated = await session.query<{ id: string }>({
    name: 'full-sync-relabel',
    text: `WITH listed AS MATERIALIZED (${LISTED}),
           u AS MATERIALIZED (
             SELECT m.id, m.label_ids AS before,
                    ARRAY(SELECT w.label_id COLLATE "C" FROM syncline.full_sync_labels w
                           WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = m.id
                             AND w.label_id IN (SELECT label_id FROM listed)
                           UNION
                          SELECT l COLLATE "C" FROM unnest(m.label_ids) AS l
                           WHERE l NOT IN (SELECT label_id FROM listed) AND l <> ALL ($6::text[]) ORDER BY 1) AS after
               FROM syncline.gmail_messages m
              WHERE m.account_id = $1 AND m.id > $4 AND m.id <= $5
                AND ${LISTED_MESSAGE}
              ORDER BY m.id)
           UPDATE syncline.gmail_messages m SET label_ids = u.after, updated_at = now()
             FROM u WHERE m.account_id = $1 AND m.id = u.id AND u.after IS DISTINCT FROM u.before
           RETURNING m.id`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      range.after,
      range.upTo,
      arrayLiteral(range.excluded, (label) => label),
    ],
  });
  return updated.rows.map((row) => ({
    entity: 'message',
    id: row.id,
    calendarId: null,
    op: 'updated',
  }));
}

/**
 * Splits `relabel` into steps. Each step compares one row of the range; consecutive steps can be
 * written together.
 */
export async function relabelSteps(
  session: Transaction,
  lease: Lease,
  range: RelabelRange,
): Promise<{
  rows: RelabelStep[];
  write: (generation: number, steps: readonly RelabelStep[]) => Promise<RowChange[]>;
}> {
  const found = await session.query<{ id: string }>(
    'SELECT id FROM syncline.gmail_messages WHERE account_id = $1 AND id > $2 AND id <= $3 ORDER BY id',
    [lease.accountId, range.after, range.upTo],
  );
  const ids = found.rows.map(({ id }) => id);
  return {
    rows: ids.map((id, i) => ({ id, after: ids[i - 1] ?? range.after })),
    write: async (generation, steps) => {
      const [first, last] = [steps[0], steps.at(-1)];
      return first && last
        ? relabel(session, lease, generation, { ...range, after: first.after, upTo: last.id })
        : [];
    },
  };
}

export interface RelabelStep {
  id: string;
  /** Id of the preceding row. */
  after: string;
}

/** A label that rows would lose according to the lists of a resync. */
export interface LabelLoss {
  labelId: string;
  /** Number of rows that have the label and are not in its list. */
  rows: number;
  /** Whether the list of the label was read. */
  isListed: boolean;
  /** Ids of some of those rows. */
  sample: string[];
}

export interface LabelLossQuery {
  /** Labels that no row may have, regardless of the lists. */
  excluded: readonly string[];
  /** Maximum number of labels with a read list, and of labels without one. */
  labels: number;
  /** Number of ids for a label with a read list. */
  sample: number;
  /** Number of ids for a label without a read list. */
  unlistedSample: number;
}

/**
 * Returns the labels that rows would lose, the largest losses first. It scans the mailbox once, and
 * runs once in a resync.
 */
export async function labelLosses(
  pool: pg.Pool,
  lease: Lease,
  generation: number,
  q: LabelLossQuery,
): Promise<LabelLoss[]> {
  const found = await byIndex(pool).query<LabelLoss>({
    text: `WITH listed AS MATERIALIZED (${LISTED}),
           losses AS (
             SELECT m.id, l.label FROM syncline.gmail_messages m CROSS JOIN LATERAL unnest(m.label_ids) AS l(label)
              WHERE m.account_id = $1 AND l.label <> ALL ($4::text[])
                AND ${LISTED_MESSAGE}
                AND NOT ${existsByIndex('SELECT 1 FROM syncline.full_sync_labels w WHERE w.account_id = $1 AND w.collection_id = $2 AND w.generation = $3 AND w.item_id = m.id AND w.label_id = l.label')}),
           counted AS (
             SELECT label, count(*)::int AS rows, label IN (SELECT label_id FROM listed) AS is_listed, array_agg(id ORDER BY md5(id)) AS ids
               FROM losses GROUP BY label),
           placed AS (SELECT *, row_number() OVER (PARTITION BY is_listed ORDER BY rows DESC, label) AS place FROM counted)
           SELECT label AS "labelId", rows, is_listed AS "isListed", ids[1:CASE WHEN is_listed THEN $6::int ELSE $7::int END] AS sample
             FROM placed WHERE place <= $5 ORDER BY rows DESC, label`,
    values: [
      lease.accountId,
      lease.collectionId,
      generation,
      arrayLiteral(q.excluded, (label) => label),
      q.labels,
      q.sample,
      q.unlistedSample,
    ],
  });
  return found.rows;
}

const CLEAR_LABELS = clearPageText('full_sync_labels');

/** Deletes entries of this and of earlier full syncs. */
export async function clearLabels(
  session: Transaction,
  lease: Lease,
  limit: number,
): Promise<number> {
  const cleared = await session.query({
    name: 'full-sync-labels-clear',
    text: CLEAR_LABELS,
    values: [lease.accountId, lease.collectionId, limit],
  });
  return cleared.rowCount ?? 0;
}
