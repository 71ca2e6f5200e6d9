import type { Lease } from '../../lease.js';
import { arrayLiteral } from '../../pool.js';
import type { SetAside } from '../../quarantine-writes.js';
import type { RowChange } from '../../rows.js';
import type { LabelChange, LabelRow, MessageRow } from './rows.js';
import { ownFault, sift, storableIds } from '../../set-aside.js';
import { faultOf, faultOfAny, isStorableId, quarantineId } from '../../storable.js';
import type { Transaction } from '../../transaction.js';
import type { CollectionMirror, Part, RowList } from '../collection-mirror.js';
import { removeOtherLabels, replaceLabels, upsertLabels } from './labels.js';
import { MESSAGE_LISTING } from './listing.js';
import { applyLabelChanges, deleteMessages, upsertMessages } from './messages.js';
import { messageFault, quarantinedLabel, storableLabel, storableMessage } from './storable.js';

/** Changes of one page to a mailbox's rows. */
export interface GmailDelta {
  kind: 'gmail';
  messages: MessageRow[];
  labelChanges: LabelChange[];
  deleted: string[];
  /** The whole label catalogue; null when it was not read. */
  labels: LabelRow[] | null;
}

export const GMAIL_MIRROR: CollectionMirror<GmailDelta> = {
  apply: applyDelta,
  parts: partsOf,
  storable: storableDelta,
  cleaned: (delta) => ({
    ...delta,
    messages: delta.messages.map(storableMessage),
    labels: delta.labels && delta.labels.map(storableLabel),
  }),
  deleteRows: (session, { accountId }, ids) => deleteMessages(session, accountId, ids),
  absence: {
    table: 'gmail_messages',
    scope: null,
    missing: (absent) =>
      `SELECT m.id, m.internal_date AS age, 1 AS weight, true AS can_decide FROM syncline.gmail_messages m
               WHERE m.account_id = $1 AND ${absent('m.id')} AND NOT m.label_ids && $5::text[]`,
    count: 'SELECT count(*) FROM syncline.gmail_messages WHERE account_id = $1',
    values: (_lease, excluded) => [arrayLiteral(excluded, (label) => label)],
  },
  listing: MESSAGE_LISTING,
};

async function applyDelta(
  session: Transaction,
  { accountId }: Lease,
  delta: GmailDelta,
): Promise<RowChange[]> {
  const labels = delta.labels ? replaceLabels(session, accountId, delta.labels) : [];
  const relabelled = applyLabelChanges(session, accountId, delta.labelChanges);
  // A feed reader gets the deletion of a draft before the message that was sent from it. No page
  // stores and deletes the same message.
  const deleted = deleteMessages(session, accountId, delta.deleted);
  const upserted = upsertMessages(session, accountId, delta.messages);
  return (await Promise.all([labels, relabelled, deleted, upserted])).flat();
}

function partsOf(session: Transaction, { accountId }: Lease, delta: GmailDelta): Part[] {
  const table = 'gmail_messages';
  const changes: RowList<LabelChange> = {
    rows: delta.labelChanges,
    table,
    entryId: ({ id }) => id,
    write: (rows) => applyLabelChanges(session, accountId, rows),
  };
  const deleted: RowList<string> = {
    rows: delta.deleted,
    table,
    entryId: quarantineId,
    write: (ids) => deleteMessages(session, accountId, ids),
  };
  const messages: RowList<MessageRow> = {
    rows: delta.messages,
    table,
    entryId: ({ id }) => id,
    write: (rows) => upsertMessages(session, accountId, rows),
  };
  const labels = delta.labels ? labelParts(session, accountId, delta.labels) : [];
  return [...labels, changes, deleted, messages];
}

/** A label that is refused keeps its existing row, because the catalogue still names it. */
function labelParts(session: Transaction, accountId: string, rows: LabelRow[]): Part[] {
  const stored: RowList<LabelRow> = {
    rows,
    table: 'gmail_labels',
    entryId: ({ id }) => quarantinedLabel(id),
    write: (some) => upsertLabels(session, accountId, some),
  };
  const ids = rows.map(({ id }) => id);
  return [stored, () => removeOtherLabels(session, accountId, ids)];
}

function storableDelta(delta: GmailDelta, aside: SetAside[]): GmailDelta {
  return {
    ...delta,
    messages: sift(delta.messages, aside, messageFault),
    // A label that cannot be stored is on no row, so it need not be removed.
    labelChanges: sift(
      delta.labelChanges,
      aside,
      ({ id, add }) => faultOf('id', id) ?? faultOfAny('label id', add),
    ).map((change) =>
      change.remove.every(isStorableId)
        ? change
        : { ...change, remove: change.remove.filter(isStorableId) },
    ),
    deleted: storableIds(delta.deleted),
    labels: delta.labels && sift(delta.labels, aside, ownFault, quarantinedLabel),
  };
}
