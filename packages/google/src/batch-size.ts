/**
 * How many parts a mailbox takes at once. Google caps concurrent requests per mailbox, does not say at what, shares the cap
 * with the customer's other apps, and executes a batch's parts in parallel; so the size is learnt: halved when parts are
 * refused for concurrency, one more after a run of clean batches. A probe that is refused falls back to what had worked and
 * waits longer before the next one, since every refused part is paid twice.
 */
const MOST = 20;
const LEAST = 5;
const CLEAN_BEFORE_PROBE = 25;
const CLEAN_BEFORE_PROBE_LIMIT = 400;
const ACCOUNTS_LIMIT = 10_000;

interface Pace {
  size: number;
  /** The size that had worked before the last probe. */
  proven: number;
  clean: number;
  cleanNeeded: number;
}

export interface BatchSizes {
  of(accountId: string): number;
  /** Every part of a batch of `parts` was taken in. */
  accepted(accountId: string, parts: number): void;
  /** Some part was refused for concurrency. */
  refused(accountId: string): void;
}

export function openBatchSizes(): BatchSizes {
  // Only mailboxes below the maximum are remembered: most never are.
  const paces = new Map<string, Pace>();
  return {
    of: (accountId) => paces.get(accountId)?.size ?? MOST,
    accepted: (accountId, parts) => {
      const pace = paces.get(accountId);
      // A short last batch says nothing about what the mailbox would take.
      if (pace && parts >= pace.size) setOrDrop(paces, accountId, afterClean(pace));
    },
    refused: (accountId) => {
      paces.set(
        accountId,
        afterRefusal(
          paces.get(accountId) ?? {
            size: MOST,
            proven: MOST,
            clean: 0,
            cleanNeeded: CLEAN_BEFORE_PROBE,
          },
        ),
      );
      const oldest = paces.keys().next();
      if (paces.size > ACCOUNTS_LIMIT && !oldest.done) paces.delete(oldest.value);
    },
  };
}

function setOrDrop(paces: Map<string, Pace>, accountId: string, pace: Pace): void {
  if (pace.size < MOST || pace.clean < pace.cleanNeeded) paces.set(accountId, pace);
  else paces.delete(accountId);
}

function afterClean(pace: Pace): Pace {
  if (pace.clean + 1 < pace.cleanNeeded) return { ...pace, clean: pace.clean + 1 };
  if (pace.size === MOST) return { ...pace, clean: pace.cleanNeeded };
  return { ...pace, proven: pace.size, size: pace.size + 1, clean: 0 };
}

function afterRefusal(pace: Pace): Pace {
  const probing = pace.size > pace.proven;
  if (probing)
    return {
      ...pace,
      size: pace.proven,
      clean: 0,
      cleanNeeded: Math.min(pace.cleanNeeded * 2, CLEAN_BEFORE_PROBE_LIMIT),
    };
  const size = Math.max(LEAST, Math.floor(pace.size / 2));
  return { ...pace, size, proven: size, clean: 0 };
}
