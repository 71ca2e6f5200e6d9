/**
 * Deletes what is kept for a time only: old events of the change feed, of which a suffix stays for
 * each account, and rows of the engine's own tables. Of several schedulers the one that has the
 * lease does it.
 */
import { type Runtime, runLoop } from '@syncline/runtime';
import type { Store } from '@syncline/store';

/** Accounts that one round looks at. */
const ACCOUNTS_LIMIT = 500;
/** Rows that one statement deletes: it holds an account's row, for which commits wait, for milliseconds. */
const BATCH = 1_000;
/** Statements that delete, in one round. What is left comes in the next rounds. */
const BATCHES_LIMIT = 200;
/** Between two rounds of a pass, and between two passes over all accounts. */
const NEXT_ROUND_MS = 1_000;
const NEXT_PASS_MS = 3_600_000;
const FIRST_PASS_AFTER_MS = 60_000;
const BACKOFF = { firstMs: 10_000, capMs: 600_000 };
const ROUND_LIMIT_MS = 120_000;

export interface RetentionDeps {
  store: Pick<Store, 'alone' | 'retention'>;
  /** How long events of the change feed are kept; null: for ever. */
  changesKeptMs: number | null;
}

/** Prunes until `rt.signal` is aborted. */
export async function runRetention(rt: Runtime, deps: RetentionDeps): Promise<void> {
  let pass = BEGINNING;
  await runLoop(rt, {
    name: 'retention',
    need: 'degraded',
    roundLimitMs: ROUND_LIMIT_MS,
    backoff: BACKOFF,
    firstAfterMs: FIRST_PASS_AFTER_MS,
    failed: {
      event: 'retention_failed',
      text: 'old rows cannot be deleted; trying again',
    },
    round: async () => {
      const round = await deps.store.alone('retention', () => pruneRound(rt, deps, pass.after));
      const isOver = round.kind === 'held' || round.result.isOver;
      pass = isOver ? BEGINNING : round.result;
      return isOver ? NEXT_PASS_MS : NEXT_ROUND_MS;
    },
  });
}

/** How far a pass over all accounts has come. */
interface Pass {
  /** The last account that is done with; null before the first. */
  after: string | null;
  isOver: boolean;
}

const BEGINNING: Pass = { after: null, isOver: false };

/** One round: the accounts after `after`, as many as the limits allow. */
export async function pruneRound(
  rt: Runtime,
  { store: { retention }, changesKeptMs }: RetentionDeps,
  after: string | null,
): Promise<Pass> {
  const batches = batchesOf(rt);
  if (after === null) {
    for (const table of retention.tables.fleet)
      await batches.run(table, () => retention.pruneFleet(table, BATCH));
    await retention.truncateEmptyLists();
    for (const table of retention.tables.log)
      await batches.run(table, () => retention.pruneLog(table, { changesKeptMs, limit: BATCH }));
  }
  const accounts = await retention.accounts({ after, limit: ACCOUNTS_LIMIT, changesKeptMs });
  const ids = accounts.map(({ id }) => id);
  for (const table of ids.length > 0 ? retention.tables.accounts : [])
    await batches.run(table, () => retention.pruneAccounts(table, ids, BATCH));
  let done = after;
  for (const { id, hasOldChanges } of accounts) {
    if (hasOldChanges && changesKeptMs !== null)
      await batches.run('changes', () =>
        retention.pruneChanges(id, { keptMs: changesKeptMs, limit: BATCH }),
      );
    if (batches.isSpent()) return { after: done, isOver: false };
    done = id;
  }
  return { after: done, isOver: accounts.length < ACCOUNTS_LIMIT };
}

interface Batches {
  /** Deletes until nothing is left or the round's batches are spent. */
  run(table: string, prune: () => Promise<number>): Promise<void>;
  isSpent(): boolean;
}

function batchesOf(rt: Runtime): Batches {
  let left = BATCHES_LIMIT;
  const isSpent = (): boolean => left <= 0 || rt.signal.aborted;
  return {
    isSpent,
    run: async (table, prune) => {
      for (let rows = BATCH; rows >= BATCH && !isSpent(); left -= 1) {
        rows = await prune();
        rt.metrics.rowsPruned.inc({ table }, rows);
      }
    },
  };
}
