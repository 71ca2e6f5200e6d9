import type { LabelRow } from '@syncline/store';
import { SAMPLE } from '../../evidence/decide.js';
import type { StepContext } from '../../step.js';
import { isRefusedAlone } from '../../account-refusal.js';
import { labelRow } from './interpret.js';

export interface Catalogue {
  labels: LabelRow[];
  /** Labels that were stored, and that Google does not have any more by their ids. */
  deleted: string[];
}

/**
 * The catalogue of labels as Google has it now. A stored label that the list does not name is asked
 * for by its id, one unit each: only one that Google does not have is left out. Of more than 20
 * such labels 20 are asked for, and all are left out or none.
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

/** An id that Google does not answer for says nothing: the label stays, and the sync goes on. */
async function isThere({ google }: StepContext, id: string): Promise<boolean> {
  try {
    return (await google.gmail.label(id)) !== null;
  } catch (error) {
    if (isRefusedAlone(error)) return true;
    throw error;
  }
}
