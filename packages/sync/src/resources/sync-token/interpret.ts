import { isStorableId, type WalkItem } from '@syncline/store';
import type { CaughtUp, Turn } from '../../turn.js';
import type { SyncTokenCursor } from './cursor.js';
import type { FollowCursor, ListPlan } from './plan.js';
import type { SourcePage } from './source.js';

/* What a page means for the cursor and the mirror. Pure. */

/** Tombstones of one listing that its later pages are held against: bounds the cursor. */
const GONE_KEPT = 1_000;

/** A page of a full listing. @param begunAtMs when the listing began, where that is known */
export function interpretListed(
  { cursor, generation, isRemedy }: ListPlan,
  page: SourcePage,
  { begunAtMs, nowMs }: { begunAtMs: number | undefined; nowMs: number },
): Turn {
  const beginsWalk = cursor.pageToken === null;
  const met: WalkItem[] = page.metIds.map((id, i) => ({
    id,
    ordinal: BigInt(cursor.listed + i + 1),
    wanted: false,
  }));
  const listed = cursor.listed + met.length;
  const nameless = (cursor.nameless ?? 0) + page.nameless;
  const sinceMs = begunAtMs ?? nowMs;
  const next: SyncTokenCursor = page.nextPageToken
    ? {
        ...cursor,
        pageToken: page.nextPageToken,
        listed,
        nameless,
        ...(begunAtMs === undefined ? {} : { begunAtMs }),
      }
    : {
        phase: 'backfill',
        step: 'sweep',
        bookmark: page.nextSyncToken,
        bookmarkAtMs: sinceMs,
        listing: { begunAtMs: sinceMs, ...(nameless === 0 ? {} : { nameless }) },
      };
  return {
    commit: {
      cursor: next,
      phase: 'backfill',
      generation,
      beginsWalk,
      isRemedy: beginsWalk && isRemedy,
      progress: { done: listed, total: page.nextPageToken ? null : listed },
      delta: page.delta,
      walk: { met, quarantined: page.quarantined },
    },
    next: () => next,
  };
}

/**
 * A page of an incremental listing.
 * @param isFresh the listing began in this run: one that began earlier cannot vouch for now
 */
export function interpretIncrement(
  cursor: FollowCursor,
  page: SourcePage,
  { generation, nowMs, isFresh }: { generation: number; nowMs: number; isFresh: boolean },
): Turn {
  const next = afterIncrement(cursor, page, nowMs);
  const level = page.nextPageToken === null && isFresh;
  return {
    commit: {
      cursor: next,
      phase: 'follow',
      generation,
      delta: page.delta,
      ...(page.quarantined.length > 0 ? { walk: { quarantined: page.quarantined } } : {}),
    },
    next: () => next,
    ...(level ? { rest: { kind: 'caught-up', ...positionKept(page) } } : {}),
  };
}

function afterIncrement(cursor: FollowCursor, page: SourcePage, nowMs: number): FollowCursor {
  const { gone = [], ...between } = cursor;
  if (page.nextPageToken === null)
    return page.nextSyncToken === null
      ? { ...between, pageToken: null }
      : { ...between, bookmark: page.nextSyncToken, bookmarkAtMs: nowMs, pageToken: null };
  const goneByNow = [...gone, ...page.gone.filter(isStorableId)].slice(-GONE_KEPT);
  return {
    ...between,
    pageToken: page.nextPageToken,
    ...(goneByNow.length > 0 ? { gone: goneByNow } : {}),
  };
}

/**
 * The bookmark that the listing began with stays good: what changed since comes again with the next
 * listing.
 */
function positionKept(page: SourcePage): Pick<CaughtUp, 'withoutPosition'> {
  return page.nextSyncToken === null
    ? {
        withoutPosition: {
          why: 'Google gave no new sync token; changes are read again from the last one',
        },
      }
    : {};
}
