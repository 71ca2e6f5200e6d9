import type { Lease, PageCommit } from '@syncline/store';
import type { Cursor, Hold, ListingNote, FullSyncEndState } from '../cursor.js';
import { excludedLabels } from '../mirror-policy.js';
import {
  CLEAR_PAGE,
  HOLD_PAGE,
  SWEEP_PAGE,
  type PlannedCommit,
  type Step,
  type StepContext,
} from '../step.js';
import type { Asked } from './ask.js';
import {
  CONFIRM_AFTER_MS,
  decide,
  relistDelayMs,
  SAMPLE,
  type Decision,
  type Findings,
} from './decide.js';

/*
 * The end of a full sync of any kind: rows that its complete listing did not name are deleted, held
 * until a second listing, or kept because the listing was wrong. Then its list is cleared in
 * bounded commits, and incremental syncs continue.
 */

/** The kind-specific parts of the end of a full sync. */
export interface FullSyncEnd {
  origin: PlannedCommit['origin'];
  listing: ListingNote | undefined;
  /** Returns the collection's cursor for this state. */
  at(state: FullSyncEndState): Cursor;
  /** Returns the cursor from which incremental syncs start. */
  incremental(hold: Hold | undefined): Cursor;
  /** Returns additions to the commits that clear the list. */
  clearing?(hold: Hold | undefined): Partial<PageCommit>;
}

/** Returns the next step of the end of a full sync. */
export async function fullSyncEndStep(
  context: StepContext,
  state: FullSyncEndState,
  end: FullSyncEnd,
): Promise<Step> {
  switch (state.step) {
    case 'sweep':
      return state.isProven ? sweepStep(context, state.hold, end) : evidenceStep(context, end);
    case 'hold':
      return holdStep(context, state, end);
    case 'clear':
      return clearStep(context, state.hold, end, {});
  }
}

/** Decides what happens to the rows that the listing did not name. */
async function evidenceStep(context: StepContext, end: FullSyncEnd): Promise<Step> {
  const excluded = excludedLabels(context.mirror);
  const { rows, missing, unheld, sample } = await context.store.items.absence(
    context.lease,
    context.generation,
    { which: 'unmet', excluded, limit: SAMPLE },
  );
  const earlier = unheld === 0 ? heldBefore(context) : null;
  const findings: Findings = {
    rows,
    missing,
    mayHaveNameless: (end.listing?.nameless ?? 0) > 0,
    asked: null,
    confirmedBy: confirmationOf(end.listing, earlier),
  };
  const decision = await decidedBy(context, end.listing, findings, sample);
  switch (decision) {
    case 'sweep':
      if (findings.confirmedBy === 'second-listing') reportConfirmed(context, missing);
      // Rows that the policy excludes by their own labels are not among the missing rows, and are
      // swept regardless.
      return missing === 0 && excluded.length === 0
        ? clearStep(context, undefined, end, { forgetUnlisted: true })
        : sweepStep(context, undefined, end);
    case 'hold': {
      const hold = secondListing(context, end.listing, earlier);
      return stepTo(context, end, end.at({ step: 'hold', after: '', hold }), {
        held: { rows: missing, waitsFor: 'second-listing', untilMs: hold.notBeforeMs },
      });
    }
    case 'discard': {
      const { hold, held } = newListing(context, Math.max(missing, end.listing?.lacking ?? 0));
      return stepTo(context, end, end.at({ step: 'clear', hold }), { held });
    }
  }
}

/**
 * Decides in this order: by the listing's own note, by Google's answers about the missing rows, by
 * the mailbox's count.
 */
async function decidedBy(
  context: StepContext,
  listing: ListingNote | undefined,
  findings: Findings,
  sample: readonly string[],
): Promise<Exclude<Decision, 'ask'>> {
  if (listing?.isDisproved) {
    report(context, 'discard', findings);
    return 'discard';
  }
  const decision = await decided(context, findings, sample);
  const lacking = listing?.lacking ?? 0;
  if (decision !== 'sweep' || lacking === 0 || isAnother(context, listing)) return decision;
  reportShort(context, lacking);
  return 'discard';
}

/**
 * Whether an earlier listing did not count as complete either, and this one began when the next
 * was due.
 */
function isAnother({ held }: StepContext, listing: ListingNote | undefined): boolean {
  return held !== null && (listing?.begunAtMs ?? 0) >= held.untilMs;
}

function reportShort({ rt, lease }: StepContext, lacking: number): void {
  const { accountId, collectionId, kind } = lease;
  rt.metrics.sweepsDiscarded.inc({ kind });
  rt.log.warn(
    { event: 'listing_short', accountId, collectionId, lacking },
    'a full listing names far fewer messages than the mailbox counts; it is listed again',
  );
}

/**
 * Returns the hold of an earlier full sync. Applies only if every row that this full sync lacks is
 * held already.
 */
function heldBefore({ held }: StepContext): Lease['held'] {
  return held?.waitsFor === 'second-listing' ? held : null;
}

/**
 * Returns what confirms that the listing was complete. A full sync that begins when the second
 * listing is due is the second listing; otherwise each full sync would restart the wait.
 */
function confirmationOf(
  listing: ListingNote | undefined,
  earlier: Lease['held'],
): Findings['confirmedBy'] {
  if (listing?.countConfirms) return 'count';
  const isDue = earlier !== null && (listing?.begunAtMs ?? 0) >= earlier.untilMs;
  return isDue ? 'second-listing' : null;
}

/** Asks Google for the sample if the decision needs it. */
export async function decided(
  context: StepContext,
  findings: Findings,
  sample: readonly string[],
): Promise<Exclude<Decision, 'ask'>> {
  const first = decide(findings);
  const decision =
    first === 'ask' ? decide({ ...findings, asked: await asked(context, sample) }) : first;
  if (decision === 'ask') throw new Error('a sample that was asked for is asked for again');
  if (decision !== 'sweep') report(context, decision, findings);
  return decision;
}

async function asked(context: StepContext, sample: readonly string[]): Promise<Asked> {
  return sample.length === 0 ? { alive: 0, gone: 0 } : context.collection.ask(context, sample);
}

function report(
  { rt, lease }: StepContext,
  decision: 'hold' | 'discard',
  { rows, missing }: Findings,
): void {
  const { accountId, collectionId } = lease;
  const fields = { accountId, collectionId, missing, rows };
  if (decision === 'hold') {
    rt.log.warn(
      { event: 'sweep_held', ...fields },
      'a full listing lacks many stored rows; they stay until a second one confirms it',
    );
    return;
  }
  rt.metrics.sweepsDiscarded.inc({ kind: lease.kind });
  rt.log.warn(
    { event: 'listing_discarded', ...fields },
    'a full listing lacks rows that Google still has; nothing is deleted, and it is listed again',
  );
}

/** Counts and logs a sweep that two full listings confirm. */
export function reportConfirmed({ rt, lease }: StepContext, missing: number): void {
  const { accountId, collectionId } = lease;
  rt.metrics.sweepsConfirmed.inc({ kind: lease.kind });
  rt.log.info(
    { event: 'sweep_confirmed', accountId, collectionId, missing },
    'a second full listing lacks the held rows as well; they are deleted',
  );
}

function secondListing(
  { rt, policy }: StepContext,
  listing: ListingNote | undefined,
  earlier: Lease['held'],
): Extract<Hold, { waitsFor: 'second-listing' }> {
  const begunAtMs = listing?.begunAtMs ?? rt.clock.nowMs();
  const notBeforeMs = earlier?.untilMs ?? begunAtMs + (policy.confirmAfterMs ?? CONFIRM_AFTER_MS);
  return { waitsFor: 'second-listing', notBeforeMs, listing: null };
}

/** Returns the hold until a new full sync, after a listing was discarded. */
export function newListing(
  { rt, policy, held }: StepContext,
  rows: number,
): { hold: Hold; held: NonNullable<PageCommit['held']> } {
  const notBeforeMs =
    rt.clock.nowMs() +
    relistDelayMs(policy.confirmAfterMs ?? CONFIRM_AFTER_MS, held?.discards ?? 0, rt.random.next());
  return {
    hold: { waitsFor: 'new-listing', notBeforeMs },
    held: { rows, waitsFor: 'new-listing', untilMs: notBeforeMs },
  };
}

/**
 * Records which rows are held, a page at a time; then sweeps the rows that are not held: those that
 * the policy excludes by their own labels.
 */
async function holdStep(
  context: StepContext,
  { after, hold }: Extract<FullSyncEndState, { step: 'hold' }>,
  end: FullSyncEnd,
): Promise<Step> {
  const ids = await context.store.items.absentIds(context.lease, context.generation, {
    which: 'unmet',
    excluded: excludedLabels(context.mirror),
    after,
    limit: HOLD_PAGE,
  });
  const last = ids.length < HOLD_PAGE ? undefined : ids.at(-1);
  const next = end.at(
    last === undefined
      ? { step: 'sweep', isProven: true, hold }
      : { step: 'hold', after: last, hold },
  );
  return stepTo(context, end, next, { items: { held: ids } });
}

function sweepStep(context: StepContext, hold: Hold | undefined, end: FullSyncEnd): Step {
  const held = hold === undefined ? {} : { hold };
  const again = end.at({ step: 'sweep', isProven: true, ...held });
  return {
    commit: commitOf(context, end, again, { items: { sweepLimit: SWEEP_PAGE } }),
    next: (committed) =>
      committed.swept >= SWEEP_PAGE ? again : end.at({ step: 'clear', ...held }),
  };
}

/**
 * Clears the list. A sweep that waited since an earlier full sync ends here, whatever it waited
 * for, unless this full sync holds rows itself.
 */
function clearStep(
  context: StepContext,
  hold: Hold | undefined,
  end: FullSyncEnd,
  first: NonNullable<PageCommit['items']>,
): Step {
  const isOver = context.held !== null && hold === undefined;
  const { items, ...more } = end.clearing?.(hold) ?? {};
  const again = end.at({ step: 'clear', ...(hold === undefined ? {} : { hold }) });
  return {
    commit: commitOf(context, end, again, {
      ...more,
      ...(isOver ? { held: null } : {}),
      items: {
        ...items,
        ...first,
        clearLimit: CLEAR_PAGE,
        ...(isOver ? { forgetHeldLimit: CLEAR_PAGE } : {}),
      },
    }),
    next: (committed) => (committed.cleared >= CLEAR_PAGE ? again : end.incremental(hold)),
  };
}

function stepTo(
  context: StepContext,
  end: FullSyncEnd,
  next: Cursor,
  more: Partial<PageCommit>,
): Step {
  return { commit: commitOf(context, end, next, more), next: () => next };
}

function commitOf(
  context: StepContext,
  { origin }: FullSyncEnd,
  cursor: Cursor,
  more: Partial<PageCommit>,
): PlannedCommit {
  return {
    cursor,
    phase: 'full',
    generation: context.generation,
    delta: { kind: 'none' },
    origin,
    ...more,
  };
}
