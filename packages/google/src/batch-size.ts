/**
 * How many parts of a batch a mailbox accepts. Google caps concurrent requests per mailbox, does
 * not document the cap, shares it with the customer's other apps, and executes the parts of a batch
 * in parallel. So the size is learned: it is halved when parts are refused for concurrency, and
 * grows by one after a run of batches without refusals. A refused probe returns to the size that
 * had worked and lengthens the wait for the next probe, because every refused part is paid for
 * twice.
 */
const MOST = 20;
const LEAST = 5;
const CLEAN_BEFORE_PROBE = 25;
const CLEAN_BEFORE_PROBE_LIMIT = 400;
const ACCOUNTS_LIMIT = 10_000;

interface Pace {
  size: number;
  /** The size that worked before the last probe. */
  proven: number;
  clean: number;
  cleanNeeded: number;
}

export interface BatchSizes {
  of(accountId: string): number;
  /** Google accepted every part of a batch of `parts`. */
  accepted(accountId: string, parts: number): void;
  /** Google refused a part for concurrency. */
  refused(accountId: string): void;
}

export function openBatchSizes(): BatchSizes {
  // Only mailboxes below the maximum are stored; most never are.
  const paces = new Map<string, Pace>();
  return {
    of: (accountId) => paces.get(accountId)?.size ?? MOST,
    accepted: (accountId, parts) => {
      const pace = paces.get(accountId);
      // A short last batch does not show that the mailbox accepts the full size.
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
