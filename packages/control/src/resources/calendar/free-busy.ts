/** When accounts are busy, from their mirrors (`@syncline/control/calendar/free-busy`). */
import { placeInstances, type Work } from '@syncline/recurrence';
import type { InstanceSources, NamedAccount, Reads } from '@syncline/store';
import { freshnessOf, type Freshness } from '../../reads.js';
import { SOURCES_LIMIT, WORK_STEPS } from './instance-page.js';
import type { TimeRange } from './instances.js';

interface Interval {
  startMs: number;
  endMs: number;
}

/** Why something is missing in the intervals of an account. */
interface Excluded {
  /** The name of the calendar as the request has it; null: the whole account. */
  calendarId: string | null;
  /**
   * `no-calendar`: the mirror of the account has none of this name. `too-much-work`: it has more
   * events, or a rule that takes more work, than one request may.
   */
  reason: 'no-account' | 'no-calendar' | 'too-much-work';
}

/** When an account is busy. The field names are public. */
export interface BusyAccount {
  accountId: string;
  busy: { start: Date; end: Date }[];
  /** Null where nothing was read. */
  freshness: Freshness | null;
  excluded: Excluded[];
}

interface Asked extends TimeRange {
  /** `primary` names the primary calendar. */
  calendars: readonly string[];
}

/** Single events of an account's calendar that one request expands. */
const INSTANCES_LIMIT = 10_000;

/**
 * Returns the intervals of each account in the order of the ids. Nothing is asked of Google.
 * @param accounts null: no account has the id
 */
export async function freeBusy(
  { store }: { store: { reads: Pick<Reads, 'instances'> } },
  accounts: ReadonlyMap<string, Pick<NamedAccount, 'id'> | null>,
  asked: Asked,
): Promise<BusyAccount[]> {
  const work: Work = { stepsLeft: WORK_STEPS };
  const all: BusyAccount[] = [];
  for (const [accountId, account] of accounts)
    all.push(
      account === null
        ? unknownAccount(accountId)
        : await busyOf({ store }, accountId, asked, work),
    );
  return all;
}

/** Returns the time in which anybody is busy. Pure. */
export function unionOf(accounts: readonly Pick<BusyAccount, 'busy'>[]): BusyAccount['busy'] {
  const intervals = accounts.flatMap(({ busy }) =>
    busy.map(({ start, end }) => ({ startMs: start.getTime(), endMs: end.getTime() })),
  );
  return merged(intervals);
}

async function busyOf(
  { store }: { store: { reads: Pick<Reads, 'instances'> } },
  accountId: string,
  { calendars, ...range }: Asked,
  work: Work,
): Promise<BusyAccount> {
  const asked = { ...range, names: calendars, limit: SOURCES_LIMIT };
  const read = await store.reads.instances(accountId, asked);
  if (read === null) return unknownAccount(accountId);
  const excluded: Excluded[] = read.unknown.map((calendarId) => ({
    calendarId,
    reason: 'no-calendar',
  }));
  if (read.isTooMuch) excluded.push({ calendarId: null, reason: 'too-much-work' });
  const intervals: Interval[] = [];
  for (const sources of read.calendars) {
    const { busy, isWhole } = busyIn(sources, range, work);
    for (const interval of busy) intervals.push(interval);
    if (!isWhole) excluded.push({ calendarId: sources.calendarId, reason: 'too-much-work' });
  }
  return { accountId, busy: merged(intervals), freshness: freshnessOf(read.frame), excluded };
}

function unknownAccount(accountId: string): BusyAccount {
  return {
    accountId,
    busy: [],
    freshness: null,
    excluded: [{ calendarId: null, reason: 'no-account' }],
  };
}

function busyIn(
  { timeZone, events }: InstanceSources,
  range: TimeRange,
  work: Work,
): { busy: Interval[]; isWhole: boolean } {
  const { items, hasMore, isCut } = placeInstances(events, {
    ...range,
    defaultZone: timeZone,
    limit: INSTANCES_LIMIT,
    work,
  });
  const busy = items
    .filter(({ event }) => isBusy(event))
    .map(({ startMs, endMs }) => ({
      startMs: Math.max(startMs, range.timeMinMs),
      endMs: Math.min(endMs, range.timeMaxMs),
    }));
  return { busy, isWhole: !hasMore && !isCut };
}

/**
 * Whether an event blocks the time of the calendar's owner: not when it is shown as available, is
 * cancelled, or the owner has declined it. Pure.
 */
export function isBusy(event: Readonly<Record<string, unknown>>): boolean {
  if (event['status'] === 'cancelled' || event['transparency'] === 'transparent') return false;
  const attendees: unknown[] = Array.isArray(event['attendees']) ? event['attendees'] : [];
  return !attendees.some((attendee) => {
    const { self, responseStatus } = Object(attendee) as Record<string, unknown>;
    return self === true && responseStatus === 'declined';
  });
}

/** Sorted, without overlaps and gaps of no length. Pure. */
function merged(intervals: readonly Interval[]): BusyAccount['busy'] {
  const found: Interval[] = [];
  for (const { startMs, endMs } of intervals.toSorted((a, b) => a.startMs - b.startMs)) {
    if (endMs <= startMs) continue;
    const last = found.at(-1);
    if (last !== undefined && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else found.push({ startMs, endMs });
  }
  return found.map(({ startMs, endMs }) => ({ start: new Date(startMs), end: new Date(endMs) }));
}
