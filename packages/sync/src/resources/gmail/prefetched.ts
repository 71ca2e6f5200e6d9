import type { Answers } from './answers.js';
import type { FetchPlan } from './plan.js';

/**
 * The response for the items after this ordinal, requested while the page before it is committed.
 */
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
  /** What was requested; a plan without items means that none are left. */
  plan: FetchPlan;
  /** Null when there is nothing to request now. */
  answers: Answers | null;
  /**
   * The second part of the page, whose sources exceed the limit together with the first part's: its
   * messages are already paid for.
   */
  remainder: AskedPage | null;
  /** Why the only item is not to be requested. */
  poison?: string;
}
