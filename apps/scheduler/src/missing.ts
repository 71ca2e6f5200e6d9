import type { Holders } from '@syncline/fleet';
import type { DeadHolder } from '@syncline/store';

/** What a scheduler remembers of the looks before. */
export interface Attendance {
  /** Holders that have said that they work, or were seen connected, and were not released. */
  known: ReadonlySet<string>;
  /** Those of them that the last looks have missed, and since when. */
  missedAtMs: ReadonlyMap<string, number>;
}

/**
 * Missed for less than this, a holder may be between two connections. All of a worker's dozen connections are cut at once only by what cuts them for
 * everybody, and they are back after a tenth of a second while the server is there.
 */
const MISSED_LIMIT_MS = 900;
/** While Redis was away, workers try again every 1.25 s at most; before all can be back, nobody is missed. */
const CONFIRM_AFTER_MS = 1_500;

export const NOBODY: Attendance = { known: new Set(), missedAtMs: new Map() };

/**
 * One look. Dead is who has worked, and was missed in two looks about a second apart, through a connection of ours that
 * stood long enough for everybody else's to be back. A mistake costs the page in hand: whoever goes on is fenced out once another has claimed.
 */
export function missing(
  { known, missedAtMs }: Attendance,
  { connected, announced, forMs }: Holders,
  nowMs: number,
): { attendance: Attendance; dead: DeadHolder[] } {
  const everybody = new Set([...known, ...announced, ...connected]);
  if (forMs < CONFIRM_AFTER_MS)
    return { attendance: { known: everybody, missedAtMs: new Map() }, dead: [] };
  const missed = new Map(
    [...everybody]
      .filter((holder) => !connected.has(holder))
      .map((holder) => [holder, missedAtMs.get(holder) ?? nowMs]),
  );
  const dead = [...missed]
    .map(([holder, sinceMs]) => ({ holder, silentMs: nowMs - sinceMs }))
    .filter(({ silentMs }) => silentMs >= MISSED_LIMIT_MS);
  return { attendance: { known: everybody, missedAtMs: missed }, dead };
}

/** Without those who were released; who lives after all must be missed anew. */
export function afterRelease(
  { known, missedAtMs }: Attendance,
  results: readonly { holder: string; alive: boolean }[],
): Attendance {
  const judged = new Set(results.map(({ holder }) => holder));
  const gone = new Set(results.filter(({ alive }) => !alive).map(({ holder }) => holder));
  return {
    known: new Set([...known].filter((holder) => !gone.has(holder))),
    missedAtMs: new Map([...missedAtMs].filter(([holder]) => !judged.has(holder))),
  };
}
