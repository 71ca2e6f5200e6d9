import type { Clock } from './clock.js';

/**
 * For what strangers can make happen as often as they like: writes at most once in `everyMs`, and says how often it happened since the line before.
 * @param write is given how many occurrences were not written
 */
export function boundedLog<Args extends unknown[]>(
  clock: Clock,
  everyMs: number,
  write: (more: number, ...args: Args) => void,
): (...args: Args) => void {
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  let more = 0;
  return (...args) => {
    const nowMs = clock.nowMs();
    if (nowMs - writtenAtMs < everyMs) {
      more += 1;
      return;
    }
    write(more, ...args);
    [writtenAtMs, more] = [nowMs, 0];
  };
}
