import { unreachable } from '@syncline/runtime';
import type { PageCommit } from '@syncline/store';
import type { Cursor, Hold } from '../cursor.js';
import { MAX_RESTARTS, SWEEP_PAGE, type Step, type StepContext } from '../step.js';
import { SAMPLE } from './decide.js';
import { decided, newListing, reportConfirmed } from './full-sync-end.js';

/*
 * A sweep that waits for evidence while incremental syncs continue. Before each page of the second
 * listing the collection is synced incrementally, and nothing is deleted before that listing is
 * complete. Its pages only release the rows that they name, so the incremental position does not
 * move by them.
 */

/** A cursor of any kind in phase incremental with a sweep that waits. */
export type HeldCursor = Extract<Cursor, { phase: 'incremental' }> & { hold: Hold };

/**
 * Reads one page of the second listing and returns the ids that it names; null when Google no
 * longer accepts the page token.
 */
export type ListIds = (
  pageToken: string | null,
) => Promise<{ ids: string[]; nextPageToken: string | null } | null>;

export function isHeld(cursor: Cursor): cursor is HeldCursor {
  return cursor.phase === 'incremental' && cursor.hold !== undefined;
}

/** Returns when the sweep has its next work, in milliseconds since the epoch. */
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

/** What a commit has changed of a sweep that waits. */
export function noteHeld(context: StepContext, { held }: PageCommit): void {
  if (held === undefined) return;
  const { sinceMs = context.rt.clock.nowMs(), discards = 0 } = context.held ?? {};
  context.held = held && {
    sinceMs,
    rows: held.rows,
    waitsFor: held.waitsFor,
    untilMs: held.untilMs,
    discards: held.waitsFor === 'new-listing' ? discards + 1 : discards,
  };
}

/** Says, for a person, what a collection waits for that is caught up except for a sweep. */
export function heldReason(hold: Hold, rows: number | undefined): string {
  const until = hold.waitsFor === 'new-listing' ? 'it is listed again' : 'a second listing';
  return `held: a full listing lacked ${rows ?? 'some'} items; nothing is deleted until ${until}`;
}

/**
 * Returns the next step of a sweep that waits. Null: no sweep waits, or the collection is synced
 * incrementally first. Without a sync position there are no incremental syncs, and another full
 * sync would only restart the wait.
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
 * Returns the next step of a due sweep, for a collection that has just been synced incrementally.
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
 * Deletes the held rows that two listings did not name. A sample is asked for again before the
 * first page is deleted.
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
      // The cursor does not count items without an id, so a sample is asked for even for a few
      // rows.
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
      // What is deleted is the end of a full sync.
      origin: 'full_sync',
      ...more,
    },
    next: () => next,
    // Google's log of changes no longer contains what a sweep deletes.
    unlogged: true,
  };
}
