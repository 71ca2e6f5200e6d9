/**
 * Long work that is cut into pieces of a millisecond while somebody waits. Between two of them
 * whatever else is ready has the event loop: a page of a full sync is 20 ms of parsing, and with
 * five pages in a row a change whose answer had arrived waited 100 ms for its callback. One line
 * for the process, since it has one event loop: twenty pages that each let go after a millisecond
 * would still be twenty milliseconds in a row. Where nobody waits nothing is cut: turns of the
 * event loop cost a sixth of a full sync's CPU, and pages that take longer to parse are more pages
 * in memory.
 *
 * Rejected: worker threads (what is parsed would be copied, which costs as much as parsing it).
 */
import type { Clock } from './clock.js';

export interface EventLoop {
  /**
   * Resolves in a later turn of the event loop, in which no other piece of work goes on; at once,
   * when nobody waits.
   */
  yieldToOthers(): Promise<void>;
  /** Somebody's change is being served, and more may come: for the next second work is cut into pieces. */
  someoneWaits(): void;
}

/** With a change a second, somebody waits all the time. */
const WAITED_FOR_MS = 1_000;

export function createEventLoop(clock: Clock): EventLoop {
  let line: Promise<void> = Promise.resolve();
  let waitedForAtMs = Number.NEGATIVE_INFINITY;
  return {
    yieldToOthers: () => {
      if (clock.nowMs() - waitedForAtMs > WAITED_FOR_MS) return Promise.resolve();
      line = line.then(() => new Promise<void>((resolve) => void setImmediate(resolve)));
      return line;
    },
    someoneWaits: () => void (waitedForAtMs = clock.nowMs()),
  };
}
