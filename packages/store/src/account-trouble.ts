/** Items that cannot be read, as the views of accounts name them. */
import type { PrismaClient } from './generated/client.js';

/** An item that is in quarantine, or could not be read and is tried again soon. */
export interface TroubledView {
  id: string;
  state: 'quarantined' | 'failing';
  reason: string;
  since: Date;
  /** Null: by `quarantine retry` only. */
  nextTryAt: Date | null;
}

/** What stands in the way of a collection. */
export interface Trouble {
  /** How many items are in quarantine. */
  quarantined: number;
  /** The newest of them, and those that are still being tried. */
  items: TroubledView[];
}

/** Named of one collection: this many in quarantine, and this many that are still being tried. */
const NAMED_LIMIT = 20;

/** Trouble of these accounts, by collection; a collection without any is left out. */
export async function troubleOf(
  prisma: PrismaClient,
  accountIds: readonly string[],
): Promise<Map<string, Trouble>> {
  const [quarantined, failing] = await Promise.all([
    quarantinedOf(prisma, accountIds),
    failingOf(prisma, accountIds),
  ]);
  const found = new Map<string, Trouble>();
  for (const row of [...quarantined, ...failing]) {
    const known = found.get(row.collectionId) ?? { quarantined: 0, items: [] };
    const { id, state, reason, since, nextTryAt } = row;
    found.set(row.collectionId, {
      quarantined: state === 'quarantined' ? Number(row.total) : known.quarantined,
      items: [...known.items, { id, state, reason, since, nextTryAt }],
    });
  }
  return found;
}

interface Row extends TroubledView {
  collectionId: string;
  /** Items of the collection in this state. */
  total: bigint;
}

function quarantinedOf(prisma: PrismaClient, accountIds: readonly string[]): Promise<Row[]> {
  return prisma.$queryRaw<Row[]>`
    SELECT collection_id AS "collectionId", item_id AS id, 'quarantined' AS state, reason,
           first_at AS since, retry_at AS "nextTryAt", total
      FROM (SELECT *, count(*) OVER (PARTITION BY collection_id) AS total,
                   row_number() OVER (PARTITION BY collection_id ORDER BY last_at DESC, item_id) AS nth
              FROM syncline.quarantined_items WHERE account_id = ANY(${[...accountIds]}::uuid[])) AS numbered
     WHERE nth <= ${NAMED_LIMIT} ORDER BY collection_id, nth`;
}

function failingOf(prisma: PrismaClient, accountIds: readonly string[]): Promise<Row[]> {
  return prisma.$queryRaw<Row[]>`
    SELECT collection_id AS "collectionId", item_id AS id, 'failing' AS state, reason,
           first_at AS since, retry_at AS "nextTryAt", 0::bigint AS total
      FROM (SELECT *, row_number() OVER (PARTITION BY collection_id ORDER BY last_at DESC, item_id) AS nth
              FROM syncline.failing_items WHERE account_id = ANY(${[...accountIds]}::uuid[])) AS numbered
     WHERE nth <= ${NAMED_LIMIT} ORDER BY collection_id, nth`;
}
