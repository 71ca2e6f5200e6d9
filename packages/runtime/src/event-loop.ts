/**
 * Splits long work into pieces of a millisecond while incremental syncs have work. Other callbacks
 * that are ready run between two pieces. Reason: parsing a page of a full sync takes 20 ms, and
 * with five pages in a row the callback of an incremental sync's response waited 100 ms. The
 * process has one queue for all pieces, because it has one event loop: twenty pages that each
 * yielded after a millisecond would still take twenty milliseconds in a row. Without incremental
 * work the work is not split: iterations of the event loop cost a sixth of a full sync's CPU time,
 * and slower parsing keeps more pages in memory.
 *
 * Rejected: worker threads (copying the parsed data costs as much as parsing it).
 */
import type { Clock } from './clock.js';

export interface EventLoop {
  /**
   * Resolves in a later iteration of the event loop, in which no other piece of work runs; resolves
   * immediately without incremental work.
   */
  yieldToOthers(): Promise<void>;
  /**
   * Reports an incremental sync that has a notification or a change. Work is split into pieces for
   * the next second, because more changes may follow.
   */
  reportIncrementalWork(): void;
}

/** With one change per second, work is always split. */
const SPLIT_FOR_MS = 1_000;

export function createEventLoop(clock: Clock): EventLoop {
  let line: Promise<void> = Promise.resolve();
  let incrementalAtMs = Number.NEGATIVE_INFINITY;
  return {
    yieldToOthers: () => {
      if (clock.nowMs() - incrementalAtMs > SPLIT_FOR_MS) return Promise.resolve();
      line = line.then(() => new Promise<void>((resolve) => void setImmediate(resolve)));
      return line;
    },
    reportIncrementalWork: () => void (incrementalAtMs = clock.nowMs()),
  };
}
