import { unreachable } from '@syncline/runtime';
import type { PageCommit } from '@syncline/store';
import type { Cursor, Hold } from '../cursor.js';
import { MAX_RESTARTS, SWEEP_PAGE, type Turn, type TurnContext } from '../turn.js';
import { SAMPLE } from './decide.js';
import { decided, newListing, reportConfirmed } from './tidy.js';

/*
 * A sweep that waits, beside the increments: before each page of the second listing the collection
 * looks for changes, and nothing is deleted before the listing is complete. Its pages only strike
 * out what they name, so the position of the increments never moves by it.
 */

/** A cursor that follows, of any kind, with a sweep that waits. */
export type HeldCursor = Extract<Cursor, { phase: 'follow' }> & { hold: Hold };

/**
 * One page of the second listing: the ids that it names. Null when Google no longer takes the page
 * token.
 */
export type ListIds = (
  pageToken: string | null,
) => Promise<{ ids: string[]; nextPageToken: string | null } | null>;

export function isHeld(cursor: Cursor): cursor is HeldCursor {
  return cursor.phase === 'follow' && cursor.hold !== undefined;
}

/** When there is something to do for the sweep, in milliseconds since the epoch. */
export function holdDueAtMs(hold: Hold): number {
  switch (hold.waitsFor) {
    case 'second-listing':
      return hold.listing === null ? hold.notBeforeMs : 0;
    case 'sweep':
      return 0;
    case 'new-listing':
      return hold.notBeforeMs;
    default:
      return unreachable(hold);
  }
}

/** For a person: what a collection waits for that is level but for a sweep. */
export function heldWords(hold: Hold, rows: number | undefined): string {
  const until = hold.waitsFor === 'new-listing' ? 'it is listed again' : 'a second listing';
  return `held: a full listing lacked ${rows ?? 'some'} items; nothing is deleted until ${until}`;
}

/**
 * What is next for a sweep that waits; null: the collection looks for changes first, or no sweep
 * waits. Without a position there are no increments to look at: another full sync would only begin
 * the wait again.
 */
export function heldStep(
  context: TurnContext,
  cursor: Cursor,
  hasPosition: boolean,
  listIds: ListIds,
): Promise<Turn> | null {
  if (!isHeld(cursor)) return null;
  if (context.hasLooked) return holdTurn(context, cursor, listIds);
  if (hasPosition) return null;
  return context.rt.clock.nowMs() < holdDueAtMs(cursor.hold)
    ? Promise.resolve({ commit: null, next: () => cursor, rest: { kind: 'caught-up' } })
    : holdTurn(context, cursor, listIds);
}

/**
 * What is next for a sweep that waits and is due, of a collection that has just looked for changes.
 */
async function holdTurn(context: TurnContext, cursor: HeldCursor, listIds: ListIds): Promise<Turn> {
  const { hold } = cursor;
  switch (hold.waitsFor) {
    case 'second-listing':
      return listingTurn(context, cursor, hold, listIds);
    case 'sweep':
      return sweepTurn(context, cursor);
    case 'new-listing':
      return turnTo(context, { phase: 'new', resync: true, isRelisting: true });
    default:
      return unreachable(hold);
  }
}

async function listingTurn(
  context: TurnContext,
  cursor: HeldCursor,
  hold: Extract<Hold, { waitsFor: 'second-listing' }>,
  listIds: ListIds,
): Promise<Turn> {
  const listing = hold.listing ?? { pageToken: null, restarts: 0 };
  const page = await listIds(listing.pageToken);
  if (page === null && listing.restarts >= MAX_RESTARTS) {
    const again = newListing(context, context.held?.rows ?? 0);
    return turnTo(context, { ...cursor, hold: again.hold }, { held: again.held });
  }
  if (page === null)
    return turnTo(context, {
      ...cursor,
      hold: { ...hold, listing: { pageToken: null, restarts: listing.restarts + 1 } },
    });
  const next: Hold =
    page.nextPageToken === null
      ? { waitsFor: 'sweep' }
      : { ...hold, listing: { ...listing, pageToken: page.nextPageToken } };
  return turnTo(context, { ...cursor, hold: next }, { walk: { released: page.ids } });
}

/**
 * Two listings lack what is held. A sample is asked for once more before the first page of it is
 * deleted.
 */
async function sweepTurn(context: TurnContext, cursor: HeldCursor): Promise<Turn> {
  if (!context.heldIsProven) {
    const discarded = await proveAgain(context, cursor);
    if (discarded) return discarded;
    context.heldIsProven = true;
  }
  const ids = await context.store.walk.absentIds(context.lease, context.generation, {
    which: 'held',
    excluded: [],
    after: '',
    limit: SWEEP_PAGE,
  });
  const sweeping = { walk: { sweptHeld: ids } };
  if (ids.length === SWEEP_PAGE) return turnTo(context, cursor, sweeping);
  const { hold: _over, ...level } = cursor;
  return turnTo(context, level, { ...sweeping, held: null });
}

async function proveAgain(context: TurnContext, cursor: HeldCursor): Promise<Turn | null> {
  const { rows, missing, sample } = await context.store.walk.absence(
    context.lease,
    context.generation,
    { which: 'held', excluded: [], limit: SAMPLE },
  );
  const decision = await decided(
    context,
    {
      rows,
      missing,
      // Its cursor does not count items without an id, so even a few rows are asked for.
      mayHaveNameless: true,
      asked: null,
      confirmedBy: 'second-listing',
    },
    sample,
  );
  if (decision !== 'sweep') {
    const { hold, held } = newListing(context, missing);
    return turnTo(context, { ...cursor, hold }, { held });
  }
  reportConfirmed(context, missing);
  return null;
}

function turnTo(context: TurnContext, next: Cursor, more: Partial<PageCommit> = {}): Turn {
  return {
    commit: {
      cursor: next,
      phase: next.phase,
      generation: context.generation,
      delta: { kind: 'none' },
      ...more,
    },
    next: () => next,
    // What a sweep deletes is not in Google's log of changes by now.
    unlogged: true,
  };
}
