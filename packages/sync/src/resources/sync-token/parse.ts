import { describeError } from '@syncline/runtime';
import type { SetAside } from '../../item-failures.js';

/**
 * Returns the rows of the items that can be parsed. An item that cannot be parsed is quarantined
 * and blocks no other. Like a whole page it is read again by a full sync.
 */
export function parsed<Item extends { id?: string | null }, Row>(
  items: readonly Item[],
  parse: (item: Item) => Row,
): { rows: Row[]; quarantined: SetAside[] } {
  const rows: Row[] = [];
  const quarantined: SetAside[] = [];
  for (const item of items)
    try {
      rows.push(parse(item));
    } catch (error) {
      quarantined.push({
        id: item.id ?? '',
        reason: `it cannot be read: ${describeError(error)}`,
        cause: 'not-understood',
      });
    }
  return { rows, quarantined };
}
