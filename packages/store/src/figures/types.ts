/** The shapes of the figures of the fleet, as a row of `fleet_figures` holds them. */
import type { AccountState } from '../accounts.js';
import type { CollectionKind, Resource } from '../mirrors/resources.js';
import type { ProcessView } from '../processes.js';
import type { QuarantineCause } from '../quarantine-schedule.js';
import type { AccountReasonCode, CollectionReasonCode } from '../reason-codes.js';
import type { Phase } from '../lease.js';
import type { WatchCountKey } from '../watches.js';

/** Seconds of lateness above which late collections are counted. */
export const LATE_OVER_SECONDS = [10, 60, 300, 900, 3_600] as const;

/** A collection that is late by no more than this is fresh. */
export const FRESH_WITHIN_SECONDS = 60;

export type LateOver = Record<(typeof LATE_OVER_SECONDS)[number], number>;

/** A queue of due collections: the same names as the queues of jobs. */
export type DueQueueName = `${Resource}-${'full' | 'incremental'}`;

/**
 * The state of a collection in the figures. `parked` and `account-not-active` are neither fresh nor
 * late: they are named, so that nothing is hidden in them.
 */
export type CountedState = 'active' | 'parked' | 'account-not-active' | 'gone' | 'removing';

/** A number that is exact up to a limit; `isMore`: there are more than `count`. */
export interface Bounded {
  count: number;
  isMore: boolean;
}

export interface CollectionCount {
  kind: CollectionKind;
  phase: Phase;
  state: CountedState;
  count: number;
}

/** The late collections of a kind. */
export interface LateOfKind {
  /** How many are late by more than so many seconds. */
  over: LateOver;
  /** The lateness of the latest one; 0 when none is late. */
  oldestSeconds: number;
}

/**
 * Collections of active accounts that are synced incrementally and not parked. Full syncs are a
 * class of their own, with progress instead of lateness.
 */
export interface FreshnessOfKind {
  /** Late by 60 s or less. */
  fresh: number;
  late: number;
  /** Collection-minutes since the first roll-up; they only grow. */
  freshMinutes: number;
  lateMinutes: number;
}

/** What one roll-up found. */
export interface FleetFigures {
  /** When it was measured, by the clock of Postgres. */
  asOf: Date;
  /** When `collections`, `accounts`, `watches` and `quarantine` were counted: at most some minutes before. */
  countedAt: Date;
  freshness: Record<CollectionKind, FreshnessOfKind>;
  /** Exact up to 10,000 late collections; estimated from a sample beyond. */
  late: { isEstimate: boolean; byKind: Record<CollectionKind, LateOfKind> };
  /** Counted exactly in small fleets, and estimated from a sample in large ones. */
  collections: { isEstimate: boolean; total: number; counts: CollectionCount[] };
  accounts: {
    isEstimate: boolean;
    byState: Record<AccountState, number>;
    /** Accounts that are not active, by the code of the reason. */
    byReason: Record<AccountReasonCode, number>;
  };
  /** Due in Postgres and not handed out yet. */
  due: Record<DueQueueName, Bounded & { oldestSeconds: number }>;
  /** Collections of active accounts that something hinders, by its code. */
  hindered: Record<CollectionReasonCode, Bounded>;
  watches: { isEstimate: boolean; byKind: Record<CollectionKind, Record<WatchCountKey, number>> };
  quarantine: Record<QuarantineCause, Bounded>;
  processes: ProcessView[];
}

/** The steps of the history, and how long their rows are kept. */
export const FIGURE_STEPS = {
  minute: { seconds: 60, keptHours: 24 },
  '10min': { seconds: 600, keptHours: 30 * 24 },
  day: { seconds: 86_400, keptHours: 400 * 24 },
} as const;

export type FigureStep = keyof typeof FIGURE_STEPS;
