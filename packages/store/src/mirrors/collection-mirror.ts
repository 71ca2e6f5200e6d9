import type { Lease } from '../lease.js';
import type { SetAside } from '../quarantine-writes.js';
import type { RowChange } from '../rows.js';
import type { Transaction } from '../transaction.js';
import type { ListingDelta } from './index.js';

/**
 * The rows of one kind of collection: writing a page's rows, and handling rows that a listing did
 * not name.
 */
export interface CollectionMirror<Delta> {
  /** Writes a page's rows. The feed has the changes in the returned order. */
  apply(session: Transaction, lease: Lease, delta: Delta): Promise<RowChange[]>;
  /** Returns the writes of `apply` in the same order, as parts that can be written separately. */
  parts(session: Transaction, lease: Lease, delta: Delta): Part[];
  /** Returns the page without items whose id cannot be stored. These are added to `aside`. */
  storable(delta: Delta, aside: SetAside[]): Delta;
  /** Returns the page with its rows cleaned and clamped again. */
  cleaned(delta: Delta): Delta;
  /** Deletes rows that complete listings did not name. */
  deleteRows(session: Transaction, lease: Lease, ids: readonly string[]): Promise<RowChange[]>;
  absence: AbsenceSql;
  /**
   * Called at the end of a complete listing. Deletes the entries that the listing did not name and
   * that have no row.
   */
  forgetUnlisted?(session: Transaction, lease: Lease, generation: number): void;
  listing?: ListingMirror;
}

/** The data that a full sync of this kind writes in addition to the list of ids. */
export interface ListingMirror {
  /** Returns null when the delta cannot change a row. */
  write(
    session: Transaction,
    lease: Lease,
    generation: number,
    delta: ListingDelta,
  ): Promise<RowChange[]> | null;
  /** Returns the parts in which a single row can be refused. `rest` is passed to `write`. */
  parts(
    session: Transaction,
    lease: Lease,
    generation: number,
    delta: ListingDelta,
  ): Promise<{ parts: Part[]; rest: ListingDelta }>;
  /** @returns the number of deleted entries */
  clear(session: Transaction, lease: Lease, limit: number): Promise<number>;
}

/**
 * SQL for the rows that a listing did not name. `$1` is the account, `$2` the collection, `$3` the
 * generation, `$4` a limit; `values` start at `$5`.
 */
interface AbsenceSql {
  /** The table of the rows, which a listing names by id. */
  table: string;
  /**
   * Column with the collection's external id when several collections share the table, else null.
   */
  scope: string | null;
  /**
   * Query with the columns `id`, `age`, `weight` and `can_decide`. `can_decide` is whether Google's
   * answer to a request for the id can show that the listing was wrong.
   * @param absent returns the condition for the id in the given column
   */
  missing(absent: (id: string) => string): string;
  /** Query for the total number of rows. */
  count: string;
  /** @param excluded labels that no row may have */
  values(lease: Lease, excluded: readonly string[]): unknown[];
}

/** Rows that one statement or function writes, or a step that cannot fail because of a row. */
export type Part = RowList<unknown> | (() => Promise<RowChange[]>);

/** Rows of a page. Any subset of them can be written separately. */
export interface RowList<T> {
  rows: readonly T[];
  /** The table that a quarantine reason names. */
  table: string;
  /** Returns the id under which a refused row is quarantined. */
  entryId(row: T): string;
  write(rows: readonly T[]): Promise<RowChange[]>;
}
