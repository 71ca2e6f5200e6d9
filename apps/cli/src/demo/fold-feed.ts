/**
 * Whether the change feed tells the whole story: folded from its beginning it must give exactly the rows that are there,
 * with no number left out and no event that changes nothing it could change. Pure, so that it can be tried on paper.
 */
import type { ChangeEvent } from '@syncline/store';

export interface FeedFold {
  /** The number of the last event. */
  seq: bigint;
  /** What the feed says exists, by `keyOf`. */
  live: Set<string>;
  /** Where the feed contradicts itself; the first ones. */
  problems: string[];
}

/** Problems in a report; a broken feed is broken in thousands of places. */
const PROBLEMS_LIMIT = 20;

export function emptyFold(): FeedFold {
  return { seq: 0n, live: new Set(), problems: [] };
}

/** An event's id is unique in its calendar only. */
export function keyOf(row: Pick<ChangeEvent, 'entity' | 'id' | 'calendarId'>): string {
  return row.calendarId === null
    ? `${row.entity} ${row.id}`
    : `${row.entity} ${row.calendarId}/${row.id}`;
}

/** Takes the next events of the feed, in the feed's order. */
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

/** What contradicts the rows that are really there. Only the entities in `rows` are compared. */
export function againstRows(
  fold: FeedFold,
  rows: ReadonlySet<string>,
  entities: readonly ChangeEvent['entity'][],
): string[] {
  const fromFeed = [...fold.live].filter((key) =>
    entities.some((entity) => key.startsWith(`${entity} `)),
  );
  const unreal = fromFeed
    .filter((key) => !rows.has(key))
    .map((key) => `the feed has ${key}, the mirror does not`);
  const missing = [...rows]
    .filter((key) => !fold.live.has(key))
    .map((key) => `the mirror has ${key}, the feed does not`);
  return [...fold.problems, ...unreal, ...missing].slice(0, PROBLEMS_LIMIT);
}

function note(fold: FeedFold, problem: string): void {
  if (fold.problems.length < PROBLEMS_LIMIT) fold.problems.push(problem);
}
