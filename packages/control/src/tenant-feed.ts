import type { ChangeEvent, FeedLog, LogRange, LogState, RangeEvents } from '@syncline/store';
import type { FeedPage, FeedRefusal, FeedSource } from './feed-reader.js';
import type { FeedTail, LogPlace } from './feed-tail.js';

export { openFeedTail } from './feed-tail.js';

/*
 * The feeds of all accounts of a tenant in one order. The order of an account's events is exact;
 * between accounts it is that of arrival. Every event has a position, which is a number of its own
 * in the log; positions of other tenants' events are left out.
 */

/** An event with its account and its place in the log, whose epoch is not that of the account. */
export interface TenantEvent extends ChangeEvent {
  place: LogPlace;
  account: string;
  tenant: string;
}

/** A reader's place: an event, the beginning of the current epoch, or the end. */
export type TenantReader = LogPlace | 'beginning' | 'latest';

export interface TenantPage extends FeedPage<TenantEvent, TenantReader> {
  next: LogPlace;
}

interface Deps {
  store: { feedLog: FeedLog };
  tail: FeedTail;
}

/** @returns the feed of one tenant; null means every tenant */
export function tenantFeed(
  deps: Deps,
  tenant: string | null,
): FeedSource<TenantPage, TenantReader> {
  return {
    read: (from, limit) => readPage(deps, tenant, from, limit),
    moved: (from, o) =>
      typeof from === 'string'
        ? Promise.resolve({ isMoved: true, place: from })
        : deps.tail.moved(tenant, from, o),
  };
}

async function readPage(
  { store: { feedLog } }: Deps,
  tenant: string | null,
  reader: TenantReader,
  limit: number,
): Promise<TenantPage | FeedRefusal> {
  const after = typeof reader === 'string' ? 0n : reader.position;
  const { state, ranges } = await feedLog.ranges(tenant, after, reader === 'latest' ? 1 : limit);
  const end = { epoch: state.epoch, position: state.end };
  if (reader === 'latest') return { kind: 'page', events: [], next: end, isEnd: true };
  const kind = checkLogPlace(reader, state);
  if (kind !== 'applied') return { kind };
  const cut = cutRanges(ranges, after > state.start ? after : state.start, limit);
  const read = await feedLog.events(cut);
  if (read.some(({ isPruned }) => isPruned)) return { kind: 'pruned' };
  const isEnd = cut.length === ranges.length && ranges.length < limit && !isCutShort(cut, ranges);
  const last = cut.at(-1);
  const next = isEnd || last === undefined ? end : { ...end, position: last.position };
  return { kind: 'page', events: placed(state, cut, read), next, isEnd };
}

/** Whether a reader may continue from its place. Pure. */
export function checkLogPlace(
  reader: LogPlace | 'beginning',
  state: LogState,
): 'applied' | 'epoch-changed' | 'pruned' {
  const place = reader === 'beginning' ? { epoch: state.epoch, position: 0n } : reader;
  if (place.epoch !== state.epoch || place.position > state.end) return 'epoch-changed';
  const read = place.position > state.start ? place.position : state.start;
  return read + 1n < state.oldest ? 'pruned' : 'applied';
}

/**
 * Returns the parts of ranges that hold the first `limit` events after a position. Pure.
 * @param ranges in order, each with its last event after the position
 */
export function cutRanges(ranges: readonly LogRange[], after: bigint, limit: number): LogRange[] {
  const cut: LogRange[] = [];
  let left = BigInt(limit);
  for (const range of ranges) {
    if (left === 0n) break;
    const unread = range.position - after;
    const whole = range.toSeq - range.fromSeq + 1n;
    const fromSeq = unread < whole ? range.toSeq - unread + 1n : range.fromSeq;
    const count = range.toSeq - fromSeq + 1n;
    const tooMany = count > left ? count - left : 0n;
    cut.push({
      ...range,
      fromSeq,
      toSeq: range.toSeq - tooMany,
      position: range.position - tooMany,
    });
    left -= count - tooMany;
  }
  return cut;
}

function isCutShort(cut: readonly LogRange[], ranges: readonly LogRange[]): boolean {
  return cut.at(-1)?.position !== ranges.at(-1)?.position;
}

function placed(
  { epoch }: LogState,
  ranges: readonly LogRange[],
  read: readonly RangeEvents[],
): TenantEvent[] {
  return ranges.flatMap(({ position, tenant, account, toSeq }, at) =>
    (read[at]?.events ?? []).map((event) => ({
      ...event,
      place: { epoch, position: position - (toSeq - event.seq) },
      account,
      tenant,
    })),
  );
}

/** The text of a place, by which a reader goes on: `<epoch>.<position>`. */
export function placeText({ epoch, position }: LogPlace): string {
  return `${epoch}.${position}`;
}

/** @param text a place, `latest`, or `0` for the beginning of the current epoch */
export function parsePlace(text: string): TenantReader {
  if (text === 'latest') return text;
  const [epoch, position] = text.split('.');
  return position === undefined
    ? 'beginning'
    : { epoch: Number(epoch), position: BigInt(position) };
}
