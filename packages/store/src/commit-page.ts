import type pg from 'pg';
import { noteHeld, type HeldSweep } from './absence.js';
import { appendChanges } from './changes.js';
import { writeIsolated } from './isolate-page.js';
import { LeaseLost, type Lease, type MailWindow, type Phase } from './lease.js';
import { mirrorOf, type Delta } from './mirrors/index.js';
import type { Origin, RowChange } from './rows.js';
import { isRowRefusal } from './row-refusal.js';
import { withoutUnstorable } from './storable-page.js';
import { clampCount } from './storable.js';
import { applyItems, type SetAside, type ItemsDelta } from './full-sync-items.js';
import { inTransaction, type Transaction } from './transaction.js';

/**
 * Commits one page of a Google response: rows, change events and the advanced cursor in one
 * transaction, under the epoch of the lease. Either all of it is written or nothing.
 *
 * Every commit takes its locks in the same order, so that two commits cannot deadlock: the
 * collection's row (the fence), the mirror's rows sorted by key, the account's row. The account's
 * row comes last and stays locked until the commit. This makes the feed's seq gapless and puts it
 * in commit order, so that a reader of events after seq n never misses a row that is committed
 * later.
 *
 * Rejected: checking the lease first and writing afterwards (a worker stopped in between would
 * write under a lost lease); an outbox beside the rows (the change table already is the log).
 */
export interface PageCommit {
  /** The next cursor, in the format of packages/sync. */
  cursor: unknown;
  phase: Phase;
  generation: number;
  progress?: { done: number; total: number | null };
  /** Set by the commit that begins a full sync. It ends the request for a full sync. */
  beginsFullSync?: boolean;
  /**
   * The full sync begins because Google rejected a sync position or a page token. It counts against
   * the daily limit of such full syncs.
   */
  isForced?: boolean;
  delta: Delta;
  /** What the page is a part of; default `live`. */
  origin?: Origin;
  items?: ItemsDelta;
  /**
   * Whether the run takes items one by one and this page has one of them. Such a commit does not
   * wait for the write throttle: while it waited, the item would count as in flight, and a kill of
   * the worker would be attributed to it.
   */
  crashIsolation?: boolean;
  /** The mirrored time range of the mailbox, when this page changes it. */
  window?: MailWindow;
  /** A sweep that waits for evidence from now on; null ends the wait. */
  held?: HeldSweep | null;
}

export interface Committed {
  created: number;
  updated: number;
  deleted: number;
  /**
   * Number of full sync items that a sweep or a clearing has processed. Fewer than the limit means
   * that it is done.
   */
  swept: number;
  cleared: number;
}

/** The effects of a commit, for metrics and logs. */
export interface Written extends Committed {
  changes: readonly RowChange[];
  /** Items of the page that were quarantined. */
  quarantined: readonly SetAside[];
  /** The quarantined items that Postgres refused. */
  refused: readonly SetAside[];
}

/**
 * Quarantines items whose ids cannot be stored, and rows that Postgres refuses because of their own
 * values. The rest of the page is stored.
 * @throws LeaseLost when another worker has taken over the collection; nothing was written in that
 * case
 * @throws PageRefused when more rows are refused than `refusalsAllowed` permits; nothing was
 * written in that case either
 */
export async function commitPage(
  pool: pg.Pool,
  lease: Lease,
  ttlMs: number,
  commit: PageCommit,
): Promise<Written> {
  const page = withoutUnstorable(commit);
  const quarantined = page.items?.quarantined ?? [];
  try {
    return { ...(await writePage(pool, lease, ttlMs, page)), quarantined, refused: [] };
  } catch (error) {
    if (!isRowRefusal(error)) throw error;
    const { refused, ...written } = await isolatePage(pool, lease, ttlMs, page);
    return { ...written, quarantined: [...quarantined, ...refused], refused };
  }
}

type Done = Committed & { changes: readonly RowChange[] };

async function writePage(
  pool: pg.Pool,
  lease: Lease,
  ttlMs: number,
  commit: PageCommit,
): Promise<Done> {
  return inTransaction(pool, async (session) => {
    // The statements run in the order in which they are sent. A lost lease is reported first, even
    // when other statements fail too.
    const fenced = fence(session, lease, ttlMs, commit);
    if (commit.window) moveWindow(session, lease, commit.window);
    if (commit.held !== undefined) noteHeld(session, lease, commit.held);
    const writing = Promise.all([
      applyDelta(session, lease, commit.delta),
      commit.items ? applyItems(session, lease, commit.generation, commit.items) : NO_ITEMS,
    ]);
    writing.catch(() => undefined);
    await fenced;
    const [changes, applied] = await writing;
    const all = applied.changes.length > 0 ? changes.concat(applied.changes) : changes;
    if (all.length > 0) appendChanges(session, lease, all, commit.origin ?? 'live');
    return { ...countOps(all), swept: applied.swept, cleared: applied.cleared, changes: all };
  });
}

/**
 * Writes the whole page again after Postgres refused one of its rows. A refused cursor fails again
 * here, because it belongs to no row.
 */
async function isolatePage(
  pool: pg.Pool,
  lease: Lease,
  ttlMs: number,
  commit: PageCommit,
): Promise<Done & { refused: SetAside[] }> {
  return inTransaction(pool, async (session) => {
    await fence(session, lease, ttlMs, commit);
    if (commit.window) moveWindow(session, lease, commit.window);
    if (commit.held !== undefined) noteHeld(session, lease, commit.held);
    const { changes, ...written } = await writeIsolated(session, lease, commit);
    if (changes.length > 0) appendChanges(session, lease, changes, commit.origin ?? 'live');
    return { ...countOps(changes), ...written, changes };
  });
}

const NO_ITEMS = { changes: [], swept: 0, cleared: 0 };

/**
 * The first statement of the transaction. It locks the collection's row until the commit, so that
 * no claim can happen in between.
 */
async function fence(
  session: Transaction,
  lease: Lease,
  ttlMs: number,
  commit: PageCommit,
): Promise<void> {
  const fenced = await session.query({
    name: 'commit-fence',
    text: `UPDATE syncline.collections
              SET cursor = $3::jsonb, phase = $4, generation = $5, lease_until = now() + $6 * interval '1 ms', failures = 0, error = NULL, parked = NULL, reason_code = NULL,
                  promised_at = CASE WHEN $4 = 'incremental' THEN coalesce(promised_at, now()) END,
                  progress_done = coalesce($7, progress_done), progress_total = CASE WHEN $7 IS NULL THEN progress_total ELSE $8 END,
                  full_sync_started_at = CASE WHEN $9 THEN now() ELSE full_sync_started_at END,
                  full_syncs_today = CASE WHEN $10 AND (full_syncs_since IS NULL OR full_syncs_since < now() - interval '24 hours') THEN 1 WHEN $10 THEN full_syncs_today + 1 ELSE full_syncs_today END,
                  full_syncs_since = CASE WHEN $10 AND (full_syncs_since IS NULL OR full_syncs_since < now() - interval '24 hours') THEN now() ELSE full_syncs_since END,
                  full_sync_requested = full_sync_requested AND NOT ($9 AND coalesce(requested_at, run_started_at) <= run_started_at),
                  repair_requested = repair_requested AND NOT ($9 AND coalesce(requested_at, run_started_at) <= run_started_at)
            WHERE id = $1 AND lease_epoch = $2`,
    values: [
      lease.collectionId,
      String(lease.epoch),
      JSON.stringify(commit.cursor),
      commit.phase,
      commit.generation,
      ttlMs,
      commit.progress ? clampCount(commit.progress.done) : null,
      commit.progress?.total == null ? null : clampCount(commit.progress.total),
      commit.beginsFullSync ?? false,
      commit.isForced ?? false,
    ],
  });
  if (fenced.rowCount !== 1) throw new LeaseLost(lease);
}

function moveWindow(session: Transaction, lease: Lease, { fromMs, goalMs }: MailWindow): void {
  session.send({
    text: `UPDATE syncline.collections SET window_from = CASE WHEN $2::bigint > 0 THEN 'epoch'::timestamptz + $2 * interval '1 ms' END, window_goal = 'epoch'::timestamptz + $3::bigint * interval '1 ms' WHERE id = $1`,
    values: [lease.collectionId, Math.round(fromMs), goalMs === null ? null : Math.round(goalMs)],
  });
}

async function applyDelta(session: Transaction, lease: Lease, delta: Delta): Promise<RowChange[]> {
  return delta.kind === 'none' ? [] : mirrorOf(delta.kind).apply(session, lease, delta);
}

function countOps(changes: readonly RowChange[]): {
  created: number;
  updated: number;
  deleted: number;
} {
  const counts = { created: 0, updated: 0, deleted: 0 };
  for (const change of changes) counts[change.op]++;
  return counts;
}
