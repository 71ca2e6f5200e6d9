/*
 * Every SQL text names its tables as `syncline.TABLE`, so that no statement depends on a session's `search_path`. Where `?schema=` in DATABASE_URL names
 * another schema, the clients of this file put it in the place of the prefix just before a statement is sent.
 */
import { OperatorError } from '@syncline/runtime';
import pg from 'pg';

/** The schema that SQL texts name, and the one that is used unless the URL names another. */
export const DEFAULT_SCHEMA = 'syncline';

/** Postgres cuts longer names. */
const NAME_LIMIT_BYTES = 63;
/** Texts whose renamed form is kept. Statements are finite; what Prisma composes may not be. */
const MAX_REMEMBERED_TEXTS = 2_000;

/**
 * The schema that a database URL names with `?schema=`.
 * @throws OperatorError when no schema of an application can have that name
 */
export function schemaOf(databaseUrl: string): string {
  const schema = new URL(databaseUrl).searchParams.get('schema') ?? DEFAULT_SCHEMA;
  const isName = schema !== '' && Buffer.byteLength(schema) <= NAME_LIMIT_BYTES;
  if (!isName || schema.includes('\0') || /^pg_|^information_schema$/.test(schema))
    throw new OperatorError(
      `DATABASE_URL names a schema that cannot be used: ?schema= must be 1 to ${NAME_LIMIT_BYTES} bytes long and no schema of Postgres itself.`,
    );
  return schema;
}

/** @returns what puts `schema` in the place of `syncline.` in a SQL text. It remembers what it has renamed. */
export function renamer(schema: string): (text: string) => string {
  if (schema === DEFAULT_SCHEMA) return (text) => text;
  const prefix = `${pg.escapeIdentifier(schema)}.`;
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MAX_REMEMBERED_TEXTS) known.clear();
    // A name of ours stands alone: `"syncline".` and `x.syncline.` are other things.
    const renamed = text.replace(/(?<![\w."$])syncline\.(?=[a-z_"])/g, () => prefix);
    known.set(text, renamed);
    return renamed;
  };
}

/** The class of sessions whose statements reach `schema`. */
export function clientFor(schema: string): typeof pg.Client {
  if (schema === DEFAULT_SCHEMA) return pg.Client;
  const rename = renamer(schema);
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      const send = this.query.bind(this) as (...sent: unknown[]) => unknown;
      this.query = ((statement: string | pg.QueryConfig, ...rest: unknown[]) =>
        send(
          typeof statement === 'string'
            ? rename(statement)
            : { ...statement, text: rename(statement.text) },
          ...rest,
        )) as typeof this.query;
    }
  };
}
