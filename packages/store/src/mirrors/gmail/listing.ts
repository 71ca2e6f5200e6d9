import type { ListingMirror, RowList } from '../collection-mirror.js';
import {
  clearLabels,
  insertLabelled,
  relabel,
  relabelSteps,
  type LabelPage,
  type RelabelRange,
  type RelabelStep,
} from './full-sync-labels.js';

/** Data that a resync lists in addition to the messages. */
export interface MessageListingDelta {
  /** One page of the list of messages with one label, stored temporarily during a resync. */
  labelled?: LabelPage;
  /** Labels whose lists count as complete and empty. */
  emptyLabels?: readonly string[];
  /** Rows that get the labels of the stored lists, which are now complete. */
  relabel?: RelabelRange;
}

export const MESSAGE_LISTING: ListingMirror = {
  write: (session, lease, generation, delta) => {
    if (delta.labelled) insertLabelled(session, lease, generation, delta.labelled);
    for (const labelId of delta.emptyLabels ?? [])
      insertLabelled(session, lease, generation, { labelId, ids: [], isComplete: true });
    return delta.relabel ? relabel(session, lease, generation, delta.relabel) : null;
  },
  parts: async (session, lease, generation, { relabel: range, ...rest }) => {
    if (!range) return { parts: [], rest };
    const steps = await relabelSteps(session, lease, range);
    const rows: RowList<RelabelStep> = {
      rows: steps.rows,
      table: 'gmail_messages',
      entryId: ({ id }) => id,
      write: (some) => steps.write(generation, some),
    };
    return { parts: [rows], rest };
  },
  clear: clearLabels,
};
