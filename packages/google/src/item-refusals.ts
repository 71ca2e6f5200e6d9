/**
 * Tells an item that Google refuses for quota by itself from an account that is throttled.
 *
 * Throttling refuses any request. So a few refused items are requested again at once, together with
 * control ids, which name no message: when a control is refused too, the account is throttled. When
 * the controls pass each time and the item is refused each time, the item fails by itself. Pure
 * except for the counts of one fetch.
 */
import type { GoogleError } from './errors.js';

/** More refused parts of one batch than this are throttling, without another request. */
const REFUSED_LIMIT = 4;
/**
 * Parts that must pass for each refused item. By chance alone, whatever share of all parts is
 * refused, an item meets that three times in a row once in thousands of fetches.
 */
const CONTROLS_PER_ITEM = 4;
const PARTS_PER_ITEM = CONTROLS_PER_ITEM + 1;
/** Batches of one fetch in which an item is refused while its controls pass. */
const REFUSALS_LIMIT = 3;

/**
 * Well-formed ids of no message: real ones begin with the time of arrival. Google answers 404,
 * unless it refuses them for quota.
 */
const CONTROL_IDS = Array.from({ length: REFUSED_LIMIT * CONTROLS_PER_ITEM }, (_, i) =>
  (i + 1).toString(16).padStart(16, '0'),
);

/** The parts of one batch, by their answers. */
export interface BatchRefusals {
  /** Items that Google refused for quota. */
  refused: readonly string[];
  /** Items that it answered. */
  passed: readonly string[];
  /** Control ids that it answered with 404. */
  passedControls: number;
  /** Whether it refused a control id for quota. */
  isControlRefused: boolean;
}

export interface ItemRefusals {
  /** How many of `ids`, from the first, one batch takes, so that there is room for their controls. */
  countFitting(ids: readonly string[], partsLimit: number): number;
  /** The control ids to request together with `ids`. */
  controlsFor(ids: readonly string[], partsLimit: number): string[];
  /** @returns whether the account is throttled; otherwise the refused items are requested again */
  record(batch: BatchRefusals): boolean;
  /** Whether the item was refused often enough while its controls passed. */
  failsByItself(id: string): boolean;
  /** Whether several different items are refused at present. */
  hasSeveral(): boolean;
}

/** The refusals of one fetch. */
export function openItemRefusals(): ItemRefusals {
  /** Items refused and not answered since, and in how many batches their controls passed. */
  const refusals = new Map<string, number>();
  const countRefused = (ids: readonly string[]): number =>
    ids.filter((id) => refusals.has(id)).length;
  return {
    countFitting: (ids, partsLimit) => {
      const allowed = Math.max(1, Math.floor(partsLimit / PARTS_PER_ITEM));
      const beyond = ids.findIndex((_, i) => countRefused(ids.slice(0, i + 1)) > allowed);
      return beyond === -1 ? ids.length : beyond;
    },
    controlsFor: (ids, partsLimit) => {
      // One item gets its controls whatever the limit: otherwise it could never be decided.
      const limit = Math.max(partsLimit, PARTS_PER_ITEM);
      const parts = Math.min(countRefused(ids) * PARTS_PER_ITEM, limit);
      return CONTROL_IDS.slice(0, Math.max(0, parts - ids.length));
    },
    record: ({ refused, passed, passedControls, isControlRefused }) => {
      if (isControlRefused || refused.length > REFUSED_LIMIT) {
        refusals.clear();
        return true;
      }
      for (const id of passed) refusals.delete(id);
      const isJudged = passed.length + passedControls >= CONTROLS_PER_ITEM * refused.length;
      for (const id of refused) refusals.set(id, (refusals.get(id) ?? 0) + (isJudged ? 1 : 0));
      return false;
    },
    failsByItself: (id) => (refusals.get(id) ?? 0) >= REFUSALS_LIMIT,
    hasSeveral: () => refusals.size > 1,
  };
}

/** By Google, not by our own quota. */
export function isThrottled({ detail }: GoogleError): boolean {
  return detail.kind === 'rate-limited' && detail.source === 'google';
}
