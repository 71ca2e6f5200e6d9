/**
 * Records what clients did: usage, peaks, quota violations, and calls that a correct client would
 * not make.
 */
import type { ApiMethod } from './methods.js';

export type ViolationKind =
  'user-quota' | 'project-quota' | 'penalty' | 'concurrency' | 'full-sync-quota';
export interface Violation {
  atMs: number;
  method: string;
  email: string;
  kind: ViolationKind;
}

export interface MethodCount {
  calls: number;
  units: number;
  refused: number;
  faulted: number;
}

export interface UserCount {
  calls: number;
  units: number;
  /** Largest number of Gmail units in any sliding 60 s. */
  gmailPeakUnitsPerMinute: number;
  /** Largest number of Calendar requests in any sliding 60 s. */
  calendarPeakRequestsPerMinute: number;
  /** Largest number of People requests in any sliding 60 s. */
  peoplePeakRequestsPerMinute: number;
  peakConcurrentParts: number;
  violations: number;
  tokenRefreshes: number;
  /** Refreshes that began while another one of the same account was in flight. */
  overlappingRefreshes: number;
  callsAfterInvalidGrant: number;
  callsAfterRevoke: number;
}

/**
 * `throttled`: dropped by Gmail's limit of one notification a second. `refused`: an answer that is
 * not an acknowledgement. `expired`: not acknowledged in time.
 */
const NOTIFICATION_RESULTS = [
  'published',
  'throttled',
  'dropped',
  'duplicated',
  'reordered',
  'delivered',
  'refused',
  'expired',
] as const;
export type NotificationResult = (typeof NOTIFICATION_RESULTS)[number];
export type NotificationKind = 'pubsub' | 'channel';
export type NotificationCounts = Record<NotificationResult, number>;

export interface ProjectCount {
  gmailUnits: number;
  gmailPeakUnitsPerMinute: number;
  calendarRequests: number;
  calendarPeakRequestsPerMinute: number;
  peopleRequests: number;
  peoplePeakRequestsPerMinute: number;
}

export interface LedgerSnapshot {
  sinceMs: number;
  requests: number;
  batches: number;
  batchParts: number;
  methods: Record<string, MethodCount>;
  users: Record<string, UserCount>;
  project: ProjectCount;
  violations: { total: number; recent: Violation[] };
  /** Injected faults by kind; they are not violations. */
  faults: Record<string, number>;
  /** Pub/Sub messages and channel notifications, by their fate. */
  notifications: Record<NotificationKind, NotificationCounts>;
  callsAfterInvalidGrant: number;
  callsAfterRevoke: number;
  tokenRefreshes: number;
  overlappingRefreshes: number;
  /** Token requests that were refused because of their client. */
  clientRefusals: number;
}

const COUNTERS = {
  gmail: { spent: 'gmailUnits', peak: 'gmailPeakUnitsPerMinute' },
  calendar: { spent: 'calendarRequests', peak: 'calendarPeakRequestsPerMinute' },
  people: { spent: 'peopleRequests', peak: 'peoplePeakRequestsPerMinute' },
} as const;

const VIOLATIONS_KEPT = 1_000;

export class Ledger {
  requests = 0;
  batches = 0;
  batchParts = 0;
  clientRefusals = 0;
  private methods = new Map<string, MethodCount>();
  private users = new Map<string, UserCount>();
  private project: ProjectCount = {
    gmailUnits: 0,
    gmailPeakUnitsPerMinute: 0,
    calendarRequests: 0,
    calendarPeakRequestsPerMinute: 0,
    peopleRequests: 0,
    peoplePeakRequestsPerMinute: 0,
  };
  private violations: Violation[] = [];
  private violationCount = 0;
  private faults = new Map<string, number>();

  private notifications: Record<NotificationKind, NotificationCounts> = {
    pubsub: noCounts(),
    channel: noCounts(),
  };

  constructor(private sinceMs: number) {}

  /** Sets everything to zero; peaks are measured from now on. */
  reset(nowMs: number): void {
    Object.assign(this, new Ledger(nowMs));
  }

  charged(
    method: ApiMethod,
    email: string,
    units: number,
    sums: { user: number; project: number },
  ): void {
    const count = this.method(method);
    count.calls += 1;
    count.units += units;
    const user = this.user(email);
    user.calls += 1;
    user.units += units;
    const { spent, peak } = COUNTERS[method.api];
    this.project[spent] += units;
    user[peak] = Math.max(user[peak], sums.user);
    this.project[peak] = Math.max(this.project[peak], sums.project);
  }

  concurrent(email: string, parts: number): void {
    const user = this.user(email);
    user.peakConcurrentParts = Math.max(user.peakConcurrentParts, parts);
  }

  violated(method: ApiMethod, email: string, kind: ViolationKind, atMs: number): void {
    this.method(method).refused += 1;
    this.user(email).violations += 1;
    this.violationCount += 1;
    this.violations.push({ atMs, method: method.name, email, kind });
    if (this.violations.length > VIOLATIONS_KEPT) this.violations.shift();
  }

  faulted(kind: string, method: ApiMethod | null): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    if (method !== null) this.method(method).faulted += 1;
  }

  refreshed(email: string, overlapping: boolean): void {
    const user = this.user(email);
    user.tokenRefreshes += 1;
    if (overlapping) user.overlappingRefreshes += 1;
  }

  notified(kind: NotificationKind, fate: NotificationResult): void {
    this.notifications[kind][fate] += 1;
  }
  afterInvalidGrant(email: string): void {
    this.user(email).callsAfterInvalidGrant += 1;
  }
  afterRevoke(email: string): void {
    this.user(email).callsAfterRevoke += 1;
  }

  snapshot(): LedgerSnapshot {
    const users = [...this.users.values()];
    const sum = (field: keyof UserCount): number =>
      users.reduce((total, user) => total + user[field], 0);
    return {
      sinceMs: this.sinceMs,
      requests: this.requests,
      batches: this.batches,
      batchParts: this.batchParts,
      methods: Object.fromEntries([...this.methods].map(([name, count]) => [name, { ...count }])),
      users: Object.fromEntries([...this.users].map(([email, count]) => [email, { ...count }])),
      project: { ...this.project },
      violations: { total: this.violationCount, recent: [...this.violations] },
      faults: Object.fromEntries(this.faults),
      notifications: {
        pubsub: { ...this.notifications.pubsub },
        channel: { ...this.notifications.channel },
      },
      callsAfterInvalidGrant: sum('callsAfterInvalidGrant'),
      callsAfterRevoke: sum('callsAfterRevoke'),
      tokenRefreshes: sum('tokenRefreshes'),
      overlappingRefreshes: sum('overlappingRefreshes'),
      clientRefusals: this.clientRefusals,
    };
  }

  private method(method: ApiMethod): MethodCount {
    let count = this.methods.get(method.name);
    if (count === undefined)
      this.methods.set(method.name, (count = { calls: 0, units: 0, refused: 0, faulted: 0 }));
    return count;
  }

  private user(email: string): UserCount {
    let count = this.users.get(email);
    if (count === undefined) {
      count = {
        calls: 0,
        units: 0,
        gmailPeakUnitsPerMinute: 0,
        calendarPeakRequestsPerMinute: 0,
        peoplePeakRequestsPerMinute: 0,
        peakConcurrentParts: 0,
        violations: 0,
        tokenRefreshes: 0,
        overlappingRefreshes: 0,
        callsAfterInvalidGrant: 0,
        callsAfterRevoke: 0,
      };
      this.users.set(email, count);
    }
    return count;
  }
}

function noCounts(): NotificationCounts {
  return Object.fromEntries(NOTIFICATION_RESULTS.map((fate) => [fate, 0])) as NotificationCounts;
}
