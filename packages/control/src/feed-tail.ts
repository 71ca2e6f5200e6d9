import type { Runtime } from '@syncline/runtime';
import type { FeedLog } from '@syncline/store';
import type { FeedHints } from './feed-hints.js';

/** A place in the log of all feeds. */
export interface LogPlace {
  epoch: number;
  /** The position of the last event that was read. */
  position: bigint;
}

/** Tells the readers of tenants' feeds when there is something to read. One is shared by a process. */
export interface FeedTail {
  /**
   * Resolves when the log has an event of the tenant after the place, when it may have, when the
   * time is over, or when the signal is aborted.
   * @param tenant null means every tenant
   * @returns without an event, the place up to which there is none
   */
  moved(
    tenant: string | null,
    from: LogPlace,
    o: { withinMs: number; signal: AbortSignal },
  ): Promise<{ isMoved: boolean; place: LogPlace }>;
}

interface Waiter {
  tenant: string | null;
  from: LogPlace;
  wake: () => void;
}

/** An event is seen after this time at the latest. */
const POLL_EVERY_MS = 1_000;
/** Ranges per read. With more, every reader reads for itself. */
const RANGES_LIMIT = 1_000;

/**
 * While somebody waits, one statement a second reads what was added to the log, whatever the number
 * of readers: only those whose tenant has an event are woken. A hint brings the statement forward.
 */
export function openFeedTail(
  rt: Pick<Runtime, 'clock'>,
  { store, hints }: { store: { feedLog: Pick<FeedLog, 'ranges'> }; hints: FeedHints },
): FeedTail {
  const waiters = new Set<Waiter>();
  /** Up to where the log was read; null while nobody waits. */
  let end: LogPlace | null = null;
  const pace = paceOf(rt);
  hints.listen({ distributed: pace.hurry });

  const read = async (): Promise<void> => {
    const after = end ?? earliestOf(waiters);
    const found = await store.feedLog.ranges(null, after.position, RANGES_LIMIT).catch(() => null);
    // Without an answer everybody reads, and meets the error themselves.
    if (found === null) return wakeAll(waiters);
    const { state, ranges } = found;
    end = { epoch: state.epoch, position: state.end };
    if (ranges.length >= RANGES_LIMIT || after.epoch !== state.epoch) return wakeAll(waiters);
    for (const { tenant, from, wake } of waiters)
      if (
        from.epoch !== state.epoch ||
        ranges.some((one) => isOf(tenant, one.tenant) && one.position > from.position)
      )
        wake();
  };
  let isReading = false;
  const readOn = async (): Promise<void> => {
    isReading = true;
    while (waiters.size > 0) {
      await pace.next(POLL_EVERY_MS);
      if (waiters.size > 0) await read();
    }
    end = null;
    isReading = false;
  };
  return {
    moved: (tenant, from, { withinMs, signal }) =>
      new Promise((resolve) => {
        // What was added before this reader came is not read again.
        const isBehind = end !== null && (end.epoch !== from.epoch || end.position > from.position);
        if (signal.aborted || isBehind) return resolve({ isMoved: true, place: from });
        const finish = (isMoved: boolean): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          waiters.delete(waiter);
          resolve({ isMoved, place: isMoved ? from : furtherOf(from, end) });
        };
        const wake = (): void => finish(true);
        const timer = setTimeout(() => finish(false), withinMs);
        const waiter = { tenant, from, wake };
        signal.addEventListener('abort', wake, { once: true });
        waiters.add(waiter);
        if (!isReading) void readOn();
      }),
  };
}

function isOf(asked: string | null, tenant: string): boolean {
  return asked === null || asked === tenant;
}

function wakeAll(waiters: ReadonlySet<Waiter>): void {
  for (const { wake } of waiters) wake();
}

function earliestOf(waiters: ReadonlySet<Waiter>): LogPlace {
  const places = [...waiters].map(({ from }) => from);
  return places.reduce((first, one) => (one.position < first.position ? one : first));
}

/** A reader that was not woken has nothing to read up to the end that was seen. */
function furtherOf(from: LogPlace, end: LogPlace | null): LogPlace {
  return end !== null && end.epoch === from.epoch && end.position > from.position ? end : from;
}

/** The pauses of a loop that hints cut short. */
interface Pace {
  /** Resolves after the time, or at once after a hint. */
  next(ms: number): Promise<void>;
  hurry(): void;
}

function paceOf(rt: Pick<Runtime, 'clock'>): Pace {
  let isHurried = false;
  let waiting: AbortController | null = null;
  return {
    next: async (ms) => {
      if (!isHurried) {
        waiting = new AbortController();
        await rt.clock.sleep(ms, waiting.signal).catch(() => undefined);
        waiting = null;
      }
      isHurried = false;
    },
    hurry: () => {
      isHurried = true;
      waiting?.abort(new Error('a hint'));
    },
  };
}
