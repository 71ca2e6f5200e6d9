/** Items that cannot be read, as shown in the views of accounts. */
import type { PrismaClient } from './generated/client.js';

/** An item in quarantine, or an item that could not be read and is retried soon. */
export interface TroubledView {
  id: string;
  state: 'quarantined' | 'failing';
  reason: string;
  since: Date;
  /** Null: only `quarantine retry` retries it. */
  nextTryAt: Date | null;
}

/** The unreadable items of a collection. */
export interface Trouble {
  /** Number of items in quarantine. */
  quarantined: number;
  /** The newest items in quarantine, and the items that are still being retried. */
  items: TroubledView[];
}

/**
 * Maximum number of listed items of one collection: this many in quarantine, and this many that are
 * still being retried.
 */
const NAMED_LIMIT = 20;

/**
 * Returns the unreadable items of these accounts by collection. Collections without any are
 * omitted.
 */
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
  /** Number of items of the collection in this state. */
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
