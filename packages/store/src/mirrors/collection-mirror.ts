import type { Lease } from '../lease.js';
import type { SetAside } from '../quarantine-writes.js';
import type { RowChange } from '../rows.js';
import type { Transaction } from '../transaction.js';
import type { ListingDelta } from './index.js';

/** The rows of one kind of collection: how a page becomes rows, and what a listing did not name. */
export interface CollectionMirror<Delta> {
  /** Writes a page's rows. The order of the changes is the order of the feed. */
  apply(session: Transaction, lease: Lease, delta: Delta): Promise<RowChange[]>;
  /** What `apply` writes, in the same order, in parts that can be written alone. */
  parts(session: Transaction, lease: Lease, delta: Delta): Part[];
  /** The page without what has an id that cannot be stored; that is added to `aside`. */
  storable(delta: Delta, aside: SetAside[]): Delta;
  /** The page's rows cleaned and clamped once more. */
  cleaned(delta: Delta): Delta;
  /** Deletes rows that complete listings did not name. */
  deleteRows(session: Transaction, lease: Lease, ids: readonly string[]): Promise<RowChange[]>;
  absence: AbsenceSql;
  /** A complete listing has ended: forgets what it did not name and what has no row. */
  forgetUnlisted?(session: Transaction, lease: Lease, generation: number): void;
  listing?: ListingMirror;
}

/** What the kind's full sync writes beside the list of ids. */
export interface ListingMirror {
  /** Null when no row can change by it. */
  write(
    session: Transaction,
    lease: Lease,
    generation: number,
    delta: ListingDelta,
  ): Promise<RowChange[]> | null;
  /** What of it can be refused for a row's sake, in parts; `rest` is for `write`. */
  parts(
    session: Transaction,
    lease: Lease,
    generation: number,
    delta: ListingDelta,
  ): Promise<{ parts: Part[]; rest: ListingDelta }>;
  /** @returns how many entries were cleared */
  clear(session: Transaction, lease: Lease, limit: number): Promise<number>;
}

/**
 * SQL about the rows that a listing did not name. `$1` is the account, `$2` the collection, `$3`
 * the generation, `$4` a limit; `values` follow from `$5` on.
 */
interface AbsenceSql {
  /** The table whose rows a listing names by their ids. */
  table: string;
  /** Its column with the collection's external id, where several collections share it. */
  scope: string | null;
  /**
   * Columns `id`, `age`, `weight` and `telling`: whether Google's answer to the id can tell that
   * the listing was wrong.
   * @param absent the condition for the id in the given column
   */
  missing(absent: (id: string) => string): string;
  /** How many rows there are in all. */
  count: string;
  /** @param excluded labels that no row should have */
  values(lease: Lease, excluded: readonly string[]): unknown[];
}

/** Rows that one statement or function writes, or a step that no row can fail. */
export type Part = RowList<unknown> | (() => Promise<RowChange[]>);

/** Rows of a page, any part of which can be written alone. */
export interface RowList<T> {
  rows: readonly T[];
  /** The table that a reason names. */
  table: string;
  /** What a refused row is quarantined as. */
  entryId(row: T): string;
  write(rows: readonly T[]): Promise<RowChange[]>;
}
