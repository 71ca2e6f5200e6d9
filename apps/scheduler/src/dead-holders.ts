import type { Holders } from '@syncline/fleet';

/** A process that held leases and appears to be dead. */
export interface DeadHolder {
  holder: string;
  /** Time since it was first found to be gone. */
  silentMs: number;
}

/** The state that a scheduler keeps between checks. */
export interface HolderState {
  /** Holders that have announced themselves, or were seen connected, and were not released. */
  known: ReadonlySet<string>;
  /** The known holders that the last checks found without a connection, and since when. */
  missedAtMs: ReadonlyMap<string, number>;
}

/**
 * A holder without a connection for less than this may be reconnecting. All of a worker's dozen
 * connections are closed at once only by an event that closes all connections, and while the server is
 * available they are back after a tenth of a second.
 */
const MISSED_LIMIT_MS = 900;
/**
 * After an outage of Redis, workers reconnect every 1.25 s at most; until all of them can be back,
 * no holder counts as missing.
 */
const CONFIRM_AFTER_MS = 1_500;

export const NO_HOLDERS: HolderState = { known: new Set(), missedAtMs: new Map() };

/**
 * Evaluates one check. A holder is dead if it has worked and was without a connection in two checks
 * about a second apart, while a connection of ours existed long enough for all others to be back. A
 * mistake costs the current page: the epoch prevents the holder's commits once another worker has
 * claimed the lease.
 */
export function findDeadHolders(
  { known, missedAtMs }: HolderState,
  { connected, announced, forMs }: Holders,
  nowMs: number,
): { holderState: HolderState; dead: DeadHolder[] } {
  const all = new Set([...known, ...announced, ...connected]);
  if (forMs < CONFIRM_AFTER_MS)
    return { holderState: { known: all, missedAtMs: new Map() }, dead: [] };
  const missed = new Map(
    [...all]
      .filter((holder) => !connected.has(holder))
      .map((holder) => [holder, missedAtMs.get(holder) ?? nowMs]),
  );
  const dead = [...missed]
    .map(([holder, sinceMs]) => ({ holder, silentMs: nowMs - sinceMs }))
    .filter(({ silentMs }) => silentMs >= MISSED_LIMIT_MS);
  return { holderState: { known: all, missedAtMs: missed }, dead };
}

/**
 * Returns the state without released holders; a holder that turned out to be alive must be found
 * missing again before it counts as dead.
 */
export function afterRelease(
  { known, missedAtMs }: HolderState,
  results: readonly { holder: string; alive: boolean }[],
): HolderState {
  const checked = new Set(results.map(({ holder }) => holder));
  const gone = new Set(results.filter(({ alive }) => !alive).map(({ holder }) => holder));
  return {
    known: new Set([...known].filter((holder) => !gone.has(holder))),
    missedAtMs: new Map([...missedAtMs].filter(([holder]) => !checked.has(holder))),
  };
}
