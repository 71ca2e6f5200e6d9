/**
 * Google's quotas, enforced before a call is served and counted per part of a batch: units in a
 * sliding minute per user and per project (each OAuth client is one), and parts in flight per user.
 * The first page of a full sync of contacts has a quota of its own.
 * A refused call is not charged. After a user got "Retry after", every call before that time is
 * refused too and extends it, as measured by clients of the real service.
 */
import { quotaExceeded, retryAfter, tooManyConcurrent } from './http/errors.js';
import type { Reply } from './http/reply.js';
import { fullSyncQuotaExceeded } from './people/errors.js';
import type { Ledger, ViolationKind } from './ledger.js';
import { costOf, LIMITS, type ApiMethod } from './methods.js';
import type { QuotaOptions } from './options.js';
import type { Prng } from './prng.js';
import { SlidingWindow } from './sliding-window.js';

type Windows = Record<ApiMethod['api'], SlidingWindow>;

interface UserState extends Windows {
  /** By method. */
  fullSyncs: Map<string, SlidingWindow>;
  inFlight: number;
  penaltyUntilMs: number;
}

const PENALTY_STEP_MS = 1_000;
const PENALTY_LIMIT_MS = 120_000;

export class Quota {
  private readonly users = new Map<string, UserState>();
  private readonly projects = new Map<string, Windows>();

  constructor(
    private readonly options: Required<QuotaOptions>,
    private readonly ledger: Ledger,
    private readonly prng: Prng,
  ) {}

  /**
   * Counts a part in flight; returns the refusal when there are too many. `leave` must follow in
   * both cases.
   */
  enter(method: ApiMethod, email: string, nowMs: number): Reply | null {
    const user = this.user(email);
    user.inFlight += 1;
    this.ledger.concurrent(email, user.inFlight);
    if (!this.options.enforce || user.inFlight <= this.options.maxConcurrentPartsPerUser)
      return null;
    return this.refuse(method, email, 'concurrency', nowMs, tooManyConcurrent());
  }

  leave(email: string): void {
    this.user(email).inFlight -= 1;
  }

  /**
   * Charges the call, or returns the refusal.
   * @param startsFullSync whether the call has the quota of the first page of a full sync too
   */
  charge(
    method: ApiMethod,
    email: string,
    nowMs: number,
    client = '',
    startsFullSync = false,
  ): Reply | null {
    const user = this.user(email);
    const fullSyncs = startsFullSync ? fullSyncsOf(user, method.name) : null;
    const units = costOf(method, this.options.tier);
    const windows = { user: user[method.api], project: this.project(client)[method.api] };
    const limits = this.limits(method.api);
    if (this.options.enforce) {
      if (method.api === 'gmail' && nowMs < user.penaltyUntilMs)
        return this.prolong(method, email, user, nowMs);
      if (windows.user.sum(nowMs) + units > limits.user)
        return this.overUser(method, email, user, units, nowMs);
      if (windows.project.sum(nowMs) + units > limits.project) {
        return this.refuse(
          method,
          email,
          'project-quota',
          nowMs,
          quotaExceeded(method.api, 'project', limits.project),
        );
      }
      if (fullSyncs !== null && fullSyncs.sum(nowMs) >= this.fullSyncLimit())
        return this.refuse(method, email, 'full-sync-quota', nowMs, fullSyncQuotaExceeded());
    }
    fullSyncs?.charge(nowMs, 1);
    windows.user.charge(nowMs, units);
    windows.project.charge(nowMs, units);
    this.ledger.charged(method, email, units, {
      user: windows.user.sum(nowMs),
      project: windows.project.sum(nowMs),
    });
    return null;
  }

  /** Returns the scaled limits per minute. */
  limits(api: ApiMethod['api']): { user: number; project: number } {
    const { tier, scale } = this.options;
    return { user: LIMITS[api].user[tier] * scale, project: LIMITS[api].project[tier] * scale };
  }

  private fullSyncLimit(): number {
    return this.options.fullSyncsPerUserMinute * this.options.scale;
  }

  private overUser(
    method: ApiMethod,
    email: string,
    user: UserState,
    units: number,
    nowMs: number,
  ): Reply {
    const limit = this.limits(method.api).user;
    if (method.api !== 'gmail' || this.prng.chance(0.5))
      return this.refuse(
        method,
        email,
        'user-quota',
        nowMs,
        quotaExceeded(method.api, 'user', limit),
      );
    user.penaltyUntilMs =
      nowMs + Math.max(PENALTY_STEP_MS, user.gmail.roomInMs(nowMs, units, limit));
    return this.refuse(
      method,
      email,
      'user-quota',
      nowMs,
      retryAfter(user.penaltyUntilMs, this.prng.chance(0.5) ? 403 : 429),
    );
  }

  private prolong(method: ApiMethod, email: string, user: UserState, nowMs: number): Reply {
    user.penaltyUntilMs = Math.min(user.penaltyUntilMs + PENALTY_STEP_MS, nowMs + PENALTY_LIMIT_MS);
    return this.refuse(method, email, 'penalty', nowMs, retryAfter(user.penaltyUntilMs));
  }

  private refuse(
    method: ApiMethod,
    email: string,
    kind: ViolationKind,
    nowMs: number,
    reply: Reply,
  ): Reply {
    this.ledger.violated(method, email, kind, nowMs);
    return reply;
  }

  private project(client: string): Windows {
    let windows = this.projects.get(client);
    if (windows === undefined) this.projects.set(client, (windows = emptyWindows()));
    return windows;
  }

  private user(email: string): UserState {
    let state = this.users.get(email);
    if (state === undefined)
      this.users.set(
        email,
        (state = {
          ...emptyWindows(),
          fullSyncs: new Map<string, SlidingWindow>(),
          inFlight: 0,
          penaltyUntilMs: 0,
        }),
      );
    return state;
  }
}

function emptyWindows(): Windows {
  return {
    gmail: new SlidingWindow(),
    calendar: new SlidingWindow(),
    people: new SlidingWindow(),
  };
}

function fullSyncsOf({ fullSyncs }: UserState, method: string): SlidingWindow {
  let window = fullSyncs.get(method);
  if (window === undefined) fullSyncs.set(method, (window = new SlidingWindow()));
  return window;
}
