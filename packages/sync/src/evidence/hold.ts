import { unreachable } from '@syncline/runtime';
import type { PageCommit } from '@syncline/store';
import type { Cursor, Hold } from '../cursor.js';
import { MAX_RESTARTS, SWEEP_PAGE, type Step, type StepContext } from '../step.js';
import { SAMPLE } from './decide.js';
import { decided, newListing, reportConfirmed } from './tidy.js';

/*
 * A sweep that waits, beside the increments: before each page of the second listing the collection
 * looks for changes, and nothing is deleted before the listing is complete. Its pages only strike
 * out what they name, so the position of the increments never moves by it.
 */

/** A cursor in phase incremental, of any kind, with a sweep that waits. */
export type HeldCursor = Extract<Cursor, { phase: 'incremental' }> & { hold: Hold };

/**
 * One page of the second listing: the ids that it names. Null when Google no longer takes the page
 * token.
 */
export type ListIds = (
  pageToken: string | null,
) => Promise<{ ids: string[]; nextPageToken: string | null } | null>;

export function isHeld(cursor: Cursor): cursor is HeldCursor {
  return cursor.phase === 'incremental' && cursor.hold !== undefined;
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

/** For a person: what a collection waits for that is caught up but for a sweep. */
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
  context: StepContext,
  cursor: Cursor,
  hasPosition: boolean,
  listIds: ListIds,
): Promise<Step> | null {
  if (!isHeld(cursor)) return null;
  if (context.hasCheckedChanges) return holdStep(context, cursor, listIds);
  if (hasPosition) return null;
  return context.rt.clock.nowMs() < holdDueAtMs(cursor.hold)
    ? Promise.resolve({ commit: null, next: () => cursor, end: { kind: 'caught-up' } })
    : holdStep(context, cursor, listIds);
}

/**
 * What is next for a sweep that waits and is due, of a collection that has just looked for changes.
 */
async function holdStep(context: StepContext, cursor: HeldCursor, listIds: ListIds): Promise<Step> {
  const { hold } = cursor;
  switch (hold.waitsFor) {
    case 'second-listing':
      return listingStep(context, cursor, hold, listIds);
    case 'sweep':
      return sweepStep(context, cursor);
    case 'new-listing':
      return stepTo(context, { phase: 'pending', resync: true, isRelisting: true });
    default:
      return unreachable(hold);
  }
}

async function listingStep(
  context: StepContext,
  cursor: HeldCursor,
  hold: Extract<Hold, { waitsFor: 'second-listing' }>,
  listIds: ListIds,
): Promise<Step> {
  const listing = hold.listing ?? { pageToken: null, restarts: 0 };
  const page = await listIds(listing.pageToken);
  if (page === null && listing.restarts >= MAX_RESTARTS) {
    const again = newListing(context, context.held?.rows ?? 0);
    return stepTo(context, { ...cursor, hold: again.hold }, { held: again.held });
  }
  if (page === null)
    return stepTo(context, {
      ...cursor,
      hold: { ...hold, listing: { pageToken: null, restarts: listing.restarts + 1 } },
    });
  const next: Hold =
    page.nextPageToken === null
      ? { waitsFor: 'sweep' }
      : { ...hold, listing: { ...listing, pageToken: page.nextPageToken } };
  return stepTo(context, { ...cursor, hold: next }, { items: { released: page.ids } });
}

/**
 * Two listings lack what is held. A sample is asked for once more before the first page of it is
 * deleted.
 */
async function sweepStep(context: StepContext, cursor: HeldCursor): Promise<Step> {
  if (!context.heldIsProven) {
    const discarded = await proveAgain(context, cursor);
    if (discarded) return discarded;
    context.heldIsProven = true;
  }
  const ids = await context.store.items.absentIds(context.lease, context.generation, {
    which: 'held',
    excluded: [],
    after: '',
    limit: SWEEP_PAGE,
  });
  const sweeping = { items: { sweptHeld: ids } };
  if (ids.length === SWEEP_PAGE) return stepTo(context, cursor, sweeping);
  const { hold: _over, ...withoutHold } = cursor;
  return stepTo(context, withoutHold, { ...sweeping, held: null });
}

async function proveAgain(context: StepContext, cursor: HeldCursor): Promise<Step | null> {
  const { rows, missing, sample } = await context.store.items.absence(
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
    return stepTo(context, { ...cursor, hold }, { held });
  }
  reportConfirmed(context, missing);
  return null;
}

function stepTo(context: StepContext, next: Cursor, more: Partial<PageCommit> = {}): Step {
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
