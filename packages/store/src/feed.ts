import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import {
  readChanges,
  readFeedPage,
  type ChangeEvent,
  type FeedPage,
  type FeedPosition,
} from './changes.js';
import { beginEpoch, checkFeed, type FeedState, type RememberedCounter } from './feed-epoch.js';
import { arrayLiteral } from './pool.js';

/** The last number of an account's feed, and its epoch. */
export type FeedEnd = Pick<FeedPosition, 'epoch' | 'seq'>;

/** A place in the feed of an account. */
export interface FeedPlace extends FeedEnd {
  accountId: string;
}

/** The change feed. */
export interface Feed {
  position(accountId: string): Promise<FeedPosition>;
  /**
   * Returns up to `limit` events of the account's current epoch after `afterSeq`, in order.
   * @throws FeedPruned when events after `afterSeq` are no longer kept
   */
  changes(accountId: string, afterSeq: bigint, limit: number): Promise<ChangeEvent[]>;
  /**
   * Returns up to `limit` events of the account's current epoch after `afterSeq`, in order, with
   * the feed's position in the same state of the database. Events that are no longer kept are
   * missing without an error: compare `oldestSeq`.
   * @returns null when there is no such account
   */
  page(accountId: string, afterSeq: bigint, limit: number): Promise<FeedPage | null>;
  /**
   * Returns the places, by their index, beyond which their feeds have moved. An account that does
   * not exist has moved. Only those are read into this process: of a thousand readers, most wait.
   */
  moved(places: readonly FeedPlace[]): Promise<Set<number>>;
  /**
   * Identifies this deployment in this database: `deployment:system:database`. The keys in Redis
   * contain it. `system` is empty when the role may not read it.
   */
  name(): Promise<string>;
  /** Begins a new epoch of every account's feed, and returns it. */
  newEpoch(): Promise<number>;
  /**
   * Checks whether the database is an older state or another database than before. If so, it begins
   * a new epoch. Increases the counter.
   * @param remembered the counter as recorded outside of Postgres, read before this call
   */
  advance(remembered: RememberedCounter | null): Promise<FeedState>;
  /**
   * Compares the counter with its copy outside of Postgres, as `advance` does. A lost copy is
   * ignored. Each process makes the check at its start, and schedulers repeat it.
   * @returns a function that repeats the check
   */
  watch(copies: CounterCopies): Promise<() => Promise<void>>;
}

/** The copies of the counters of feeds, by `Feed.name`. */
interface CounterCopies {
  read(name: string): Promise<bigint | null>;
  raise(name: string, value: bigint): Promise<void>;
}

export function feedIn(rt: Runtime, pool: pg.Pool): Feed {
  const name = (): Promise<string> =>
    onOneSession(pool, async (session) => (await checkFeed(session, null, false)).name);
  const advance = (remembered: RememberedCounter | null): Promise<FeedState> =>
    onOneSession(pool, (session) => checkFeed(session, remembered, true));
  return {
    position: (accountId) => positionOf(pool, accountId),
    changes: (accountId, afterSeq, limit) => readChanges(pool, accountId, afterSeq, limit),
    page: (accountId, afterSeq, limit) => readFeedPage(pool, accountId, afterSeq, limit),
    moved: (places) => movedOf(pool, places),
    name,
    newEpoch: () => onOneSession(pool, beginEpoch),
    advance,
    watch: (copies) => watch(rt, { name, advance }, copies),
  };
}

async function watch(
  rt: Runtime,
  feed: Pick<Feed, 'name' | 'advance'>,
  copies: CounterCopies,
): Promise<() => Promise<void>> {
  let name = await feed.name();
  const check = async (): Promise<void> => {
    // The copy is read first. It was written after the counter in Postgres, so the counter of an
    // intact Postgres cannot be lower.
    const copy = await copies.read(name);
    const state = await feed.advance(copy === null ? null : { name, counter: copy });
    if (state.begun) noteEpoch(rt, state.epoch, state.begun);
    await copies.raise(state.name, state.counter);
    name = state.name;
  };
  await check();
  return check;
}

/**
 * Returns a check for `verify` of a pool. Every session of this process checks the database before
 * it is used, because a server that was away may have been restored. Behind a pooler, where a
 * session may change its server, each change is followed by a check. The process compares with the
 * counter that it read last.
 */
export function sessionCheck(rt: Runtime): (session: pg.PoolClient) => Promise<void> {
  let remembered: RememberedCounter | null = null;
  return async (session) => {
    try {
      const { name, counter, epoch, begun } = await checkFeed(session, remembered, false);
      remembered = { name, counter };
      if (begun) noteEpoch(rt, epoch, begun);
    } catch (error) {
      if (!MAY_NOT_READ.includes(String((error as { code?: unknown }).code))) throw error;
    }
  };
}

/**
 * A missing table means an older schema, which is reported elsewhere. A role or server that cannot
 * write skips the check; other processes make it.
 */
const MAY_NOT_READ = ['42P01', '42501', '25006'];

function noteEpoch(rt: Runtime, epoch: number, cause: NonNullable<FeedState['begun']>): void {
  rt.log.warn(
    { event: 'feed_epoch_begun', epoch, cause },
    'this database is a copy or an older state: the change feed has a new epoch, and its consumers list again',
  );
}

async function positionOf(pool: pg.Pool, accountId: string): Promise<FeedPosition> {
  const found = await pool.query<{
    epoch: string;
    seq: string;
    startSeq: string;
    oldestSeq: string;
  }>(
    'SELECT feed_epoch AS epoch, feed_seq AS seq, feed_epoch_start AS "startSeq", feed_oldest_seq AS "oldestSeq" FROM syncline.accounts WHERE id = $1',
    [accountId],
  );
  const row = found.rows[0];
  if (!row) throw new Error(`no account ${accountId}`);
  return {
    epoch: Number(row.epoch),
    seq: BigInt(row.seq),
    startSeq: BigInt(row.startSeq),
    oldestSeq: BigInt(row.oldestSeq),
  };
}

async function movedOf(pool: pg.Pool, places: readonly FeedPlace[]): Promise<Set<number>> {
  const { rows } = await pool.query<{ n: number }>({
    name: 'feed-moved',
    text: `SELECT p.n::int AS n FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS p(id, epoch, seq, n)
             LEFT JOIN syncline.accounts a ON a.id = p.id
            WHERE a.id IS NULL OR a.feed_epoch <> p.epoch OR a.feed_seq > p.seq`,
    values: [
      arrayLiteral(places, ({ accountId }) => accountId),
      arrayLiteral(places, ({ epoch }) => epoch),
      arrayLiteral(places, ({ seq }) => seq),
    ],
  });
  return new Set(rows.map(({ n }) => n - 1));
}

async function onOneSession<T>(
  pool: pg.Pool,
  work: (session: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const session = await pool.connect();
  let broken: Error | undefined;
  try {
    return await work(session);
  } catch (error) {
    broken =
      error instanceof Error
        ? error
        : new Error('a thrown value that is no error', { cause: error });
    throw error;
  } finally {
    session.release(broken);
  }
}
