/**
 * Items that are refused for quota by themselves. Google's throttling refuses whatever comes: several
 * parts of a batch, or all of it. An item that alone is refused in several successive batches in
 * which the other parts passed is refused for its own sake.
 */

import type { GoogleError } from './errors.js';

/**
 * The well-formed id of no message: real ones begin with the time of arrival. 404 is an answer,
 * which quota did not refuse.
 */
export const NO_ITEM = '0000000000000001';

/** Successive batches in which the same item alone was refused, after which it is its own failure. */
const LONE_LIMIT = 3;
const ACCOUNTS_LIMIT = 10_000;

interface Suspect {
  item: string;
  /** Batches in a row in which it alone was refused while others passed. */
  times: number;
}

/** What became of one batch's parts. */
interface BatchRefusals {
  /** Parts that Google refused for quota. */
  refused: readonly string[];
  /** Parts that it answered. */
  passed: readonly string[];
}

export interface LoneRefusals {
  /** Whether the item was refused last: alone in a batch it says nothing, so it needs company. */
  isSuspect(accountId: string, item: string): boolean;
  /** Whether any item of the account was refused last. */
  hasSuspect(accountId: string): boolean;
  /** @returns whether the one that was refused is its own failure */
  note(accountId: string, batch: BatchRefusals): boolean;
  /** A whole batch was refused. */
  forget(accountId: string): void;
}

export function openLoneRefusals(): LoneRefusals {
  // Only accounts with a refused item are remembered.
  const suspects = new Map<string, Suspect>();
  return {
    hasSuspect: (accountId) => suspects.has(accountId),
    isSuspect: (accountId, item) => suspects.get(accountId)?.item === item,
    note: (accountId, batch) => {
      const before = suspects.get(accountId);
      const after = afterBatch(before, batch);
      suspects.delete(accountId);
      if (after) suspects.set(accountId, after);
      const oldest = suspects.keys().next();
      if (suspects.size > ACCOUNTS_LIMIT && !oldest.done) suspects.delete(oldest.value);
      return after !== undefined && after.times >= LONE_LIMIT && batch.refused.length === 1;
    },
    forget: (accountId) => void suspects.delete(accountId),
  };
}

function afterBatch(
  before: Suspect | undefined,
  { refused, passed }: BatchRefusals,
): Suspect | undefined {
  const [item, another] = refused;
  // Several at once are throttled; and who has passed is no suspect any more.
  if (another !== undefined) return undefined;
  if (item === undefined) return before && passed.includes(before.item) ? undefined : before;
  const times = before?.item === item ? before.times : 0;
  return { item, times: passed.length > 0 ? times + 1 : times };
}

/** By Google, not by our own quota. */
export function isThrottled({ detail }: GoogleError): boolean {
  return detail.kind === 'rate-limited' && detail.source === 'google';
}
