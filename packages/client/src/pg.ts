/**
 * Applies the changes of an account exactly once, in transactions of the consumer's own Postgres
 * (`@syncline/client/pg`). Typed by its form: a pool of `pg`, or anything like it.
 */
import type { AccountFeed } from './feed.js';
import type { FeedBatch, FeedEvent } from './feed-position.js';
import { SynclineProblem } from './problem.js';

/** A connection that is in a transaction. */
export interface Transaction {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** A pool of connections. */
export interface ConnectionPool<Tx extends Transaction = Transaction> {
  connect(): Promise<Tx & { release(error?: Error | boolean): void }>;
}

/** The end of what a consumer has applied of an account. */
export interface Checkpoint {
  epoch: number;
  seq: number;
}

export interface ConsumeOptions<Tx extends Transaction = Transaction> {
  /** The name of what consumes; each has its own checkpoints. */
  consumer: string;
  /** `client.feed(account)`. */
  source: AccountFeed;
  /**
   * Applies events, in order, by `tx` alone: what it writes there is committed together with the
   * checkpoint, or not at all. At most 500 events at a time.
   */
  apply(tx: Tx, events: readonly FeedEvent[]): Promise<void>;
  /**
   * Replaces what the consumer has of the account by what a list gives, and returns the position of
   * the list's first page. Called without a checkpoint, and where the feed cannot be continued.
   * Without it a consumer begins at 0, and ends with the problem where it cannot continue.
   */
  restart?(tx: Tx, reason: RestartReason): Promise<Checkpoint>;
  /** Ends the consumption; a transaction that is under way is finished. */
  signal?: AbortSignal;
  /** Called before each new attempt after a failure of the connection to the API. */
  onReconnect?: (failure: { error: unknown; delayMs: number }) => void;
}

export type RestartReason = 'first' | 'epoch-changed' | 'feed-pruned';

/** Creates the table of the checkpoints, unless it exists. */
export async function createCheckpoints(pool: ConnectionPool): Promise<void> {
  await inTransaction(pool, async (tx) => {
    // Two that create a table at the same time would collide.
    await tx.query("SELECT pg_advisory_xact_lock(hashtext('syncline_checkpoints'))");
    await tx.query(CHECKPOINTS);
  });
}

const CHECKPOINTS = `CREATE TABLE IF NOT EXISTS syncline_checkpoints (
  consumer text NOT NULL, account_id uuid NOT NULL, epoch bigint NOT NULL, seq bigint NOT NULL,
  PRIMARY KEY (consumer, account_id))`;

/**
 * Applies the changes of an account until the signal is aborted. Any number of processes may
 * consume under one name: they wait for each other, and each event is applied once.
 * @throws what `apply` and Postgres throw, after the transaction was rolled back; SynclineProblem
 * where the feed cannot be continued
 */
export async function consume<Tx extends Transaction>(
  pool: ConnectionPool<Tx>,
  options: ConsumeOptions<Tx>,
): Promise<void> {
  const isOver = (): boolean => options.signal?.aborted ?? false;
  while (!isOver()) {
    const checkpoint = await checkpointOf(pool, options);
    if (checkpoint === null && options.restart !== undefined) {
      await restart(pool, options, { from: null, reason: 'first' });
      continue;
    }
    const from = checkpoint ?? BEGIN;
    try {
      await consumeFrom(pool, options, from);
    } catch (error) {
      const reason = reasonToRestart(error);
      if (reason === null || options.restart === undefined) throw error;
      await restart(pool, options, { from: checkpoint, reason });
    }
  }
}

/** The checkpoint of a consumer that has applied nothing: the beginning of any epoch. */
const BEGIN: Checkpoint = { epoch: 0, seq: 0 };

/** Returns when the signal is aborted, or another consumer has restarted. */
async function consumeFrom<Tx extends Transaction>(
  pool: ConnectionPool<Tx>,
  options: ConsumeOptions<Tx>,
  from: Checkpoint,
): Promise<void> {
  const { source, signal, onReconnect } = options;
  const batches = source.batches({
    ...positionOf(from),
    ...(signal === undefined ? {} : { signal }),
    ...(onReconnect === undefined ? {} : { onReconnect }),
  });
  let applied = from;
  for await (const batch of batches) {
    if (batch.seq <= applied.seq) continue;
    const reached = await applyBatch(pool, options, batch);
    if (reached === null || signal?.aborted) return;
    applied = reached;
  }
}

/**
 * Applies what of the feed is not applied up to the end of the batch.
 * @returns the checkpoint; null when the batch is of another epoch
 */
async function applyBatch<Tx extends Transaction>(
  pool: ConnectionPool<Tx>,
  options: ConsumeOptions<Tx>,
  batch: FeedBatch,
): Promise<Checkpoint | null> {
  for (;;) {
    const reached = await inTransaction(pool, async (tx) => {
      const checkpoint = await lockCheckpoint(tx, options);
      const step = nextStep(checkpoint, batch);
      if (step.kind === 'other-epoch') return null;
      if (step.kind === 'known') return checkpoint;
      const { epoch } = batch;
      const events =
        step.kind === 'apply' ? step.events : (await missing(options, checkpoint)).events;
      const last = events.at(-1);
      if (last === undefined) return { epoch, seq: batch.seq };
      await options.apply(tx, events);
      await moveCheckpoint(tx, options, { epoch, seq: last.seq });
      return { epoch, seq: last.seq };
    });
    if (reached === null || reached.seq >= batch.seq) return reached;
  }
}

type Step =
  /** All of it was applied before. */
  | { kind: 'known' }
  | { kind: 'apply'; events: readonly FeedEvent[] }
  /** Events before it are not applied yet. */
  | { kind: 'missing' }
  | { kind: 'other-epoch' };

/** What to do with a batch. Pure. */
export function nextStep({ epoch, seq }: Checkpoint, batch: FeedBatch): Step {
  if (epoch !== BEGIN.epoch && epoch !== batch.epoch) return { kind: 'other-epoch' };
  if (batch.seq <= seq) return { kind: 'known' };
  const events = batch.events.filter((event) => event.seq > seq);
  return events[0]?.seq === seq + 1 ? { kind: 'apply', events } : { kind: 'missing' };
}

/** Reads the events after a checkpoint that was behind a batch: it was set back, or restored. */
async function missing<Tx extends Transaction>(
  { source, signal }: ConsumeOptions<Tx>,
  checkpoint: Checkpoint,
): Promise<FeedBatch> {
  return source.page({
    ...positionOf(checkpoint),
    ...(signal === undefined ? {} : { signal }),
  });
}

function positionOf({ epoch, seq }: Checkpoint): { after: number; epoch?: number } {
  return epoch === BEGIN.epoch ? { after: 0 } : { after: seq, epoch };
}

async function restart<Tx extends Transaction>(
  pool: ConnectionPool<Tx>,
  options: ConsumeOptions<Tx>,
  { from, reason }: { from: Checkpoint | null; reason: RestartReason },
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    const present = await lockCheckpoint(tx, options);
    // Another consumer has restarted meanwhile.
    if (present.epoch !== (from ?? BEGIN).epoch || present.seq !== (from ?? BEGIN).seq) return;
    const position = await options.restart?.(tx, reason);
    if (position !== undefined) await moveCheckpoint(tx, options, position);
  });
}

function reasonToRestart(error: unknown): RestartReason | null {
  if (!(error instanceof SynclineProblem)) return null;
  if (error.type === 'urn:syncline:problem:epoch-changed') return 'epoch-changed';
  return error.type === 'urn:syncline:problem:feed-pruned' ? 'feed-pruned' : null;
}

type Named = Pick<ConsumeOptions<never>, 'consumer' | 'source'>;

/** @returns null where nothing has been applied */
async function checkpointOf(pool: ConnectionPool, named: Named): Promise<Checkpoint | null> {
  const connection = await pool.connect();
  try {
    const { rows } = await connection.query(
      'SELECT epoch, seq FROM syncline_checkpoints WHERE consumer = $1 AND account_id = $2',
      keyOf(named),
    );
    const found = rows.length === 0 ? BEGIN : checkpointIn(rows);
    return found.epoch === BEGIN.epoch ? null : found;
  } finally {
    connection.release();
  }
}

async function lockCheckpoint(tx: Transaction, named: Named): Promise<Checkpoint> {
  await tx.query(
    'INSERT INTO syncline_checkpoints (consumer, account_id, epoch, seq) VALUES ($1, $2, 0, 0) ON CONFLICT DO NOTHING',
    keyOf(named),
  );
  const { rows } = await tx.query(
    'SELECT epoch, seq FROM syncline_checkpoints WHERE consumer = $1 AND account_id = $2 FOR UPDATE',
    keyOf(named),
  );
  return checkpointIn(rows);
}

async function moveCheckpoint(tx: Transaction, named: Named, to: Checkpoint): Promise<void> {
  await tx.query(
    'UPDATE syncline_checkpoints SET epoch = $3, seq = $4 WHERE consumer = $1 AND account_id = $2',
    [...keyOf(named), to.epoch, to.seq],
  );
}

function keyOf({ consumer, source }: Named): [string, string] {
  return [consumer, source.account];
}

/** Postgres gives a bigint as a text. */
function checkpointIn(rows: readonly unknown[]): Checkpoint {
  const { epoch, seq } = rows[0] as { epoch: unknown; seq: unknown };
  return { epoch: Number(epoch), seq: Number(seq) };
}

async function inTransaction<Tx extends Transaction, T>(
  pool: ConnectionPool<Tx>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect();
  let failure: Error | undefined;
  try {
    await connection.query('BEGIN');
    const result = await work(connection);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    await connection.query('ROLLBACK').catch((lost: Error) => (failure = lost));
    throw error;
  } finally {
    // A connection that could not roll back is closed.
    connection.release(failure);
  }
}
