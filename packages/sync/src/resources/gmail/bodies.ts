import type { MessageRow } from '@syncline/store';
import type { MirrorPolicy } from '../../mirror-policy.js';

/**
 * Returns the row with the parts of its body that the policy keeps, and its source where that is
 * kept too. Messages are fetched whole under every policy: Gmail's `metadata` format costs the same
 * units and omits the part tree, and with it the attachments' names.
 */
export function withBodies(
  row: MessageRow,
  { bodies }: MirrorPolicy,
  source: Buffer | null,
): MessageRow {
  switch (bodies) {
    case 'full':
      return row;
    case 'raw':
      return { ...row, source };
    case 'text':
      return { ...row, html: null };
    case 'none':
      return { ...row, text: null, html: null };
  }
}
