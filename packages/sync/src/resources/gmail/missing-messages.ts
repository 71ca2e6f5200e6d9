import type { FailedItem } from '@syncline/store';
import { CONFIRM_AFTER_MS } from '../../evidence/decide.js';
import { isRetry, outcomeOfMissing, type MissingOutcome } from '../../missing-items.js';
import type { StepContext } from '../../step.js';
import type { Answers } from './answers.js';
import type { FetchPlan, PendingItem } from './plan.js';
import { findsAnother, type WitnessDeps } from './witness.js';

/**
 * A message that history or a full sync's list has just named may not be readable yet. It is
 * requested once more after this time.
 */
const READ_AFTER_WRITE_MS = 2_000;

export type MissingMessageOutcome = MissingOutcome | { kind: 'soon'; delayMs: number };

/**
 * Decides about the page's messages that Google does not find.
 * @throws GoogleError when the grant is refused
 */
export async function outcomesOfMissing(
  context: StepContext,
  plan: FetchPlan,
  { missing, worked }: Answers,
  isFullSync: boolean,
): Promise<Map<string, MissingMessageOutcome>> {
  const items = plan.items.filter(({ id }) => missing.has(id));
  const outcomes = new Map<string, MissingMessageOutcome>(
    items.map(({ id }) => [id, { kind: 'soon', delayMs: READ_AFTER_WRITE_MS }]),
  );
  const known = await knownOf(context, items);
  const askedTwice = items.filter(({ id, attempts }) => attempts > 1 || isRetry(known.get(id)));
  if (askedTwice.length === 0) return outcomes;
  const ids = askedTwice.map(({ id }) => id);
  const isRetried = !isFullSync && ids.some((id) => isRetry(known.get(id)));
  const page = {
    isFullSync,
    missing: ids.length + (await otherMissing(context, ids)),
    isWitnessed: worked.message || (isRetried && (await findsAnother(witnessDeps(context), ids))),
    confirmAfterMs: context.policy.confirmAfterMs ?? CONFIRM_AFTER_MS,
  };
  const stored = isRetried ? await storedOf(context, ids) : new Set<string>();
  for (const id of ids)
    outcomes.set(id, outcomeOfMissing({ id, isStored: stored.has(id) }, known.get(id), page));
  return outcomes;
}

async function knownOf(
  { store, lease }: StepContext,
  items: readonly PendingItem[],
): Promise<ReadonlyMap<string, FailedItem>> {
  if (items.length === 0 || !lease.hasFailingItems) return new Map();
  return store.quarantine.failed(
    lease,
    items.map(({ id }) => id),
  );
}

async function otherMissing(
  { store, lease }: StepContext,
  except: readonly string[],
): Promise<number> {
  return lease.hasFailingItems ? store.quarantine.missingItems(lease, except) : 0;
}

async function storedOf(
  { store, lease }: StepContext,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  return (await store.mirror.knownMessages(lease.accountId, ids, [])).messages;
}

function witnessDeps({ store, google, lease }: StepContext): WitnessDeps {
  return { store, gmail: google.gmail, accountId: lease.accountId };
}
