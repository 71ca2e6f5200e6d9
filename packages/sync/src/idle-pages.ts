import { GoogleError } from '@syncline/google';
import type { StepContext } from './step.js';

/*
 * The end of a full listing whose pages bring nothing new. Pages of known items under new page
 * tokens look like the pages of any long listing; only the list of the full sync knows better. It
 * is asked once in a thousand pages.
 */

/** Of a full listing under way. */
export interface IdlePages {
  /** Pages since the list was last asked. */
  pages: number;
  /** Items listed when it was. */
  sinceListed: number;
}

/** Of so many pages in a row at least one must name an item that none before it has named. */
const MOST_IDLE_PAGES = 1_000;

/**
 * The count after one more page that has a successor.
 * @param method Google's name of the listing; @param listed items that the pages before it named
 * @throws GoogleError, `endless-listing` when the pages have brought nothing new for long
 */
export async function countIdlePage(
  { store, lease, generation }: StepContext,
  method: string,
  { idle = { pages: 0, sinceListed: 0 }, listed }: { idle?: IdlePages; listed: number },
): Promise<IdlePages> {
  const pages = idle.pages + 1;
  if (pages < MOST_IDLE_PAGES) return { ...idle, pages };
  if (!(await store.items.hasListedAfter(lease, generation, idle.sinceListed)))
    throw new GoogleError(method, { kind: 'endless-listing', reason: 'nothing-new' });
  return { pages: 0, sinceListed: listed };
}
