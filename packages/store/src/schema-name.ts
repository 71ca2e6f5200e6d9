/*
 * Every SQL text names its tables as `syncline.TABLE`, so that no statement depends on a session's
 * `search_path`. When `?schema=` in DATABASE_URL names another schema, the clients of this module
 * replace the prefix just before a statement is sent.
 */
import { DEFAULT_SCHEMA, parseDatabaseUrl } from '@syncline/runtime';
import pg from 'pg';

/**
 * Number of texts whose renamed form is stored. The number of fixed statements is finite; that of
 * Prisma's texts may not be.
 */
const MAX_REMEMBERED_TEXTS = 2_000;

/** Returns the schema that a database URL names with `?schema=`; `syncline` if it names none. */
export function schemaOf(databaseUrl: string): string {
  return parseDatabaseUrl(databaseUrl).schema;
}

/**
 * @returns a function that replaces `syncline.` by `schema` in a SQL text and stores its results
 */
export function renamer(schema: string): (text: string) => string {
  if (schema === DEFAULT_SCHEMA) return (text) => text;
  const prefix = `${pg.escapeIdentifier(schema)}.`;
  const known = new Map<string, string>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    if (known.size >= MAX_REMEMBERED_TEXTS) known.clear();
    // Matches only the unqualified name: `"syncline".` and `x.syncline.` are different objects.
    const renamed = text.replace(/(?<![\w."$])syncline\.(?=[a-z_"])/g, () => prefix);
    known.set(text, renamed);
    return renamed;
  };
}

/** Returns the class of sessions whose statements use `schema`. */
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
