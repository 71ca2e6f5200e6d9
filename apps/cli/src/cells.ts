/** The table cells of a collection or an account. */
import type { FullSync } from '@syncline/control/quota';
import { etaOf } from '@syncline/control/status';
import { amount, duration } from '@syncline/control/words';
import type { CollectionView } from '@syncline/store';
import { bar } from './terminal.js';

/** The maximum number of characters of a reason in a table. */
const REASON_LIMIT = 60;

/** Returns `███░░░░░░░ 120/400, 35 s left`; only a number outside of a full sync. */
export function progressOf(collection: CollectionView, nowMs: number): string {
  const { done, total } = collection.progress;
  if (collection.phase !== 'full') return done === 0 ? '' : amount(done);
  return fullSyncCell({ done, total, etaSeconds: etaOf(collection, nowMs) });
}

/** Returns the same for a full sync. */
export function fullSyncCell({
  done,
  total,
  etaSeconds,
}: Pick<FullSync, 'done' | 'total' | 'etaSeconds'>): string {
  const eta = etaSeconds === null ? '' : `, ${duration(etaSeconds * 1_000)} left`;
  return `${bar(done, total)} ${amount(done)}/${total === null ? '?' : amount(total)}${eta}`;
}

/**
 * Shortens a reason for a table's cell: Google's own can have hundreds of characters. `why` and
 * `--json` show all of it.
 */
export function shortReason(reason: string): string {
  const characters = Array.from(reason);
  return characters.length <= REASON_LIMIT
    ? reason
    : `${characters
        .slice(0, REASON_LIMIT - 1)
        .join('')
        .trimEnd()}…`;
}
