/** Puts what one roll-up has measured together with the roll-up before. Pure. */
import type { AccountState } from '../accounts.js';
import { COLLECTION_KINDS, type CollectionKind } from '../mirrors/resources.js';
import type { ProcessView } from '../processes.js';
import type { Counts } from './count.js';
import { forKinds, type Late, type NotActive } from './late.js';
import {
  FRESH_WITHIN_SECONDS,
  LATE_OVER_SECONDS,
  type FleetFigures,
  type FreshnessOfKind,
  type LateOfKind,
} from './types.js';

/** What is read in every roll-up. */
export interface Measured {
  late: Late;
  due: FleetFigures['due'];
  hindered: FleetFigures['hindered'];
  notActive: NotActive;
  processes: ProcessView[];
}

/** What is counted more rarely. */
export interface Counted extends Counts {
  atMs: number;
}

/** A pass adds at most so many minutes: nobody knows how fresh the fleet was while none was made. */
const MINUTES_LIMIT = 5;

export function nextFigures(
  previous: FleetFigures | null,
  measured: Measured,
  counted: Counted,
): FleetFigures {
  const asOf = new Date(measured.late.atMs);
  const { collections, watches, quarantine } = counted;
  const late = lateOf(measured.late, counted);
  return {
    asOf,
    countedAt: new Date(counted.atMs),
    freshness: freshnessOf(previous, { late, collections, asOf }),
    late,
    collections,
    accounts: accountsOf(measured.notActive, counted.accounts),
    due: measured.due,
    hindered: measured.hindered,
    watches,
    quarantine,
    processes: measured.processes,
  };
}

/** Beyond the limit of exact reading the last count says how many are late, at least those read. */
function lateOf({ byKind, isMore }: Late, { lateByKind }: Counted): FleetFigures['late'] {
  if (!isMore) return { isEstimate: false, byKind };
  const estimated = COLLECTION_KINDS.map((kind): [CollectionKind, LateOfKind] => {
    const read = byKind[kind];
    const over = Object.fromEntries(
      LATE_OVER_SECONDS.map((seconds) => [
        seconds,
        Math.max(read.over[seconds], lateByKind[kind][seconds]),
      ]),
    ) as LateOfKind['over'];
    return [kind, { over, oldestSeconds: read.oldestSeconds }];
  });
  return {
    isEstimate: true,
    byKind: Object.fromEntries(estimated) as Record<CollectionKind, LateOfKind>,
  };
}

function freshnessOf(
  previous: FleetFigures | null,
  { late, collections, asOf }: Pick<FleetFigures, 'late' | 'collections' | 'asOf'>,
): FleetFigures['freshness'] {
  const minutes = previous === null ? 0 : minutesBetween(previous.asOf, asOf);
  const freshness = forKinds((): FreshnessOfKind => ({
    fresh: 0,
    late: 0,
    freshMinutes: 0,
    lateMinutes: 0,
  }));
  for (const kind of COLLECTION_KINDS) {
    const promised = collections.counts
      .filter((one) => one.kind === kind && one.state === 'active' && one.phase === 'incremental')
      .reduce((sum, { count }) => sum + count, 0);
    const tooLate = late.byKind[kind].over[FRESH_WITHIN_SECONDS];
    const fresh = Math.max(0, promised - tooLate);
    const before = previous?.freshness[kind];
    freshness[kind] = {
      fresh,
      late: tooLate,
      freshMinutes: (before?.freshMinutes ?? 0) + fresh * minutes,
      lateMinutes: (before?.lateMinutes ?? 0) + tooLate * minutes,
    };
  }
  return freshness;
}

function minutesBetween(from: Date, to: Date): number {
  return Math.min(MINUTES_LIMIT, Math.max(0, (to.getTime() - from.getTime()) / 60_000));
}

/** Accounts that are not active are read from their index; the rest of the last count is active. */
function accountsOf(
  notActive: NotActive,
  { isEstimate, total, byState }: Counts['accounts'],
): FleetFigures['accounts'] {
  const states = Object.entries(notActive.byState).map(
    ([state, { count, isMore }]): [AccountState, number] => [
      state as AccountState,
      isMore ? Math.max(count, byState[state as AccountState]) : count,
    ],
  );
  const others = states.reduce((sum, [, count]) => sum + count, 0);
  return {
    isEstimate,
    byState: {
      ...byState,
      ...Object.fromEntries(states),
      active: Math.max(0, total - others),
    },
    byReason: notActive.byReason,
  };
}
