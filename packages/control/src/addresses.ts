/** The addresses of messages that an earlier version mirrored (`@syncline/control/addresses`). */
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { fillAddresses } from '@syncline/sync';

/**
 * Fills in the column `addresses` from stored headers; Google is not asked. May be cut off and
 * begun again.
 * @returns how many messages got theirs
 */
export function fillAccountAddresses(
  rt: Pick<Runtime, 'signal'>,
  { store }: { store: Pick<Store, 'addresses'> },
  account: Pick<NamedAccount, 'id'>,
): Promise<number> {
  return fillAddresses(store, account.id, rt.signal);
}
