/**
 * The roles of an embedded Postgres. initdb creates the administrator, which only this module uses,
 * to create roles and databases. The application's role owns its databases and has no other right:
 * SQL that runs as this role cannot read files of the machine, start programs or change settings of
 * the server.
 */
import { Client } from 'pg';
import { OperatorError } from '../errors.js';

export const ADMINISTRATOR = 'syncline';
export const APPLICATION = 'syncline_app';

/** Opens a session of the administrator in a database. */
export type AdministratorIn = (database: string) => Client;

const IN_USE = '55P03';
const DUPLICATE = ['42P04', '23505'];
/** Maximum wait of an ownership change for a table that is in use. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Creates the application's role, or removes rights that it should not have: its own rights and
 * those of roles that it is a member of.
 * @param isKnown the role already has this password, if it exists
 */
export async function ensureApplicationRole(
  open: AdministratorIn,
  password: string,
  isKnown: boolean,
): Promise<void> {
  await withClient(open('postgres'), async (client) => {
    const { rows } = await client.query<{ powerful: boolean }>(
      'SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls OR NOT rolcanlogin AS powerful FROM pg_roles WHERE rolname = $1',
      [APPLICATION],
    );
    const [found] = rows;
    const rights = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS';
    const secret = `PASSWORD ${client.escapeLiteral(password)}`;
    if (found === undefined) await client.query(`CREATE ROLE ${APPLICATION} ${rights} ${secret}`);
    else if (!isKnown || found.powerful)
      await client.query(`ALTER ROLE ${APPLICATION} ${rights} ${secret}`);
    await leaveRoles(client);
  });
}

/**
 * Membership in another role may allow the rights of a superuser, starting programs or reading
 * files.
 */
async function leaveRoles(client: Client): Promise<void> {
  const { rows } = await client.query<{ revoke: string }>(
    `SELECT format('REVOKE %I FROM ${APPLICATION} GRANTED BY %I CASCADE', r.rolname, g.rolname) AS revoke
       FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles g ON g.oid = m.grantor
      WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = $1)`,
    [APPLICATION],
  );
  for (const { revoke } of rows) await client.query(revoke);
}

/** Creates a database that the application's role owns, if none has this name. */
export async function ensureDatabase(open: AdministratorIn, name: string): Promise<void> {
  await withClient(open('postgres'), async (client) => {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount !== 0) return;
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} OWNER ${APPLICATION}`);
    } catch (error) {
      if (!DUPLICATE.includes(codeOf(error))) throw error;
    }
  });
}

/**
 * Gives the application's role ownership of what an earlier version created as the administrator,
 * because that version had one role for everything: whole databases, and the objects in `database`.
 * A database that accepts no connections is left unchanged.
 * @throws OperatorError when a process of an earlier version holds a table
 */
export async function moveOwnership(open: AdministratorIn, database: string): Promise<void> {
  const owned = await withClient(open('postgres'), (client) =>
    client.query<{ datname: string }>(
      `SELECT datname FROM pg_database WHERE datdba = '${ADMINISTRATOR}'::regrole AND datallowconn AND NOT datistemplate AND datname <> 'postgres'`,
    ),
  );
  const names = new Set([database, ...owned.rows.map(({ datname }) => datname)]);
  for (const name of names) await withClient(open(name), (client) => moveWithin(client, name));
}

/** Runs in one transaction, so that a database with a changed owner is always moved completely. */
async function moveWithin(client: Client, database: string): Promise<void> {
  const { rows } = await client.query<{ target: string }>(OWNED);
  const [owner] = (
    await client.query<{ owned: boolean }>(
      `SELECT datdba = '${ADMINISTRATOR}'::regrole AS owned FROM pg_database WHERE datname = current_database()`,
    )
  ).rows;
  const targets = rows.map(({ target }) => target);
  if (owner?.owned) targets.push(`DATABASE ${client.escapeIdentifier(database)}`);
  if (targets.length === 0) return;
  try {
    await client.query(
      ['BEGIN', `SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`]
        .concat(
          targets.map((target) => `ALTER ${target} OWNER TO ${APPLICATION}`),
          'COMMIT',
        )
        .join(';'),
    );
  } catch (error) {
    if (codeOf(error) !== IN_USE) throw error;
    throw new OperatorError(
      `The embedded database ${database} is in use by a process of an earlier version: end it and start again.`,
    );
  }
}

/**
 * Everything that the administrator owns outside of Postgres' own schemas, without the objects that
 * belong to a table or an extension: their owner changes with it.
 */
const OWNED = `
WITH places AS (SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
     bound AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e' OR (deptype IN ('a', 'i') AND classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid <> 0))
SELECT format('SCHEMA %I', nspname) AS target FROM places WHERE nspowner = '${ADMINISTRATOR}'::regrole
UNION ALL
SELECT format('%s %I.%I', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, nspname, relname)
  FROM pg_class c JOIN places n ON n.oid = relnamespace
 WHERE relowner = '${ADMINISTRATOR}'::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
   AND NOT EXISTS (SELECT FROM bound WHERE classid = 'pg_class'::regclass AND objid = c.oid)
UNION ALL
SELECT format('TYPE %I.%I', nspname, typname)
  FROM pg_type t JOIN places n ON n.oid = typnamespace LEFT JOIN pg_class c ON c.oid = typrelid
 WHERE typowner = '${ADMINISTRATOR}'::regrole AND (typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
   AND NOT EXISTS (SELECT FROM bound WHERE classid = 'pg_type'::regclass AND objid = t.oid)
UNION ALL
SELECT format('ROUTINE %s', p.oid::regprocedure)
  FROM pg_proc p JOIN places n ON n.oid = pronamespace
 WHERE proowner = '${ADMINISTRATOR}'::regrole AND NOT EXISTS (SELECT FROM bound WHERE classid = 'pg_proc'::regclass AND objid = p.oid)`;

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}

async function withClient<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  // The interrupted query rejects with the error of a lost connection.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
