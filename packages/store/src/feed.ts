import type { Runtime } from '@syncline/runtime';
import type pg from 'pg';
import { beginEpoch, checkFeed, type FeedState, type RememberedCounter } from './feed-epoch.js';

/** Where an account's feed is. */
export interface FeedPosition {
  epoch: number;
  /** The last number given out. */
  seq: bigint;
  /** The last number of the epochs before; 0 when there is none. */
  startSeq: bigint;
  /** The oldest number that is kept, or will be given out next: those before it are deleted. */
  oldestSeq: bigint;
}

/** The feed as a whole; an account's events are read by `Store.changes`. */
export interface Feed {
  position(accountId: string): Promise<FeedPosition>;
  /** Names this deployment in this database, `deployment:system:database`: what Redis keeps of it has this name. `system` is empty where the role may not ask. */
  name(): Promise<string>;
  /** Begins a new epoch of every account's feed, and returns it. */
  newEpoch(): Promise<number>;
  /**
   * Looks whether the database is an older state or another database than before, begins a new
   * epoch if so, and counts on.
   * @param remembered what is known of the counter outside of Postgres, read before this call
   */
  advance(remembered: RememberedCounter | null): Promise<FeedState>;
}

export function feedIn(pool: pg.Pool): Feed {
  return {
    position: (accountId) => positionOf(pool, accountId),
    name: () => onOneSession(pool, async (session) => (await checkFeed(session, null, false)).name),
    newEpoch: () => onOneSession(pool, beginEpoch),
    advance: (remembered) => onOneSession(pool, (session) => checkFeed(session, remembered, true)),
  };
}

/**
 * For `verify` of a pool: every session of this process looks at the database before it is used, since a server that comes back may have been restored; behind
 * a pooler, where sessions outlive servers, also whenever a transaction meets another server. What the process saw before is what it remembers.
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
 * A missing table means an older schema, which is reported elsewhere. Roles and servers that cannot
 * write leave the check to processes that can.
 */
const MAY_NOT_READ = ['42P01', '42501', '25006'];

export function noteEpoch(
  rt: Runtime,
  epoch: number,
  cause: NonNullable<FeedState['begun']>,
): void {
  rt.log.warn(
    { event: 'feed_epoch_begun', epoch, cause },
    'this database is a copy or an older state: the change feed has a new epoch, and its consumers list again',
  );
}

async function positionOf(pool: pg.Pool, accountId: string): Promise<FeedPosition> {
  const found = await pool.query<{ epoch: string; seq: string; start: string; oldest: string }>(
    'SELECT feed_epoch AS epoch, feed_seq AS seq, feed_epoch_start AS start, feed_oldest_seq AS oldest FROM syncline.accounts WHERE id = $1',
    [accountId],
  );
  const row = found.rows[0];
  if (!row) throw new Error(`no account ${accountId}`);
  return {
    epoch: Number(row.epoch),
    seq: BigInt(row.seq),
    startSeq: BigInt(row.start),
    oldestSeq: BigInt(row.oldest),
  };
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
