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

/** What a resync lists beside the messages. */
export interface MessageListingDelta {
  /** A page of the messages that have one label, written to the scratch of a resync. */
  labelled?: LabelPage;
  /** Labels whose lists count as complete and empty. */
  emptyLabels?: readonly string[];
  /** Rows to be given the labels that the scratch, complete now, names for them. */
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
