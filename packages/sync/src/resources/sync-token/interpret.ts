import { storable } from '@syncline/store';
import { originOfFullSync } from '../../cursor.js';
import type { IdlePages } from '../../idle-pages.js';
import type { CaughtUp, Step } from '../../step.js';
import type { SyncTokenCursor } from './cursor.js';
import type { IncrementalCursor, ListPlan } from './plan.js';
import type { SourcePage } from './source.js';

/* The meaning of a page for the cursor and the mirror. Pure. */

/**
 * The maximum number of tombstones of one listing that are kept until its last page: bounds the
 * cursor. What waits for others waits longer than it needs to.
 */
const GONE_KEPT = 1_000;

/**
 * Interprets a page of a full listing.
 * @param begunAtMs when the listing began, where that is known
 */
export function interpretListed(
  { cursor, generation, isForced }: ListPlan,
  page: SourcePage,
  { begunAtMs, nowMs, idle }: { begunAtMs: number | undefined; nowMs: number; idle?: IdlePages },
): Step {
  const beginsFullSync = cursor.pageToken === null;
  const listedItems = page.listedIds.map((id, i) => ({
    id,
    ordinal: BigInt(cursor.listed + i + 1),
    pending: false,
  }));
  const listed = cursor.listed + listedItems.length;
  const nameless = (cursor.nameless ?? 0) + page.nameless;
  const sinceMs = begunAtMs ?? nowMs;
  const next: SyncTokenCursor = page.nextPageToken
    ? {
        ...cursor,
        pageToken: page.nextPageToken,
        listed,
        nameless,
        ...(idle === undefined ? {} : { idle }),
        ...(begunAtMs === undefined ? {} : { begunAtMs }),
      }
    : {
        phase: 'full',
        step: 'sweep',
        syncToken: page.nextSyncToken,
        syncTokenAtMs: sinceMs,
        listing: { begunAtMs: sinceMs, ...(nameless === 0 ? {} : { nameless }) },
        ...(cursor.isRepair ? { isRepair: true } : {}),
      };
  return {
    commit: {
      cursor: next,
      phase: 'full',
      generation,
      beginsFullSync,
      isForced: beginsFullSync && isForced,
      progress: { done: listed, total: page.nextPageToken ? null : listed },
      delta: page.delta,
      origin: originOfFullSync(cursor),
      items: { listed: listedItems, quarantined: page.quarantined },
    },
    next: () => next,
  };
}

/**
 * Interprets a page of an incremental listing.
 * @param isFresh the listing began in this run: one that began earlier does not show that the
 * collection is caught up now
 */
export function interpretIncrement(
  cursor: IncrementalCursor,
  page: SourcePage,
  { generation, nowMs, isFresh }: { generation: number; nowMs: number; isFresh: boolean },
): Step {
  const next = afterIncrement(cursor, page, nowMs);
  const level = page.nextPageToken === null && isFresh;
  return {
    commit: {
      cursor: next,
      phase: 'incremental',
      generation,
      delta: page.delta,
      origin: 'live',
      ...(page.quarantined.length > 0 ? { items: { quarantined: page.quarantined } } : {}),
    },
    next: () => next,
    ...(level ? { end: { kind: 'caught-up', ...positionKept(page) } } : {}),
  };
}

function afterIncrement(
  cursor: IncrementalCursor,
  page: SourcePage,
  nowMs: number,
): IncrementalCursor {
  const { gone = [], ...between } = cursor;
  if (page.nextPageToken === null)
    return page.nextSyncToken === null
      ? { ...between, pageToken: null }
      : { ...between, syncToken: page.nextSyncToken, syncTokenAtMs: nowMs, pageToken: null };
  const goneByNow = goneAfter(gone, page);
  return {
    ...between,
    pageToken: page.nextPageToken,
    ...(goneByNow.length > 0 ? { gone: goneByNow } : {}),
  };
}

/** What a page names again is not gone any more. */
function goneAfter(gone: readonly string[], page: SourcePage): string[] {
  const named = new Set(page.listedIds);
  const before = gone.filter((id) => !named.has(id));
  return [...new Set([...before, ...page.gone.filter(storable.isId)])].slice(-GONE_KEPT);
}

/**
 * The sync position from which the listing began stays valid: changes since then are listed again
 * by the next listing.
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
