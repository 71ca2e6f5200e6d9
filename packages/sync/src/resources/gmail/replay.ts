import { storable, type PageCommit } from '@syncline/store';
import { phaseOf, type PendingCursor } from '../../cursor.js';
import type { GmailCursor, GmailIncremental } from './cursor.js';
import type { Step, StepContext } from '../../step.js';
import { labelRow } from './parse.js';
import { hasPosition } from './next-request.js';

/** Items that one commit puts on the list. */
const REPLAY_PAGE = 500;

/**
 * Puts messages that were requested again (a retry from quarantine, a repair) at the end of the
 * mailbox's list, in the commit that deletes the request; from there they are fetched like any
 * others. Only a mailbox that is caught up accepts them: its list is then empty, and the listing
 * that is opened for them does not move the sync position.
 *
 * @returns null when there is nothing to replay now
 */
export async function replayStep(
  context: StepContext,
  cursor: PendingCursor | GmailCursor,
): Promise<Step | null> {
  if (
    !context.lease.hasRefetch ||
    cursor.phase !== 'incremental' ||
    cursor.listing !== null ||
    cursor.fetched < cursor.listed ||
    awaitsHistory(cursor)
  )
    return null;
  const ids = await context.store.quarantine.refetchItems(context.lease, REPLAY_PAGE);
  if (ids.length < REPLAY_PAGE) context.lease.hasRefetch = false;
  if (ids.length === 0) return null;
  const labels = ids.filter(storable.isQuarantinedLabel);
  const messages = ids.filter((id) => !storable.isQuarantinedLabel(id));
  const next: GmailCursor =
    messages.length === 0
      ? cursor
      : {
          ...cursor,
          listing: { pageToken: null, until: cursor.after, origin: 'repair' },
          listed: messages.length,
          fetched: 0,
        };
  return {
    commit: {
      cursor: next,
      phase: phaseOf(next),
      generation: context.generation,
      delta: labels.length === 0 ? { kind: 'none' } : await catalogue(context),
      origin: 'repair',
      items: {
        taken: labels,
        fetchLater: messages.map((id, i) => ({
          id,
          ordinal: BigInt(i + 1),
          delayMs: 0,
          attempts: REPLAYED_ATTEMPTS,
        })),
        replayed: ids,
      },
    },
    next: () => next,
  };
}

/**
 * Whether no history was read since the full sync. It lists what was deleted during the full sync,
 * so those messages need not be requested again.
 */
function awaitsHistory(cursor: GmailIncremental): boolean {
  return hasPosition(cursor) && cursor.labelsReadAtMs === 0;
}

/**
 * Labels are read all at once; one that is refused again returns to quarantine in the same commit.
 */
async function catalogue({ google }: StepContext): Promise<PageCommit['delta']> {
  const labels = (await google.gmail.labels()).map(labelRow);
  return { kind: 'gmail', messages: [], labelChanges: [], deleted: [], labels };
}

/**
 * The messages were named long ago, so one that Google does not find is not merely too new to be
 * read.
 */
const REPLAYED_ATTEMPTS = 2;
