/** Reads of the contacts for clients of the API: pages of people, other contacts and groups. */
import type pg from 'pg';
import { inSnapshot } from '../../transaction.js';
import type { CollectionKind } from '../resources.js';
import { pageFrom, readFrame, type CollectionsRead, type ReadPage } from '../snapshot.js';
import { CONTACT_TABLES, type ContactKind, type ExportedContact } from './export.js';

interface PageAsked {
  /** The resource name of the last row of the page before. */
  after: string | null;
  limit: number;
}

export interface ContactReads {
  /**
   * By resource name; null when the account does not exist.
   * @param o `kind`: null for all three lists
   */
  contacts(
    accountId: string,
    o: PageAsked & { kind: ContactKind | null },
  ): Promise<ReadPage<ExportedContact> | null>;
  contact(accountId: string, id: string): Promise<ExportedContact | null>;
}

export function contactReadsIn(pool: pg.Pool): ContactReads {
  return {
    contacts: (accountId, o) => contacts(pool, accountId, o),
    contact: (accountId, id) => contact(pool, accountId, id),
  };
}

const COLLECTIONS: Readonly<Record<ContactKind, CollectionKind>> = {
  person: 'contacts-connections',
  other: 'contacts-other',
  group: 'contacts-groups',
};

/** What contacts are read from. @param kind null: all three lists */
export function contactsRead(kind: ContactKind | null): CollectionsRead {
  return { kinds: kind === null ? Object.values(COLLECTIONS) : [COLLECTIONS[kind]] };
}

function contacts(
  pool: pg.Pool,
  accountId: string,
  { kind, after, limit }: PageAsked & { kind: ContactKind | null },
): Promise<ReadPage<ExportedContact> | null> {
  const tables = CONTACT_TABLES.filter(([of]) => kind === null || kind === of);
  // Each table gives a page at most, in the order of its primary key.
  const pages = tables.map(
    ([of, table]) =>
      `(SELECT '${of}' AS kind, id, resource FROM syncline.${table} WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT $3)`,
  );
  return inSnapshot(pool, async (snapshot) => {
    const [frame, { rows }] = await Promise.all([
      readFrame(snapshot, accountId, contactsRead(kind)),
      snapshot.query<ExportedContact & { id: string }>(
        `SELECT * FROM (${pages.join(' UNION ALL ')}) found ORDER BY id LIMIT $3`,
        [accountId, after ?? '', limit + 1],
      ),
    ]);
    if (frame === null) return null;
    const page = pageFrom(frame, rows, limit, ({ id }) => [id]);
    return { ...page, rows: page.rows.map(({ kind: of, resource }) => ({ kind: of, resource })) };
  });
}

async function contact(
  pool: pg.Pool,
  accountId: string,
  id: string,
): Promise<ExportedContact | null> {
  const found = CONTACT_TABLES.map(
    ([of, table]) =>
      `SELECT '${of}' AS kind, resource FROM syncline.${table} WHERE account_id = $1 AND id = $2`,
  );
  const { rows } = await pool.query<ExportedContact>(`${found.join(' UNION ALL ')} LIMIT 1`, [
    accountId,
    id,
  ]);
  return rows[0] ?? null;
}
