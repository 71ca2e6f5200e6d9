/**
 * Whose rows the HTTP API may read. Each transaction of the API's own pool states it, and the
 * database's row security (row-security.ts) withholds every other row, whatever a statement asks.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';

/** Whose rows a request may read. */
export interface RowAccess {
  /** Null: those of every tenant. */
  tenant: string | null;
  /** The only account among them; null: all. An account of another tenant has no rows. */
  accountId: string | null;
}

const accessOfRequest = new AsyncLocalStorage<RowAccess>();

/** Does `work`, whose reads by the API's pool get these rows only. */
export function withRowAccess<T>(access: RowAccess, work: () => T): T {
  return accessOfRequest.run(access, work);
}

/** Reads an iteration, whose reads by the API's pool get these rows only. */
export async function* iterateWithRowAccess<T>(
  access: RowAccess,
  items: AsyncIterable<T>,
): AsyncGenerator<T> {
  const iterator = withRowAccess(access, () => items[Symbol.asyncIterator]());
  try {
    for (;;) {
      const next = await withRowAccess(access, () => iterator.next());
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await withRowAccess(access, () => iterator.return?.());
  }
}

/** @throws when the statement is of no request */
export function currentRowAccess(): RowAccess {
  const access = accessOfRequest.getStore();
  if (access === undefined) throw new Error('a row is read for nobody: withRowAccess');
  return access;
}

/*
 * The settings that the policies read. They are set for one transaction, so they work behind a
 * pooler. Their prefix is not `syncline.`, which stands for the schema in every statement.
 */
const PREFIX = 'syncline_api';
const ON = 'on';

/** SQL: the value of a setting in this transaction; null when it is not set. */
function setting(name: string): string {
  return `nullif(current_setting('${PREFIX}.${name}', true), '')`;
}

/** SQL: what the transaction has stated, for policies. */
export const STATED = {
  tenant: setting('tenant'),
  isEveryTenant: `coalesce(${setting('every_tenant')} = '${ON}', false)`,
  accountId: `${setting('account')}::uuid`,
};

/** Stated in place of an account of another tenant. */
const NO_ACCOUNT = '00000000-0000-0000-0000-000000000000';

/** The account is looked up under the policy of `accounts`, once in a transaction. */
const TEXT = `
  SELECT set_config('${PREFIX}.tenant', $1, true), set_config('${PREFIX}.every_tenant', $2, true),
         set_config('${PREFIX}.account', CASE WHEN $3::uuid IS NULL THEN '' ELSE coalesce((SELECT a.id::text FROM syncline.accounts a WHERE a.id = $3::uuid AND (a.tenant = $1 OR $2 = '${ON}')), '${NO_ACCOUNT}') END, true)`;

/** The first statement of a transaction under row security. */
export function statementOf({ tenant, accountId }: RowAccess): pg.QueryConfig {
  return {
    name: 'row-access',
    text: TEXT,
    values: [tenant ?? '', tenant === null ? ON : '', accountId],
  };
}
