import { comparableAddress } from '@syncline/runtime';
import type { Transaction } from './transaction.js';

/** The result of updating an account's address. */
export type Renamed =
  { kind: 'kept'; from: null } | { kind: 'renamed'; from: string } | { kind: 'address-taken' };

/**
 * Updates the account's address to Google's, in the transaction that has locked its row. The former
 * address becomes an alias for lookups. Notifications of the mailbox's watch are matched by the new
 * address, because Google names only the primary address. A spelling that differs only in case is
 * not changed.
 */
export async function renameAccount(
  session: Transaction,
  account: { id: string; tenant: string; email: string },
  address: string | null,
): Promise<Renamed> {
  if (address === null) return { kind: 'kept', from: null };
  const [before, now] = [comparableAddress(account.email), comparableAddress(address)];
  if (before === now) return { kind: 'kept', from: null };
  const taken = await session.query(
    'SELECT 1 FROM syncline.accounts WHERE address = $2 AND tenant = $1 AND id <> $3',
    [account.tenant, now, account.id],
  );
  if (taken.rowCount !== 0) return { kind: 'address-taken' };
  await session.query(
    'UPDATE syncline.accounts SET email = $2, address = $3, updated_at = now() WHERE id = $1',
    [account.id, address, now],
  );
  await session.query(
    'DELETE FROM syncline.account_aliases WHERE account_id = $1 AND address = $2',
    [account.id, now],
  );
  await session.query(
    'INSERT INTO syncline.account_aliases (account_id, address) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [account.id, before],
  );
  await session.query(
    'UPDATE syncline.watches SET address = $2 WHERE account_id = $1 AND address IS NOT NULL',
    [account.id, now],
  );
  return { kind: 'renamed', from: account.email };
}
