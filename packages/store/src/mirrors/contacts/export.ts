import type pg from 'pg';

/** Which of the three lists a document is from. */
export type ContactKind = 'person' | 'other' | 'group';

export interface ExportedContact {
  kind: ContactKind;
  /** As Google returned it. */
  resource: Record<string, unknown>;
}

/** Reads the rows of contacts for export and comparison. */
export interface ContactsMirror {
  /** Sorted by id, which is the resource name. */
  contacts(accountId: string, kind?: ContactKind): AsyncGenerator<ExportedContact & { id: string }>;
}

/** In the order of the resource names, which begin with the name of their collection. */
export const CONTACT_TABLES: readonly (readonly [ContactKind, string])[] = [
  ['group', 'contact_groups'],
  ['other', 'other_contacts'],
  ['person', 'contacts'],
];

/** Rows read at a time. This bounds the memory of an export. */
const PAGE = 500;

export function contactsMirrorIn(pool: pg.Pool): ContactsMirror {
  return { contacts: (accountId, kind) => exportContacts(pool, accountId, kind) };
}

/** The documents of the export. */
export async function* contactDocuments(
  contacts: AsyncGenerator<ExportedContact>,
): AsyncGenerator<ExportedContact> {
  for await (const { kind, resource } of contacts) yield { kind, resource };
}

async function* exportContacts(
  pool: pg.Pool,
  accountId: string,
  only?: ContactKind,
): AsyncGenerator<ExportedContact & { id: string }> {
  for (const [kind, table] of CONTACT_TABLES)
    if (only === undefined || only === kind)
      for await (const row of rowsOf(pool, accountId, table)) yield { kind, ...row };
}

async function* rowsOf(
  pool: pg.Pool,
  accountId: string,
  table: string,
): AsyncGenerator<{ id: string; resource: Record<string, unknown> }> {
  for (let after = ''; ;) {
    const page = await pool.query<{ id: string; resource: Record<string, unknown> }>(
      `SELECT id, resource FROM syncline.${table} WHERE account_id = $1 AND id COLLATE "C" > $2 ORDER BY id COLLATE "C" LIMIT $3`,
      [accountId, after, PAGE],
    );
    yield* page.rows;
    const last = page.rows.at(-1);
    if (!last || page.rows.length < PAGE) return;
    after = last.id;
  }
}
