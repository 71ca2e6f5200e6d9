/**
 * Checks that the change feed is complete: folded from its beginning it must give exactly the
 * existing rows, without a missing number and without an event that has no effect. Pure, so that it
 * can be tested alone.
 */
import type { ChangeEvent } from '@syncline/store';

export interface FeedFold {
  /** The number of the last event. */
  seq: bigint;
  /** The keys that exist according to the feed, by `keyOf`. */
  live: Set<string>;
  /** The first contradictions within the feed. */
  problems: string[];
}

/** The maximum number of problems in a report; one error in a feed can cause thousands. */
const PROBLEMS_LIMIT = 20;

export function emptyFold(): FeedFold {
  return { seq: 0n, live: new Set(), problems: [] };
}

/** Returns the key of a row. An event's id is unique only within its calendar. */
export function keyOf(row: Pick<ChangeEvent, 'entity' | 'id' | 'calendarId'>): string {
  return row.calendarId === null
    ? `${row.entity} ${row.id}`
    : `${row.entity} ${row.calendarId}/${row.id}`;
}

/** Folds the next events, in the feed's order. */
export function foldInto(fold: FeedFold, events: readonly ChangeEvent[]): void {
  for (const event of events) {
    if (event.seq !== fold.seq + 1n) note(fold, `after ${fold.seq} comes ${event.seq}`);
    fold.seq = event.seq;
    const key = keyOf(event);
    const known = fold.live.has(key);
    if ((event.op === 'created') === known)
      note(
        fold,
        `${event.seq} says ${event.op} of ${key}, which ${known ? 'exists' : 'does not exist'}`,
      );
    if (event.op === 'deleted') fold.live.delete(key);
    else fold.live.add(key);
  }
}

/** Returns the differences from the existing rows. Only the entities in `rows` are compared. */
export function differencesFromRows(
  fold: FeedFold,
  rows: ReadonlySet<string>,
  entities: readonly ChangeEvent['entity'][],
): string[] {
  const fromFeed = [...fold.live].filter((key) =>
    entities.some((entity) => key.startsWith(`${entity} `)),
  );
  const notInMirror = fromFeed
    .filter((key) => !rows.has(key))
    .map((key) => `the feed has ${key}, the mirror does not`);
  const missing = [...rows]
    .filter((key) => !fold.live.has(key))
    .map((key) => `the mirror has ${key}, the feed does not`);
  return [...fold.problems, ...notInMirror, ...missing].slice(0, PROBLEMS_LIMIT);
}

function note(fold: FeedFold, problem: string): void {
  if (fold.problems.length < PROBLEMS_LIMIT) fold.problems.push(problem);
}
