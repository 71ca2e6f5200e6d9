import { GoogleError, type GoogleAccount } from '@syncline/google';
import { MAX_RESTARTS, type StepContext } from '../../step.js';
import { listingUnder, searchFor, termsOf, type Slice } from './mirror-policy.js';
import { floorMs } from './window.js';

export type ListedPage = Awaited<ReturnType<GoogleAccount['gmail']['listMessages']>>;

/**
 * Returns the next page of the list of what is mirrored, or of all that has one label. Null when
 * Google no longer accepts the page token and the list may be begun again. A label's list excludes
 * nothing: a message that moved away since it was listed would otherwise appear to have no labels.
 */
export async function listPage(
  context: StepContext,
  q: { pageToken: string | null; label?: string; restarts?: number; slice?: Slice },
): Promise<ListedPage | null> {
  const slice = q.slice ?? { fromMs: floorMs(context.window) };
  const query =
    q.label === undefined
      ? listingUnder(context.mirror, slice)
      : { labelId: q.label, ...searchFor(termsOf(slice)) };
  return context.google.gmail
    .listMessages({ pageToken: q.pageToken, ...query })
    .catch((error: unknown) => {
      if (isRejected(error) && q.pageToken !== null && (q.restarts ?? 0) < MAX_RESTARTS)
        return null;
      throw error;
    });
}

function isRejected(error: unknown): boolean {
  return error instanceof GoogleError && error.detail.kind === 'rejected';
}

/**
 * Whether Google refuses a list with 400, as it does for a label that does not exist. A method that
 * does not exist would give the same error.
 */
export function isNoSuchList(error: unknown): boolean {
  return isRejected(error) || (error instanceof GoogleError && error.detail.kind === 'not-found');
}
