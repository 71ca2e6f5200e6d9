/**
 * Row security of the API's own role (DATABASE_API_URL): its tables, rights and policies, which
 * `migrate` creates. Other roles are not restricted: the owner of the tables bypasses row security,
 * and for every other role the first policy is true (decision 0170).
 */
import { createHash } from 'node:crypto';
import { OperatorError } from '@syncline/runtime';
import pg from 'pg';
import { ACCOUNT_TABLES } from './account-tables.js';
import { inMigration, type MigrationSession, type MigrationWait } from './migration-lock.js';
import { STATED } from './row-access.js';

const { accountId, tenant, isEveryTenant } = STATED;

/** Tables whose rows belong to an account, and which the API does not read: it has no right there. */
const NOT_READ: readonly string[] = [
  'credentials',
  'channels',
  'collection_crashes',
  'full_sync_items',
  'full_sync_labels',
  'audit_items',
  'held_items',
  'refetch_items',
  'feed_heads',
];

/**
 * SQL conditions: the rows that a transaction may read. What a transaction has stated is read once
 * in a statement. The function is called for rows of other accounts only, that is in lists over
 * several accounts; as a subquery, its planning would cost each statement a quarter of a
 * millisecond.
 */
const OF_ACCOUNT_TABLE = `account_id = (SELECT ${accountId}) OR syncline.api_may_read(account_id)`;
const ofTenant = (column: string): string =>
  `(tenant = (SELECT ${tenant}) OR (SELECT ${isEveryTenant})) AND ((SELECT ${accountId}) IS NULL OR ${column} = (SELECT ${accountId}))`;
const CONDITIONS: ReadonlyMap<string, string> = new Map([
  ['accounts', ofTenant('id')],
  ['operations', ofTenant('subject')],
  ...ACCOUNT_TABLES.map(({ name }) => [name, OF_ACCOUNT_TABLE] as const),
]);

/** Whether the transaction has stated the tenant of an account, and no single account. */
const FUNCTION = `
  CREATE OR REPLACE FUNCTION syncline.api_may_read(uuid) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
  BEGIN
    RETURN ${accountId} IS NULL AND (${isEveryTenant} OR EXISTS (SELECT FROM syncline.accounts a WHERE a.id = $1 AND a.tenant = ${tenant}));
  END $$`;

/** Tables without rows of accounts that the API reads. */
const PUBLIC_TABLES = ['feed_state', 'fleet_events'];

const LIMITED_TABLES: readonly string[] = [...CONDITIONS.keys()];
const READ_TABLES: readonly string[] = [
  ...LIMITED_TABLES.filter((name) => !NOT_READ.includes(name)),
  ...PUBLIC_TABLES,
];

const EVERYBODY_POLICY = 'syncline_everybody';
const POLICY_PREFIX = 'syncline_api_';

/** A policy whose condition, or what the condition calls, has changed has another name. */
function policyOf(table: string): { name: string; condition: string } {
  const condition = CONDITIONS.get(table) ?? 'false';
  const hash = createHash('sha256')
    .update(condition + FUNCTION)
    .digest('hex')
    .slice(0, 8);
  return { name: `${POLICY_PREFIX}${hash}`, condition };
}

type Session = Pick<pg.Client, 'query'>;

/**
 * Restricts a role to the rows that its transactions state, and gives it the right to read them.
 * Tables that are restricted already are not locked.
 * @throws OperatorError when the role does not exist, or lacks a right that only others may give
 */
export async function restrictApiRole(
  to: MigrationSession,
  wait: MigrationWait,
  role: string,
): Promise<void> {
  const { session, schema } = to;
  const names = { role: pg.escapeIdentifier(role), schema: pg.escapeIdentifier(schema) };
  const known = await session.query(
    'SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolname <> current_user',
    [role],
  );
  if (known.rowCount === 0)
    throw new OperatorError(
      `DATABASE_API_URL names the role ${names.role}, which does not exist or is the one that migrates: CREATE ROLE ${names.role} LOGIN PASSWORD '…';`,
    );
  for (const table of await unrestrictedTables(session, schema, role))
    await inMigration(to, wait, `the row security of ${table}`, () =>
      restrict(session, table, names.role),
    );
  if (await lacksRights(session, schema, role))
    await inMigration(to, wait, `the rights of ${names.role}`, () => grant(session, names));
}

async function restrict(session: Session, table: string, role: string): Promise<void> {
  const { name, condition } = policyOf(table);
  await session.query(FUNCTION);
  const { rows: former } = await session.query<{ name: string }>(
    `SELECT polname AS name FROM pg_policy WHERE polrelid = to_regclass($1) AND (polname = $2 OR starts_with(polname, $3))`,
    [`syncline.${table}`, EVERYBODY_POLICY, POLICY_PREFIX],
  );
  for (const policy of former)
    await session.query(`DROP POLICY ${pg.escapeIdentifier(policy.name)} ON syncline.${table}`);
  await session.query(
    `ALTER TABLE syncline.${table} ENABLE ROW LEVEL SECURITY;
     CREATE POLICY ${EVERYBODY_POLICY} ON syncline.${table} USING (true);
     CREATE POLICY ${name} ON syncline.${table} AS RESTRICTIVE TO ${role} USING (${condition})`,
  );
}

async function grant(
  session: Session,
  { role, schema }: { role: string; schema: string },
): Promise<void> {
  const tables = READ_TABLES.map((name) => `syncline.${name}`).join(', ');
  await session.query(
    `GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT ON ${tables} TO ${role}`,
  );
}

/** Returns the tables on which this role is not restricted. */
async function unrestrictedTables(
  session: Session,
  schema: string,
  role: string,
): Promise<string[]> {
  const { rows } = await session.query<{ table: string }>(
    `SELECT t.name AS "table" FROM unnest($2::text[], $3::text[]) AS t(name, policy)
       LEFT JOIN pg_class c ON c.relname = t.name AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)
      WHERE NOT coalesce(c.relrowsecurity, false)
         OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = t.policy AND NOT p.polpermissive
                           AND p.polroles = ARRAY(SELECT r.oid FROM pg_roles r WHERE r.rolname = $4))`,
    [schema, LIMITED_TABLES, LIMITED_TABLES.map((table) => policyOf(table).name), role],
  );
  return rows.map(({ table }) => table);
}

async function lacksRights(session: Session, schema: string, role: string): Promise<boolean> {
  const { hasSchema, closedTables } = await rightsOf(session, schema, role);
  return !hasSchema || closedTables.length > 0;
}

async function rightsOf(
  session: Session,
  schema: string,
  role: string,
): Promise<{ hasSchema: boolean; closedTables: string[] }> {
  const { rows } = await session.query<{ hasSchema: boolean | null; closedTables: string[] }>(
    `SELECT has_schema_privilege($3, n.oid, 'USAGE') AS "hasSchema",
            ARRAY(SELECT t.name FROM unnest($2::text[]) AS t(name) JOIN pg_class c ON c.relname = t.name AND c.relnamespace = n.oid
                   WHERE NOT has_table_privilege($3, c.oid, 'SELECT')) AS "closedTables"
       FROM pg_namespace n WHERE n.nspname = $1`,
    [schema, READ_TABLES, role],
  );
  const [row] = rows;
  return { hasSchema: row?.hasSchema ?? false, closedTables: row?.closedTables ?? [] };
}

/**
 * Checks the role of the API's own pool.
 * @returns one sentence with what to do; null when the role is restricted and has its rights
 */
export async function apiRoleProblem(session: Session, schema: string): Promise<string | null> {
  const { rows } = await session.query<{ role: string; isFree: boolean }>(
    `SELECT r.rolname AS role, r.rolsuper OR r.rolbypassrls OR EXISTS (
              SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')) AS "isFree"
       FROM pg_roles r WHERE r.rolname = current_user`,
    [schema],
  );
  const { role: name = '', isFree = true } = rows[0] ?? {};
  const [role, inSchema] = [pg.escapeIdentifier(name), pg.escapeIdentifier(schema)];
  if (isFree)
    return `The role ${role} of DATABASE_API_URL bypasses row security, because it is a superuser, has BYPASSRLS, or has the rights of the owner of the tables: name another one, made by CREATE ROLE syncline_api LOGIN PASSWORD '…';`;
  const { hasSchema, closedTables } = await rightsOf(session, schema, name);
  if (!hasSchema)
    return `The role ${role} of DATABASE_API_URL may not use the schema ${inSchema}: GRANT USAGE ON SCHEMA ${inSchema} TO ${role};`;
  if (closedTables.length > 0)
    return `The role ${role} of DATABASE_API_URL may not read every table of the API: GRANT SELECT ON ${closedTables.map((table) => `${inSchema}.${table}`).join(', ')} TO ${role};`;
  const open = await unrestrictedTables(session, schema, name);
  return open.length > 0
    ? `Row security does not restrict the role ${role} of DATABASE_API_URL on ${open.join(', ')}: run npm run migrate with the same DATABASE_API_URL.`
    : null;
}
