/** The change feed of an account. */
import { BATCH, followFeed, type FeedDeps, type Following } from './following.js';
import type { Change, Changes } from './generated/operations.js';
import { advance, type FeedBatch, type FeedEvent, type Reached } from './feed-position.js';

export interface FollowOptions extends Following {
  /** The last number that was applied; 0 is the beginning of the current epoch. */
  after?: number;
  /** The epoch of `after`, which needs it beyond 0. */
  epoch?: number;
}

export interface PageOptions {
  after: number;
  epoch?: number;
  /** At most 1,000. */
  limit?: number;
  signal?: AbortSignal;
}

/** The change feed of one account. */
export interface AccountFeed {
  /** The id of the account. */
  readonly account: string;
  /** Reads a page of events that are there. */
  page(options: PageOptions): Promise<FeedBatch>;
  /** Events as they come, several at a time; a batch without any says where the feed is. */
  batches(options?: FollowOptions): AsyncGenerator<FeedBatch, void, undefined>;
}

export function accountFeed(deps: FeedDeps, account: string): AccountFeed {
  return {
    account,
    page: async ({ after, epoch, limit = BATCH, signal }) => {
      const input = { after, ...(epoch === undefined ? {} : { epoch }), limit };
      const call = { inPath: [account], input, ...(signal === undefined ? {} : { signal }) };
      return batchOf((await deps.caller.call('changes.list', call)) as Changes);
    },
    batches: ({ after = 0, epoch, ...options } = {}) => {
      let reached: Reached = { seq: after, epoch: epoch ?? null };
      const reader = {
        id: 'changes.list',
        inPath: [account],
        position: () => positionOf(reached),
        ofLines: (lines: readonly unknown[]) => linesBatch(lines as readonly Line[]),
        ofPage: (page: unknown) => batchOf(page as Changes),
        take: (given: FeedBatch) => {
          const { reached: next, batch } = advance(reached, given);
          reached = next;
          return batch;
        },
      } as const;
      return followFeed(deps, reader, options);
    },
  };
}

function batchOf({ data, epoch, next }: Changes): FeedBatch {
  return { epoch, seq: next, events: data.map((change) => ({ ...change, epoch })) };
}

type Line = (Change & { epoch: number; heartbeat?: never }) | Heartbeat;

interface Heartbeat {
  heartbeat: true;
  epoch: number;
  seq: number;
}

function linesBatch(lines: readonly Line[]): FeedBatch {
  const events = lines.filter((line): line is FeedEvent => line.heartbeat !== true);
  const { epoch, seq } = lines.at(-1)!;
  return { epoch, seq, events };
}

function positionOf({ seq, epoch }: Reached): { after: number; epoch?: number } {
  return epoch === null ? { after: seq } : { after: seq, epoch };
}
