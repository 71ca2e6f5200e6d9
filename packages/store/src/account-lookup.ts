/** Accounts by their ids, and in the order of a key that never changes. */
import { comparableAddress } from '@syncline/runtime';
import type pg from 'pg';
import type { ReadViews } from './account-views.js';
import type { AccountState, AccountView } from './accounts.js';
import type { NamedAccount } from './named-accounts.js';

/** Selects the accounts of a page. An omitted field does not restrict it. */
interface AccountPage {
  tenant?: string | undefined;
  /** Compared without case. */
  email?: string | undefined;
  state?: AccountState | undefined;
  after: { tenant: string; id: string } | null;
  limit: number;
}

export interface AccountLookup {
  /** Returns an account without its collections. @param id a UUID */
  find(id: string): Promise<NamedAccount | null>;
  view(id: string): Promise<AccountView | null>;
  /**
   * Returns the id of the account that an id is about: that of an account, of a collection (UUIDs),
   * of an operation (`op_…`) or of a connect session (`cs_…`); null when there is none.
   */
  ownerOf(id: string): Promise<string | null>;
  /**
   * Returns accounts by tenant and id, so that an account that stays is in exactly one page, even
   * when its address changes.
   */
  page(page: AccountPage): Promise<AccountView[]>;
}

export function accountLookupIn(pool: pg.Pool, readViews: ReadViews): AccountLookup {
  return {
    find: (id) => find(pool, id),
    ownerOf: (id) => ownerOf(pool, id),
    view: async (id) => (await readViews([id]))[0] ?? null,
    page: (page) => accountPage(pool, readViews, page),
  };
}

async function find(pool: pg.Pool, id: string): Promise<NamedAccount | null> {
  const { rows } = await pool.query<NamedAccount>({
    name: 'account-find',
    text: `SELECT id, email, tenant, state, reason, resources,
                  ARRAY(SELECT address FROM syncline.account_aliases WHERE account_id = a.id ORDER BY 1) AS aliases
             FROM syncline.accounts a WHERE id = $1`,
    values: [id],
  });
  return rows[0] ?? null;
}

async function ownerOf(pool: pg.Pool, id: string): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    UUID.test(id)
      ? 'SELECT id FROM syncline.accounts WHERE id = $1 UNION ALL SELECT account_id FROM syncline.collections WHERE id = $1'
      : `SELECT a.id FROM syncline.accounts a
          WHERE a.id IN (SELECT subject FROM syncline.operations WHERE id = $1 UNION ALL SELECT coalesce(subject, target) FROM syncline.connect_sessions WHERE id = $1)`,
    [id],
  );
  return rows[0]?.id ?? null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function accountPage(
  pool: pg.Pool,
  readViews: ReadViews,
  { tenant = null, email = null, state = null, after, limit }: Nullable<AccountPage>,
): Promise<AccountView[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM syncline.accounts
      WHERE ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR address = $2) AND ($3::text IS NULL OR state = $3)
        AND ($4::text IS NULL OR (tenant, id) > ($4, $5::uuid))
      ORDER BY tenant, id LIMIT $6`,
    [
      tenant,
      email && comparableAddress(email),
      state,
      after?.tenant ?? null,
      after?.id ?? null,
      limit,
    ],
  );
  const views = await readViews(rows.map(({ id }) => id));
  const byId = new Map(views.map((view) => [view.id, view]));
  // An account that was removed meanwhile has no view.
  return rows.flatMap(({ id }) => byId.get(id) ?? []);
}

type Nullable<T> = { [K in keyof T]: T[K] | null };
