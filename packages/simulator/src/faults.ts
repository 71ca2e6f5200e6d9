/**
 * Trouble on order. Some faults hang over calls until their count is used up (refusals, 500, reset, latency …), some change
 * the world once (expired history, invalid sync tokens, a revoked grant). None of them is a violation of quota.
 */
import {
  answerOf,
  CALL_FAULTS,
  isDamage,
  isListingFault,
  isTokenFault,
  isWorldFault,
  REFUSAL_NAMES,
  WORLD_FAULTS,
  type CallFault,
  type WorldFault,
} from './fault-kinds.js';
import type { Grants, Refusal } from './grants.js';
import { damaged, type Damage } from './http/damage.js';
import type { Alteration } from './http/altered.js';
import { isEnding, suits, type Ending } from './http/endings.js';
import { quoting } from './http/quoting.js';
import type { Reply } from './http/reply.js';
import type { Ledger } from './ledger.js';
import type { ApiMethod } from './methods.js';
import type { Prng } from './prng.js';
import { unreachable } from './unreachable.js';
import type { World } from './world.js';

export type { CallFault, WorldFault };

export interface FaultOrder {
  kind: CallFault | WorldFault;
  /** Share of matching calls that it hits, 0..1. Default 1. */
  probability?: number;
  /** Ends after that many hits. Default: never. */
  count?: number;
  /** Only calls of this account. Default: everybody's. */
  email?: string;
  /** Only this method (`messages.get`, `events.list`, `batch`, `token`). Default: every API method, not `batch` and `token`; of `token-…` kinds, `token`. */
  method?: string;
  /** Only calls that name this id in their path: a poisoned message, one calendar. */
  id?: string;
  /**
   * Only answers that hold this item: of a message its own and those of its thread and its
   * attachments, of an event or a calendar list entry its own. `altered-answer`: only objects with
   * this `id`, wherever they stand in an answer; by default the answer itself.
   */
  item?: string;
  /** `altered-answer`: what is changed, as a merge patch; see http/altered.ts. */
  patch?: Record<string, unknown>;
  /** `pages-in-a-circle`: how many pages after the first one lead round. Default 3. */
  pages?: number;
  /** `latency`: the delay. `slow-body`: how long the body takes. `429-retry-after`: how far ahead the named time is. Default 1,000. */
  ms?: number;
  /** Only lists of this label's messages. */
  label?: string;
  /**
   * `omitting-listing`: the share of items that is left out, the same ones each time, 0..1. Default
   * 0.5.
   */
  share?: number;
  /** `revoke-grant`: the words of the invalid_grant. Default `expired-or-revoked`. */
  variant?: Refusal;
  /**
   * Of an answer in place of the real one: text that its message quotes, as Google's messages quote
   * parameters and addresses. At most 4,096 characters.
   */
  quote?: string;
}

/**
 * What a call meets: an answer in place of the real one, a cut connection, a delay, damage on the
 * way, a page that repeats, altered fields, a listing that lacks items.
 */
export interface Mishap {
  reply: Reply | null;
  reset: boolean;
  delayMs: number;
  damage: { kind: Damage; ms: number } | null;
  overlap: boolean;
  /** The refresh brings another refresh token. */
  rotate: boolean;
  alterations: Alteration[];
  /** What its listing's pages or its position come to. */
  endings: Ending[];
  /** Pages of a circle. */
  circle: number;
  /**
   * Share of a full listing's items that is left out; 1: it ends at once, as if there were none.
   */
  omitted: number;
}

/** What faults look at. `name` is the method's, or `batch` or `token`. */
export interface Target {
  name: string;
  email: string | null;
  method: ApiMethod | null;
  ids?: readonly string[];
  query?: URLSearchParams;
  /** Whether the answer is about this item, or about a thread with it. */
  holds?: (item: string) => boolean;
}

interface Standing {
  id: number;
  order: FaultOrder & { kind: CallFault };
  hits: number;
}

const STANDING_LIMIT = 1_000;
const DEFAULT_MS = 1_000;
const DEFAULT_CIRCLE = 3;
const DEFAULT_SHARE = 0.5;
const QUOTE_LIMIT = 4_096;

export class Faults {
  private standing: Standing[] = [];
  private nextId = 1;

  constructor(
    private readonly world: World,
    private readonly grants: Grants,
    private readonly ledger: Ledger,
    private readonly prng: Prng,
  ) {}

  /** Takes an order; faults of the world happen at once. Throws RangeError for one that makes no sense. */
  add(order: FaultOrder): { id: number } {
    const { kind } = order;
    if (order.variant !== undefined && !REFUSAL_NAMES.includes(order.variant))
      throw new RangeError(`unknown variant; the variants are ${REFUSAL_NAMES.join(', ')}`);
    if (isWorldFault(kind)) {
      this.befall(kind, order);
      return { id: this.nextId++ };
    }
    if (!CALL_FAULTS.includes(kind))
      throw new RangeError(
        `unknown fault; the kinds are ${[...CALL_FAULTS, ...WORLD_FAULTS].join(', ')}`,
      );
    const problem = problemOf(order);
    if (problem !== null) throw new RangeError(problem);
    if (this.standing.length >= STANDING_LIMIT) throw new RangeError('too many standing faults');
    const id = this.nextId++;
    this.standing.push({ id, order: { ...order, kind }, hits: 0 });
    return { id };
  }

  list(): { id: number; order: FaultOrder; hits: number }[] {
    return this.standing.map((one) => ({ ...one }));
  }
  clear(): void {
    this.standing = [];
  }
  /** Ends the one that `add` has numbered so. Throws RangeError for one that does not stand. */
  end(id: number): void {
    const left = this.standing.filter((one) => one.id !== id);
    if (left.length === this.standing.length) throw new RangeError('no such fault stands');
    this.standing = left;
  }
  /** True while a fault of that kind hangs over anybody. */
  stands(kind: CallFault): boolean {
    return this.standing.length > 0 && this.standing.some((one) => one.order.kind === kind);
  }

  /** What befalls this call; counts hits. */
  meet(target: Target, nowMs: number): Mishap {
    const mishap: Mishap = {
      reply: null,
      reset: false,
      delayMs: 0,
      damage: null,
      overlap: false,
      rotate: false,
      alterations: [],
      endings: [],
      circle: DEFAULT_CIRCLE,
      omitted: 0,
    };
    if (this.standing.length === 0) return mishap;
    for (const one of this.standing) {
      if ((mishap.reply !== null || mishap.reset) && one.order.kind !== 'latency') continue;
      if (!matches(one.order, target) || !this.prng.chance(one.order.probability ?? 1)) continue;
      one.hits += 1;
      if (one.order.count !== undefined && one.hits >= one.order.count)
        this.standing = this.standing.filter((other) => other !== one);
      this.ledger.faulted(one.order.kind, target.method);
      strike(mishap, one.order, target.method, nowMs);
    }
    return mishap;
  }

  private befall(kind: WorldFault, order: FaultOrder): void {
    this.ledger.faulted(kind, null);
    for (const account of this.world.all()) {
      if (order.email !== undefined && account.email !== order.email.toLowerCase()) continue;
      switch (kind) {
        case 'expire-history':
          account.mailbox.history.expire();
          break;
        case 'invalid-sync-token':
          account.shelf.expireSyncTokens();
          for (const entry of account.shelf.living()) entry.calendar.expireSyncTokens();
          break;
        case 'revoke-grant':
          this.revoke(account.key, order.variant ?? 'expired-or-revoked');
          break;
        default:
          unreachable(kind);
      }
    }
  }

  private revoke(email: string, refusal: Refusal): void {
    const grant = this.grants.ofAccount(email);
    if (grant !== null) this.grants.end(grant, 'revoked-by-user', refusal);
  }
}

/** What makes no sense in an order of a call's fault; null when nothing does not. */
function problemOf(order: FaultOrder): string | null {
  if (!isAbsentOr(isShare, order.probability)) return 'probability must lie between 0 and 1';
  if (!isAbsentOr(isShare, order.share)) return 'share must lie between 0 and 1';
  if (!isAbsentOr(isDuration, order.ms)) return 'ms must be a number of at least 0';
  if (order.kind === 'altered-answer' && !isPatch(order.patch))
    return 'altered-answer needs a patch, which is an object';
  if (!isAbsentOr(isPageCount, order.pages)) return 'pages must be a whole number of at least 1';
  if (!isAbsentOr(isQuote, order.quote))
    return `quote must be a text of at most ${QUOTE_LIMIT} characters`;
  return null;
}

function isAbsentOr<T>(isGood: (value: T) => boolean, value: T | undefined): boolean {
  return value === undefined || isGood(value);
}

function isShare(share: number): boolean {
  return share >= 0 && share <= 1;
}

function isDuration(ms: number): boolean {
  return ms >= 0 && Number.isFinite(ms);
}

function isPageCount(pages: number): boolean {
  return Number.isInteger(pages) && pages >= 1;
}

function isQuote(quote: unknown): boolean {
  return typeof quote === 'string' && quote.length <= QUOTE_LIMIT;
}

function isPatch(patch: unknown): boolean {
  return typeof patch === 'object' && patch !== null && !Array.isArray(patch);
}

/** The answer, or what takes its place, with the damage of a whole request. */
export function suffer(mishap: Mishap, answer: () => Reply): Reply {
  const reply = mishap.reply ?? answer();
  return mishap.damage === null ? reply : damaged(reply, mishap.damage.kind, mishap.damage.ms);
}

function strike(
  mishap: Mishap,
  order: FaultOrder & { kind: CallFault },
  method: ApiMethod | null,
  nowMs: number,
): void {
  const { kind } = order;
  const ms = order.ms ?? DEFAULT_MS;
  if (kind === 'latency') mishap.delayMs += ms;
  else if (kind === 'reset') mishap.reset = true;
  else if (kind === 'overlapping-pages') mishap.overlap = true;
  else if (kind === 'token-rotated') mishap.rotate = true;
  else if (kind === 'altered-answer') mishap.alterations.push(alterationOf(order));
  else if (isListingFault(kind)) mishap.omitted = omittedShare(order);
  else if (isEnding(kind)) {
    mishap.endings.push(kind);
    mishap.circle = order.pages ?? mishap.circle;
  } else if (isDamage(kind)) mishap.damage = { kind, ms };
  else mishap.reply = quoting(answerOf(kind, method, nowMs + ms), order.quote ?? '');
}

function alterationOf({ patch = {}, item }: FaultOrder): Alteration {
  return { patch, ...(item === undefined ? {} : { item }) };
}

function omittedShare({ kind, share }: FaultOrder): number {
  return kind === 'empty-listing' ? 1 : (share ?? DEFAULT_SHARE);
}

function matches(order: FaultOrder & { kind: CallFault }, target: Target): boolean {
  return (
    isOfAccount(order, target) &&
    isOfMethod(order, target) &&
    canHit(order.kind, target) &&
    isAbout(order, target)
  );
}

function isOfAccount({ email }: FaultOrder, target: Target): boolean {
  return email === undefined || email.toLowerCase() === target.email;
}

function isOfMethod(order: FaultOrder & { kind: CallFault }, target: Target): boolean {
  const asked = order.method ?? (isTokenFault(order.kind) ? 'token' : undefined);
  return asked === undefined ? target.method !== null : asked === target.name;
}

/** Whether a fault of this kind can happen to the call at all. */
function canHit(kind: CallFault, target: Target): boolean {
  if (isEnding(kind)) return target.method !== null && suits(kind, target.method);
  if (isListingFault(kind)) return isFullListing(kind, target);
  const onPage = kind === '400-page-token' || kind === 'overlapping-pages';
  return !onPage || (target.query?.get('pageToken') ?? '') !== '';
}

function isAbout(order: FaultOrder, { ids, query, holds }: Target): boolean {
  if (order.id !== undefined && ids?.includes(order.id) !== true) return false;
  if (order.label !== undefined && query?.getAll('labelIds').includes(order.label) !== true)
    return false;
  // An answer is altered wherever it has the item.
  if (order.item === undefined || order.kind === 'altered-answer') return true;
  return holds?.(order.item) === true;
}

const FULL_LISTINGS = ['messages.list', 'events.list', 'calendarList.list', 'labels.list'];

/**
 * An answer to a sync token names changes, and may well be empty. An empty listing begins and ends
 * with its first page.
 */
function isFullListing(kind: CallFault, { name, query }: Target): boolean {
  const has = (parameter: string): boolean => (query?.get(parameter) ?? '') !== '';
  return (
    FULL_LISTINGS.includes(name) &&
    !has('syncToken') &&
    (kind === 'omitting-listing' || !has('pageToken'))
  );
}
