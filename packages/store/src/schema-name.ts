/*
 * Every SQL text names its tables as `syncline.TABLE`, so that no statement depends on a session's
 * `search_path`. Where `?schema=` in DATABASE_URL names another schema, the clients of this file
 * put it in the place of the prefix just before a statement is sent.
 */
import { DEFAULT_SCHEMA, parseDatabaseUrl } from '@syncline/runtime';
import pg from 'pg';

/** Texts whose renamed form is kept. Statements are finite; what Prisma composes may not be. */
const MAX_REMEMBERED_TEXTS = 2_000;

/** The schema that a database URL names with `?schema=`; `syncline` if it names none. */
export function schemaOf(databaseUrl: string): string {
  return parseDatabaseUrl(databaseUrl).schema;
}

/**
 * @returns what puts `schema` in the place of `syncline.` in a SQL text. It remembers what it has
 * renamed.
 */
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
