/**
 * Adapts adapter-pg to a schema engine. Unchanged, it refuses column types of Postgres' catalogues,
 * splits a migration at every `;` (which breaks function bodies and loses atomicity), and would put
 * the shadow database into the main one.
 */
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { createDatabase, dropDatabase } from './databases.mjs';

const CHAR = 18; // The catalogue type "char", one byte.
const TEXT = 25;
/** int2vector, regproc, oid lists, statistics and the like; introspection expects them as text. */
const AS_TEXT = new Set([CHAR, 22, 24, 27, 28, 29, 30, 194, 600, 2205, 2206, 3220, 3614, 4089]);

/**
 * Parses a Postgres URL into a connection's fields, and the schema that Prisma's `?schema=` names.
 */
export function parseUrl(url) {
  const parsed = new URL(url);
  const ssl = parsed.searchParams.get('sslmode');
  const connection = {
    host: decodeURIComponent(parsed.searchParams.get('host') ?? parsed.hostname),
    port: Number(parsed.port || 5432),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ...(ssl && ssl !== 'disable' && ssl !== 'prefer'
      ? { ssl: { rejectUnauthorized: ssl.startsWith('verify') } }
      : {}),
  };
  const schema = parsed.searchParams.get('schema') ?? undefined;
  // The migration files name no schema, and neither do the engine's bookkeeping statements.
  if (schema)
    connection.options = `-c search_path=${pg.escapeIdentifier(schema).replaceAll(/[\\ ]/g, '\\$&')}`;
  return { connection, schema };
}

export class MigrationPg extends PrismaPg {
  #connection;
  #schema;
  #shadowUrl;

  constructor(url, shadowUrl) {
    const { connection, schema } = url
      ? parseUrl(url)
      : { connection: { host: '127.0.0.1' }, schema: undefined };
    super({ ...connection, max: 1 }, { schema });
    this.#connection = connection;
    this.#schema = schema;
    this.#shadowUrl = shadowUrl;
  }

  async connect() {
    return adapt(await super.connect());
  }

  /**
   * Connects to a database apart from the main one: the operator's, emptied, or one of our own that
   * is dropped afterwards.
   */
  async connectToShadowDb() {
    return this.#shadowUrl ? this.#emptiedShadow() : this.#ownShadow();
  }

  async #emptiedShadow() {
    const { connection, schema = 'public' } = parseUrl(this.#shadowUrl);
    const shadow = adapt(await new PrismaPg({ ...connection, max: 1 }, { schema }).connect());
    await shadow.executeScript(
      `DROP SCHEMA IF EXISTS "${schema}" CASCADE; CREATE SCHEMA "${schema}";`,
    );
    return shadow;
  }

  async #ownShadow() {
    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    await createDatabase(this.#connection, database);
    const shadow = adapt(
      await new PrismaPg(
        { ...this.#connection, database, max: 1 },
        { schema: this.#schema },
      ).connect(),
    );
    if (this.#schema)
      await shadow.executeScript(
        `CREATE SCHEMA IF NOT EXISTS ${pg.escapeIdentifier(this.#schema)};`,
      );
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await dropDatabase(this.#connection, database);
    };
    return shadow;
  }
}

function adapt(adapter) {
  const performIO = adapter.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  const startTransaction = adapter.startTransaction?.bind(adapter);
  let charColumns = [];
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    const fields = result.fields ?? [];
    charColumns = fields.flatMap((field, index) => (field.dataTypeID === CHAR ? [index] : []));
    for (const field of fields) if (AS_TEXT.has(field.dataTypeID)) field.dataTypeID = TEXT;
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  // One simple query: Postgres runs the whole script in one implicit transaction, as with the
  // native engine.
  adapter.executeScript = async (script) => {
    try {
      await adapter.client.query(script);
    } catch (error) {
      adapter.onError(error);
    }
  };
  if (startTransaction)
    adapter.startTransaction = async (isolation) => adapt(await startTransaction(isolation));
  return adapter;
}
