import { cleanJson, type Store } from '@syncline/store';
import { addressesIn } from './addresses.js';

/** Rows that are read and written at a time. */
const PAGE = 500;

/**
 * Gives the messages of a mailbox that an earlier version mirrored their addresses, out of their stored headers: Google is not asked. May be cut off and begun again, beside workers.
 * @returns how many messages got theirs
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
      page.map(({ id, headers }) => ({ id, addresses: cleanJson(addressesIn(headers)) })),
    );
    after = last.id;
  }
  return filled;
}
