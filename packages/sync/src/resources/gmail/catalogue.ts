import type { LabelRow } from '@syncline/store';
import { SAMPLE } from '../../evidence/decide.js';
import type { StepContext } from '../../step.js';
import { isRefusedAlone } from '../../account-refusal.js';
import { labelRow } from './parse.js';

export interface Catalogue {
  labels: LabelRow[];
  /** Stored labels that no longer exist in Google, as requests by their ids have shown. */
  deleted: string[];
}

/**
 * Reads Google's current catalogue of labels. A stored label that the list does not name is
 * requested by its id, one unit each; it is left out only if Google does not have it. Of more than
 * 20 such labels 20 are requested, and then either all are left out or none.
 */
export async function readCatalogue(context: StepContext): Promise<Catalogue> {
  const listed = (await context.google.gmail.labels()).map(labelRow);
  const named = new Set(listed.map(({ id }) => id));
  const stored = await context.store.items.labels(context.lease.accountId);
  const missing = stored.filter(({ id }) => !named.has(id));
  const alive: LabelRow[] = [];
  const deleted: string[] = [];
  for (const label of missing.slice(0, SAMPLE))
    if (await isThere(context, label.id)) alive.push(label);
    else deleted.push(label.id);
  if (alive.length === 0) return { labels: listed, deleted };
  const { accountId, collectionId } = context.lease;
  context.rt.log.warn(
    { event: 'listing_discarded', accountId, collectionId, missing: missing.length },
    'the list of labels lacks labels that Google still has; they stay',
  );
  const kept = missing.length > SAMPLE ? missing : alive;
  return { labels: [...listed, ...kept], deleted };
}

/**
 * Whether a label exists. An id without an answer counts as existing: the label stays, and the sync
 * continues.
 */
async function isThere({ google }: StepContext, id: string): Promise<boolean> {
  try {
    return (await google.gmail.label(id)) !== null;
  } catch (error) {
    if (isRefusedAlone(error)) return true;
    throw error;
  }
}
