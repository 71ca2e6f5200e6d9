/** The change feeds of all accounts of a key, in one order. */
import { BATCH, followFeed, type FeedDeps, type Following } from './following.js';
import type { TenantChange, TenantChanges } from './generated/operations.js';

export interface FollowAllOptions extends Following {
  /**
   * The `position` of the last event that was applied. `0`, the default, is the beginning of the
   * current epoch, `latest` the present end.
   */
  after?: string;
}

interface Places {
  events: TenantChange[];
  /** The place after them. */
  next: string;
}

type Line = (TenantChange & { heartbeat?: never }) | { heartbeat: true; position: string };

export async function* followAll(
  deps: FeedDeps,
  { after = '0', ...options }: FollowAllOptions,
): AsyncGenerator<TenantChange, void, undefined> {
  let place = after === 'latest' ? await latest(deps, options) : after;
  const reader = {
    id: 'changes.all',
    inPath: [],
    position: () => ({ after: place }),
    ofLines: (lines: readonly unknown[]) => placesOf(lines as readonly Line[]),
    ofPage: (page: unknown) => {
      const { data, next } = page as TenantChanges;
      return { events: data, next };
    },
    take: (given: Places) => {
      place = given.next;
      return given;
    },
  } as const;
  for await (const { events } of followFeed(deps, reader, options)) yield* events;
}

/** A stream that is cut before its first line would otherwise begin at a later end. */
async function latest({ caller }: FeedDeps, { signal }: Following): Promise<string> {
  const input = { after: 'latest', limit: BATCH };
  const call = { inPath: [], input, ...(signal === undefined ? {} : { signal }) };
  return ((await caller.call('changes.all', call)) as TenantChanges).next;
}

function placesOf(lines: readonly Line[]): Places {
  const events = lines.filter((line): line is TenantChange => line.heartbeat !== true);
  return { events, next: lines.at(-1)!.position };
}
