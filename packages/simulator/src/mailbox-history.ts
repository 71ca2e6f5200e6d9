/**
 * The history of a mailbox. Every change appends one record whose id is larger by a random gap, as
 * Google documents. `floor` is the id of the newest record that was dropped. A sync position below
 * it has expired (404); one at or above it is valid even when nothing happened for months, because
 * no record that it needs was dropped.
 */
import type { StoredMessage } from './mailbox.js';
import type { Prng } from './prng.js';

export interface LabelChange {
  message: StoredMessage;
  labelIds: readonly string[];
}

export interface HistoryRecord {
  readonly id: bigint;
  readonly atMs: number;
  readonly added: readonly StoredMessage[];
  readonly deleted: readonly StoredMessage[];
  readonly labelsAdded: readonly LabelChange[];
  readonly labelsRemoved: readonly LabelChange[];
  /** Changes of a kind without a type in the API: the record contains only the messages. */
  readonly touched: readonly StoredMessage[];
}

export type HistoryChange = Partial<
  Pick<HistoryRecord, 'added' | 'deleted' | 'labelsAdded' | 'labelsRemoved' | 'touched'>
>;

/**
 * More than a week of a very busy mailbox. Beyond it the oldest records are dropped early, which
 * Google reserves the right to do.
 */
const RECORDS_KEPT = 200_000;
const LARGEST_GAP = 40;

export class HistoryLog {
  /** Called for every record while the mailbox has a watch. */
  listener: ((record: HistoryRecord) => void) | null = null;
  private records: HistoryRecord[] = [];
  private floorId: bigint;
  private currentId: bigint;

  constructor(
    start: bigint,
    private readonly prng: Prng,
    private readonly retentionMs: number,
  ) {
    this.currentId = start;
    this.floorId = start;
  }

  /** The id of the newest record, which the profile and every history answer contain. */
  get current(): bigint {
    return this.currentId;
  }

  /** Returns a new id without a record, for the initial messages of a world. */
  advance(): bigint {
    this.currentId += BigInt(this.prng.between(1, LARGEST_GAP));
    return this.currentId;
  }

  /** Drops all records: the initial content of the mailbox has no history. */
  complete(): void {
    this.records = [];
    this.floorId = this.currentId;
  }

  /** Expires all existing sync positions; new ones are valid. */
  expire(): void {
    this.advance();
    this.complete();
  }

  append(change: HistoryChange, atMs: number): HistoryRecord {
    const record = {
      id: this.advance(),
      atMs,
      added: [],
      deleted: [],
      labelsAdded: [],
      labelsRemoved: [],
      touched: [],
      ...change,
    };
    this.records.push(record);
    this.prune(atMs);
    this.listener?.(record);
    return record;
  }

  /**
   * Returns the records after `id`, oldest first, or null when `id` is older than the stored
   * history.
   */
  after(id: bigint, nowMs: number): readonly HistoryRecord[] | null {
    this.prune(nowMs);
    if (id < this.floorId) return null;
    return this.records.slice(this.indexAfter(id));
  }

  private prune(nowMs: number): void {
    const oldest = this.records[0];
    if (
      oldest === undefined ||
      (oldest.atMs >= nowMs - this.retentionMs && this.records.length <= RECORDS_KEPT)
    )
      return;
    let keep = this.records.findIndex((record) => record.atMs >= nowMs - this.retentionMs);
    if (keep < 0) keep = this.records.length;
    keep = Math.max(keep, this.records.length - RECORDS_KEPT);
    this.floorId = (this.records[keep - 1] as HistoryRecord).id;
    this.records = this.records.slice(keep);
  }

  private indexAfter(id: bigint): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.records[middle] as HistoryRecord).id <= id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
