import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { commitPage, type Committed, type PageCommit } from './commit-page.js';
import { LeaseLost, type Lease } from './lease.js';
import type { RowChange } from './rows.js';

/** Calls `commitPage` and counts its rows, refusals and fenced writes. */
export async function countedCommit(
  rt: Runtime,
  pool: pg.Pool,
  lease: Lease,
  ttlMs: number,
  commit: PageCommit,
): Promise<Committed> {
  try {
    const { changes, quarantined, refused, ...committed } = await commitPage(
      pool,
      lease,
      ttlMs,
      commit,
    );
    countChanges(rt, changes);
    if (quarantined.length > 0)
      rt.metrics.quarantined.inc({ entity: lease.kind }, quarantined.length);
    if (refused.length > 0)
      rt.log.warn(
        {
          event: 'rows_refused',
          collectionId: lease.collectionId,
          rows: refused.length,
          reasons: [...new Set(refused.map(({ reason }) => reason))],
        },
        'Postgres refused rows of a page; they were quarantined and all others were stored',
      );
    return committed;
  } catch (error) {
    if (error instanceof LeaseLost) rt.metrics.fencedWrites.inc();
    throw error;
  }
}

/** One increment per kind of change, because each increment hashes a label set. */
function countChanges({ metrics }: Runtime, changes: readonly RowChange[]): void {
  const counts = new Map<string, { labels: Pick<RowChange, 'entity' | 'op'>; count: number }>();
  for (const { entity, op } of changes) {
    const kind = counts.get(`${entity} ${op}`) ?? { labels: { entity, op }, count: 0 };
    kind.count += 1;
    counts.set(`${entity} ${op}`, kind);
  }
  for (const { labels, count } of counts.values()) {
    metrics.changesEmitted.inc({ entity: labels.entity, op: labels.op }, count);
    if (labels.entity === 'message' && labels.op === 'created') metrics.messagesStored.inc(count);
  }
}
