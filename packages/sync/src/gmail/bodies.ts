import type { MessageRow } from '@syncline/store';

/**
 * What is kept of what Google has; the same policy for backfill, incremental sync and verify, or they would call each other's work drift.
 */
export interface MirrorPolicy {
  /** Of a message's body: text and html, the text alone, or nothing. Headers, snippet and the attachments' names are kept always. */
  bodies: 'full' | 'text' | 'none';
}

export const MIRROR_EVERYTHING: MirrorPolicy = { bodies: 'full' };

/**
 * The row with as much of its body as is to be kept. Messages are fetched whole under every policy: Gmail's `metadata` format costs
 * the same units and leaves the part tree out, and with it the attachments' names.
 */
export function withBodies(row: MessageRow, { bodies }: MirrorPolicy): MessageRow {
  switch (bodies) {
    case 'full':
      return row;
    case 'text':
      return { ...row, html: null };
    case 'none':
      return { ...row, text: null, html: null };
  }
}
