/**
 * Items that are refused for quota for their own sake, told apart from an account that is throttled.
 *
 * Throttling refuses whatever comes. So a few refused items are asked for again at once, beside ids
 * of no message: if one of those is refused too, the account is throttled. If they pass each time
 * and the item never does, the item fails by itself. Pure but for the counts of one fetch.
 */
import type { GoogleError } from './errors.js';

/** More refused parts of one batch than this are throttling, without asking again. */
const SUSPECTS_LIMIT = 4;
/**
 * Parts that must pass beside each suspect. By chance alone, whatever share of all parts is refused,
 * an item meets that three times in a row once in thousands of fetches.
 */
const COMPANY_PER_SUSPECT = 4;
const PARTS_PER_SUSPECT = COMPANY_PER_SUSPECT + 1;
/** Batches of one fetch in which an item is refused while its company passes. */
const LONE_LIMIT = 3;

/**
 * Well-formed ids of no message: real ones begin with the time of arrival. 404 is an answer, which
 * quota did not refuse.
 */
const COMPANY = Array.from({ length: SUSPECTS_LIMIT * COMPANY_PER_SUSPECT }, (_, i) =>
  (i + 1).toString(16).padStart(16, '0'),
);

/** What became of one batch. */
export interface BatchRefusals {
  /** Items that Google refused for quota. */
  refused: readonly string[];
  /** Items that it answered. */
  passed: readonly string[];
  /** Ids of no message that it answered with 404. */
  company: number;
  /** Whether it refused one of those for quota. */
  isCompanyRefused: boolean;
}

export interface LoneRefusals {
  /** How many of `ids`, from the first, one batch takes, so that its suspects have room for company. */
  fitting(ids: readonly string[], partsLimit: number): number;
  /** What is asked for beside `ids`. */
  companyOf(ids: readonly string[], partsLimit: number): string[];
  /** @returns whether the account is throttled; otherwise the refused items are asked for again */
  note(batch: BatchRefusals): boolean;
  /** Whether the item was refused often enough while others passed. */
  isOwn(id: string): boolean;
  /** Whether items were refused that are not each other's repetition. */
  isSeveral(): boolean;
}

/** Of one fetch. */
export function openLoneRefusals(): LoneRefusals {
  /** Items refused for quota and not answered since, and in how many batches while others passed. */
  const suspects = new Map<string, number>();
  const suspectsIn = (ids: readonly string[]): number =>
    ids.filter((id) => suspects.has(id)).length;
  return {
    fitting: (ids, partsLimit) => {
      const allowed = Math.max(1, Math.floor(partsLimit / PARTS_PER_SUSPECT));
      const beyond = ids.findIndex((_, i) => suspectsIn(ids.slice(0, i + 1)) > allowed);
      return beyond === -1 ? ids.length : beyond;
    },
    companyOf: (ids, partsLimit) => {
      // One suspect gets its company whatever the limit: otherwise nothing would ever be found out.
      const limit = Math.max(partsLimit, PARTS_PER_SUSPECT);
      const parts = Math.min(suspectsIn(ids) * PARTS_PER_SUSPECT, limit);
      return COMPANY.slice(0, Math.max(0, parts - ids.length));
    },
    note: ({ refused, passed, company, isCompanyRefused }) => {
      if (isCompanyRefused || refused.length > SUSPECTS_LIMIT) {
        suspects.clear();
        return true;
      }
      for (const id of passed) suspects.delete(id);
      const isLone = passed.length + company >= COMPANY_PER_SUSPECT * refused.length;
      for (const id of refused) suspects.set(id, (suspects.get(id) ?? 0) + (isLone ? 1 : 0));
      return false;
    },
    isOwn: (id) => (suspects.get(id) ?? 0) >= LONE_LIMIT,
    isSeveral: () => suspects.size > 1,
  };
}

/** By Google, not by our own quota. */
export function isThrottled({ detail }: GoogleError): boolean {
  return detail.kind === 'rate-limited' && detail.source === 'google';
}
