/**
 * Fills the addresses of messages that an earlier version mirrored (`@syncline/control/addresses`).
 */
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { fillAddresses } from '@syncline/sync';

/**
 * Fills the column `addresses` from stored headers; Google is not asked. It may be interrupted and
 * repeated.
 * @returns how many messages were filled
 */
export function fillAccountAddresses(
  rt: Pick<Runtime, 'signal'>,
  { store }: { store: Pick<Store, 'addresses'> },
  account: Pick<NamedAccount, 'id'>,
): Promise<number> {
  return fillAddresses(store, account.id, rt.signal);
}
