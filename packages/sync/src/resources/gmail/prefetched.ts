import type { Answers } from './answers.js';
import type { FetchPlan } from './plan.js';

/** The answer for the items after this ordinal, on its way while the page before it is committed. */
export interface Prefetched {
  afterOrdinal: bigint;
  page: Promise<FetchedPage>;
}

/** Messages without their sources. */
export interface AskedPage {
  plan: FetchPlan;
  answers: Answers;
}

export interface FetchedPage {
  /** What was asked for; without items there is nothing left. */
  plan: FetchPlan;
  /** Null when there is nothing to ask for now. */
  answers: Answers | null;
  /** The page's own second half, whose sources did not fit beside the first's: its messages are paid for. */
  remainder: AskedPage | null;
  /** Why the only item is not to be asked for at all. */
  poison?: string;
}
