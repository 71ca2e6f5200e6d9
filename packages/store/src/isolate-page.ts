import type { PageCommit } from './commit-page.js';
import type { Lease } from './lease.js';
import type { Part, RowList } from './mirrors/collection-mirror.js';
import { mirrorOf, type Delta } from './mirrors/index.js';
import { isRowRefusal, PageRefused, refusalReason, refusalsAllowed } from './row-refusal.js';
import type { RowChange } from './rows.js';
import { cleanedRows, onceEach } from './storable-page.js';
import type { Transaction } from './transaction.js';
import {
  applyItems,
  insertListed,
  listForLater,
  type SetAside,
  type ItemsDelta,
} from './full-sync-items.js';

/*
 * Writes a page that Postgres has refused again, in one transaction under the fence. It writes list
 * by list. A refused list is halved repeatedly, each half behind a savepoint, down to the rows that
 * are refused on their own. These rows are quarantined. All other rows, the quarantine and the
 * cursor are committed once. Rejected: committing halves, which would advance the feed without the
 * cursor.
 *
 * A list of n rows with k refused rows takes about 2k·log2(n) statements; `refusalsAllowed` bounds
 * k.
 */

export interface Isolated {
  changes: RowChange[];
  swept: number;
  cleared: number;
  /** Rows that Postgres refuses, with its reason in Syncline's words. */
  refused: SetAside[];
}

/** @throws PageRefused when too many rows are refused */
export async function writeIsolated(
  session: Transaction,
  lease: Lease,
  commit: PageCommit,
): Promise<Isolated> {
  // A constraint that is checked at COMMIT would otherwise refuse the page as a whole.
  await session.query('SET CONSTRAINTS ALL IMMEDIATE');
  const page: Page = { session, lease, refused: [] };
  const changes = await writeDelta(page, cleanedRows(commit.delta));
  const applied = await writeItems(page, commit);
  return {
    changes: [...changes, ...applied.changes],
    swept: applied.swept,
    cleared: applied.cleared,
    refused: page.refused,
  };
}

interface Page {
  session: Transaction;
  lease: Lease;
  refused: SetAside[];
}

/** Writes in the same order as a normal commit, which is the order of the feed. */
async function writeDelta(page: Page, delta: Delta): Promise<RowChange[]> {
  if (delta.kind === 'none') return [];
  return writeParts(page, mirrorOf(delta.kind).parts(page.session, page.lease, delta));
}

async function writeParts(page: Page, parts: readonly Part[]): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for (const part of parts)
    changes.push(...(typeof part === 'function' ? await part() : await writeList(page, part)));
  return changes;
}

async function writeItems(
  page: Page,
  { generation, items = {} }: PageCommit,
): Promise<Omit<Isolated, 'refused'>> {
  const { session, lease } = page;
  const { listed, fetchLater, ...others } = items;
  await writeList(page, {
    rows: listed ?? [],
    table: 'full_sync_items',
    entryId: ({ id }) => id,
    write: async (rows) => {
      insertListed(session, lease, generation, rows);
      return [];
    },
  });
  await writeList(page, {
    rows: fetchLater ?? [],
    table: 'full_sync_items',
    entryId: ({ id }) => id,
    write: async (rows) => {
      listForLater(session, lease, generation, rows);
      return [];
    },
  });
  const listing = mirrorOf(lease.kind).listing;
  const { parts, rest }: { parts: Part[]; rest: ItemsDelta } = listing
    ? await listing.parts(session, lease, generation, others)
    : { parts: [], rest: others };
  const relabelled = await writeParts(page, parts);
  const refusedIds = new Set(page.refused.map(({ id }) => id));
  const applied = await applyItems(session, lease, generation, {
    ...rest,
    ...(rest.taken && { taken: rest.taken.filter((id) => !refusedIds.has(id)) }),
    quarantined: onceEach([...(rest.quarantined ?? []), ...page.refused]),
  });
  return { ...applied, changes: [...relabelled, ...applied.changes] };
}

/** Writes the acceptable rows of the list, and records the others as refused. */
async function writeList<T>(page: Page, list: RowList<T>): Promise<RowChange[]> {
  const allowed = refusalsAllowed(list.rows.length);
  const reasons: string[] = [];
  const refuse = (row: T, reason: string): void => {
    reasons.push(reason);
    if (reasons.length > allowed) throw new PageRefused(reasons.length, list.rows.length, reasons);
    page.refused.push({ id: list.entryId(row), reason, cause: 'row-refused' });
  };
  return list.rows.length === 0 ? [] : writeHalves(page.session, list, list.rows, refuse);
}

async function writeHalves<T>(
  session: Transaction,
  list: RowList<T>,
  rows: readonly T[],
  refuse: (row: T, reason: string) => void,
): Promise<RowChange[]> {
  try {
    return await session.withSavepoint(() => list.write(rows));
  } catch (error) {
    if (!isRowRefusal(error)) throw error;
    const [only] = rows;
    if (rows.length === 1 && only !== undefined) {
      refuse(only, refusalReason(error, error.table ?? list.table));
      return [];
    }
    const middle = Math.ceil(rows.length / 2);
    return [
      ...(await writeHalves(session, list, rows.slice(0, middle), refuse)),
      ...(await writeHalves(session, list, rows.slice(middle), refuse)),
    ];
  }
}
