import { storable, type Store } from '@syncline/store';
import { addressesIn } from './addresses.js';

/** Rows that are read and written together. */
const PAGE = 500;

/**
 * Fills the address column for messages that an earlier version has mirrored, from their stored
 * headers; Google is not asked. It may be interrupted and repeated, and run beside workers.
 * @returns how many messages were filled
 */
export async function fillAddresses(
  store: Pick<Store, 'addresses'>,
  accountId: string,
  signal: AbortSignal,
): Promise<number> {
  let filled = 0;
  for (let after = ''; !signal.aborted;) {
    const page = await store.addresses.missing(accountId, after, PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    filled += await store.addresses.fill(
      accountId,
      page.map(({ id, headers }) => ({ id, addresses: storable.json(addressesIn(headers)) })),
    );
    after = last.id;
  }
  return filled;
}
