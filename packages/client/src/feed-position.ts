/** The position of a feed's reader. Pure. */
import type { Change } from './generated/operations.js';
import { SynclineUnreachable } from './problem.js';

/** An event of a change feed. */
export interface FeedEvent extends Change {
  /** The epoch of `seq`. */
  epoch: number;
}

/** Events in order, and the position after them. */
export interface FeedBatch {
  epoch: number;
  seq: number;
  events: FeedEvent[];
}

/** What a reader has read. */
export interface Reached {
  seq: number;
  /** Null before the first answer to a reader that began at 0. */
  epoch: number | null;
}

/**
 * Takes a batch: events that were read before are left out.
 * @throws SynclineUnreachable where an event is missing: the batch was damaged on its way
 */
export function advance(
  reached: Reached,
  batch: FeedBatch,
): { reached: Reached; batch: FeedBatch } {
  if (reached.epoch !== null && batch.epoch !== reached.epoch)
    throw new SynclineUnreachable('The feed has another epoch');
  // The first event of an epoch has any number.
  const isFirst = reached.seq === 0;
  const events = batch.events.filter(({ seq }) => isFirst || seq > reached.seq);
  let last = isFirst ? (events[0]?.seq ?? batch.seq + 1) - 1 : reached.seq;
  for (const { seq } of events) {
    if (seq !== last + 1) throw new SynclineUnreachable('The feed came with a gap');
    last = seq;
  }
  const seq = Math.max(last, batch.seq);
  return { reached: { seq, epoch: batch.epoch }, batch: { epoch: batch.epoch, seq, events } };
}
