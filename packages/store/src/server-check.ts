/*
 * Whether a server, a database and a role meet Syncline's requirements. A problem is reported in
 * one sentence with the statement to type, at `migrate` and at each start. Detected later, the same
 * problem would be an error of every job.
 */
import { OperatorError } from '@syncline/runtime';
import pg from 'pg';

export interface ServerFacts {
  /** In the format of `server_version_num`: 140005 is 14.5. */
  version: number;
  encoding: string;
  dateStyle: string;
  isStandby: boolean;
  isReadOnly: boolean;
  role: string;
  database: string;
  mayCreateSchema: boolean;
  /** Null when the schema does not exist. */
  schemaRights: { usage: boolean; create: boolean } | null;
  /** Number of tables of the schema that the role may not read or write. */
  closedTables: number;
  /** Owner of tables of the schema whose rights the role does not have; null when there is none. */
  foreignOwner: string | null;
  /** Sessions that this role may open in this database, and sessions that others have open now. */
  sessions: { allowed: number; taken: number };
}

const OLDEST_VERSION = 140_000;

type Session = Pick<pg.Client, 'query'>;

export async function factsOf(session: Session, schema: string): Promise<ServerFacts> {
  const found = await session.query<ServerFacts & { schemaUsage: boolean; schemaCreate: boolean }>(
    FACTS,
    [schema],
  );
  const row = found.rows[0];
  if (!row) throw new Error('Postgres says nothing of itself');
  const { schemaUsage, schemaCreate, ...facts } = row;
  return {
    ...facts,
    schemaRights: schemaUsage === null ? null : { usage: schemaUsage, create: schemaCreate },
  };
}

const FACTS = `
  SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding, current_setting('DateStyle') AS "dateStyle",
         pg_is_in_recovery() AS "isStandby", current_setting('transaction_read_only') = 'on' AS "isReadOnly", current_user AS role, current_database() AS database,
         has_database_privilege(d.oid, 'CREATE') AS "mayCreateSchema",
         has_schema_privilege(n.oid, 'USAGE') AS "schemaUsage", has_schema_privilege(n.oid, 'CREATE') AS "schemaCreate",
         (SELECT count(*)::int FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
             AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))) AS "closedTables",
         (SELECT pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE') LIMIT 1) AS "foreignOwner",
         json_build_object('allowed', least(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true)::int, 0),
                                            CASE WHEN d.datconnlimit >= 0 THEN d.datconnlimit END, CASE WHEN r.rolconnlimit >= 0 THEN r.rolconnlimit END),
                           'taken', (SELECT count(*) FROM pg_stat_activity s WHERE s.datid IS NOT NULL AND s.pid <> pg_backend_pid())) AS sessions
    FROM pg_database d JOIN pg_roles r ON r.rolname = current_user LEFT JOIN pg_namespace n ON n.nspname = $1
   WHERE d.datname = current_database()`;

/**
 * Returns the problem that keeps Syncline from working here.
 * @param task `migrate` creates the schema and its tables, `start` reads and writes rows
 * @returns one sentence with the statement to type; null when there is no problem
 */
export function serverProblem(
  facts: ServerFacts,
  schema: string,
  task: 'migrate' | 'start',
): string | null {
  return (
    problemOfServer(facts) ??
    (task === 'migrate' ? problemOfMigrating(facts, schema) : problemOfWorking(facts, schema))
  );
}

function problemOfServer(facts: ServerFacts): string | null {
  const [role, database] = [quoted(facts.role), quoted(facts.database)];
  if (facts.version < OLDEST_VERSION)
    return `This Postgres is version ${versionInWords(facts.version)}, and Syncline needs 14 or newer: upgrade it, or name another server in DATABASE_URL.`;
  if (facts.encoding !== 'UTF8')
    return `The database ${database} has the encoding ${facts.encoding}, which cannot hold every mail, and an encoding cannot be changed: CREATE DATABASE syncline ENCODING 'UTF8' TEMPLATE template0; and name that one in DATABASE_URL.`;
  if (facts.isStandby)
    return 'This Postgres is a standby, which takes no writes: name its primary in DATABASE_URL.';
  if (facts.isReadOnly)
    return `The transactions of ${role} in ${database} are read-only: ALTER ROLE ${role} SET default_transaction_read_only = off; or the same for the server or the database, where it was set.`;
  if (!facts.dateStyle.startsWith('ISO'))
    return `The DateStyle of ${role} is ${facts.dateStyle}, in which times cannot be read without a doubt: ALTER ROLE ${role} SET DateStyle = 'ISO';`;
  return null;
}

function problemOfMigrating(facts: ServerFacts, schema: string): string | null {
  const [role, database, name] = [quoted(facts.role), quoted(facts.database), quoted(schema)];
  if (facts.schemaRights === null)
    return facts.mayCreateSchema
      ? null
      : `The role ${role} may not create the schema ${name} in the database ${database}: GRANT CREATE ON DATABASE ${database} TO ${role}; or CREATE SCHEMA ${name} AUTHORIZATION ${role};`;
  if (!facts.schemaRights.usage || !facts.schemaRights.create)
    return `The role ${role} may not create tables in the schema ${name}: GRANT USAGE, CREATE ON SCHEMA ${name} TO ${role};`;
  if (facts.foreignOwner !== null)
    return `The tables of the schema ${name} belong to ${quoted(facts.foreignOwner)}, so ${role} may not change them: migrate as ${quoted(facts.foreignOwner)}, or GRANT ${quoted(facts.foreignOwner)} TO ${role};`;
  return null;
}

function problemOfWorking(facts: ServerFacts, schema: string): string | null {
  const [role, name] = [quoted(facts.role), quoted(schema)];
  // Without the schema there are no rights to check. The check of the applied migrations reports
  // that `migrate` is missing.
  if (facts.schemaRights === null) return null;
  if (!facts.schemaRights.usage)
    return `The role ${role} may not use the schema ${name}: GRANT USAGE ON SCHEMA ${name} TO ${role};`;
  if (facts.closedTables > 0)
    return `The role ${role} may not read and write every table of the schema ${name}: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${name} TO ${role};`;
  return null;
}

/** @throws OperatorError with the sentence of `serverProblem` */
export function refuseUnfit(facts: ServerFacts, schema: string, task: 'migrate' | 'start'): void {
  const problem = serverProblem(facts, schema, task);
  if (problem !== null) throw new OperatorError(problem);
}

/**
 * Compares the number of sessions to open with the number that the server has left.
 * @returns one sentence for the operator; null when there are enough
 */
export function tooFewSessions(
  { sessions: { allowed, taken }, role }: Pick<ServerFacts, 'sessions' | 'role'>,
  required: number,
): string | null {
  if (required <= allowed - taken) return null;
  return `Up to ${required} sessions with Postgres are going to be opened, others have ${taken} now, and ${quoted(role)} may have ${allowed} in all: lower DATABASE_POOL_SIZE, put a pooler in front, or raise max_connections.`;
}

function versionInWords(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`;
}

const quoted = (name: string): string => pg.escapeIdentifier(name);
