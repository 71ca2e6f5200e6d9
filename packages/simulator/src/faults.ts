/**
 * Injected faults. Some apply to calls until their count is used up (refusals, 500, reset, latency
 * …); some change the world once (expired history, invalid sync tokens, a revoked grant). None of
 * them counts as a quota violation.
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
import { isFullSyncStart } from './people/routes.js';
import type { Account, World } from './world.js';

export type { CallFault, WorldFault };

export interface FaultOrder {
  kind: CallFault | WorldFault;
  /** Share of the matching calls that get the fault, 0..1. Default 1. */
  probability?: number;
  /** Ends the fault after this many calls. Default: never. */
  count?: number;
  /** Only calls of this account. Default: all accounts. */
  email?: string;
  /**
   * Only this method (`messages.get`, `events.list`, `batch`, `token`). Default: `token` for the
   * kinds `token-…`, otherwise every API method except `batch` and `token`. `invalid-sync-token`: only
   * the tokens of this list of People (`otherContacts.list`); default: all sync tokens.
   */
  method?: string;
  /** Only calls with this id in their path, such as one message or one calendar. */
  id?: string;
  /**
   * Only answers that contain this item: for a message its own and those of its thread and its
   * attachments, for an event or a calendar list entry its own. `altered-answer`: only objects with
   * this `id`, anywhere in an answer; by default the answer itself.
   */
  item?: string;
  /** `altered-answer`: the change, as a merge patch; see http/altered.ts. */
  patch?: Record<string, unknown>;
  /** `pages-in-a-cycle`: number of pages in the cycle after the first page. Default 3. */
  pages?: number;
  /**
   * `latency`: the delay. `slow-body`: the duration of the body. `429-retry-after`: how far ahead
   * the named time is. Default 1,000.
   */
  ms?: number;
  /** Only lists of this label's messages. */
  label?: string;
  /** Only calls for what changed since a sync token or a history id. */
  incremental?: boolean;
  /**
   * `omitting-listing`: the share of items that is left out, 0..1; always the same items. Default
   * 0.5.
   */
  share?: number;
  /** `revoke-grant`: the text of the invalid_grant. Default `expired-or-revoked`. */
  variant?: Refusal;
  /**
   * For an answer in place of the real one: text that its message quotes, as Google's messages
   * quote parameters and addresses. At most 4,096 characters.
   */
  quote?: string;
}

/**
 * The faults of one call: an answer in place of the real one, a cut connection, a delay, damage in
 * transit, a repeated page, altered fields, an incomplete listing.
 */
export interface InjectedFaults {
  reply: Reply | null;
  reset: boolean;
  delayMs: number;
  damage: { kind: Damage; ms: number } | null;
  overlap: boolean;
  /** Whether the refresh returns a new refresh token. */
  rotate: boolean;
  alterations: Alteration[];
  /** Changes to the pages of its listing or to its position. */
  endings: Ending[];
  /** Number of pages in a cycle. */
  cycle: number;
  /**
   * Share of a full listing's items that is left out. With 1 the listing ends at once without
   * items.
   */
  omitted: number;
}

/**
 * The properties of a call that faults are matched with. `name` is the method's, or `batch` or
 * `token`.
 */
export interface Target {
  name: string;
  email: string | null;
  method: ApiMethod | null;
  ids?: readonly string[];
  query?: URLSearchParams;
  /** Whether the answer contains this item, or a thread with it. */
  holds?: (item: string) => boolean;
}

interface ActiveFault {
  id: number;
  order: FaultOrder & { kind: CallFault };
  hits: number;
}

const ACTIVE_LIMIT = 1_000;
const DEFAULT_MS = 1_000;
const DEFAULT_CYCLE = 3;
const DEFAULT_SHARE = 0.5;
const QUOTE_LIMIT = 4_096;

export class Faults {
  private active: ActiveFault[] = [];
  private nextId = 1;

  constructor(
    private readonly world: World,
    private readonly grants: Grants,
    private readonly ledger: Ledger,
    private readonly prng: Prng,
  ) {}

  /**
   * Adds a fault; faults of the world take effect at once. Throws RangeError for an invalid order.
   */
  add(order: FaultOrder): { id: number } {
    const { kind } = order;
    if (order.variant !== undefined && !REFUSAL_NAMES.includes(order.variant))
      throw new RangeError(`unknown variant; the variants are ${REFUSAL_NAMES.join(', ')}`);
    if (isWorldFault(kind)) {
      this.applyWorldFault(kind, order);
      return { id: this.nextId++ };
    }
    if (!CALL_FAULTS.includes(kind))
      throw new RangeError(
        `unknown fault; the kinds are ${[...CALL_FAULTS, ...WORLD_FAULTS].join(', ')}`,
      );
    const problem = problemOf(order);
    if (problem !== null) throw new RangeError(problem);
    if (this.active.length >= ACTIVE_LIMIT) throw new RangeError('too many active faults');
    const id = this.nextId++;
    this.active.push({ id, order: { ...order, kind }, hits: 0 });
    return { id };
  }

  list(): { id: number; order: FaultOrder; hits: number }[] {
    return this.active.map((one) => ({ ...one }));
  }
  clear(): void {
    this.active = [];
  }
  /** Ends the fault with the id that `add` returned. Throws RangeError when there is none. */
  end(id: number): void {
    const left = this.active.filter((one) => one.id !== id);
    if (left.length === this.active.length) throw new RangeError('there is no such fault');
    this.active = left;
  }
  /** Whether a fault of that kind is active for any account. */
  isActive(kind: CallFault): boolean {
    return this.active.length > 0 && this.active.some((one) => one.order.kind === kind);
  }

  /** Returns the faults of this call and counts them. */
  draw(target: Target, nowMs: number): InjectedFaults {
    const injected: InjectedFaults = {
      reply: null,
      reset: false,
      delayMs: 0,
      damage: null,
      overlap: false,
      rotate: false,
      alterations: [],
      endings: [],
      cycle: DEFAULT_CYCLE,
      omitted: 0,
    };
    if (this.active.length === 0) return injected;
    for (const one of this.active) {
      if ((injected.reply !== null || injected.reset) && one.order.kind !== 'latency') continue;
      if (!matches(one.order, target) || !this.prng.chance(one.order.probability ?? 1)) continue;
      one.hits += 1;
      if (one.order.count !== undefined && one.hits >= one.order.count)
        this.active = this.active.filter((other) => other !== one);
      this.ledger.faulted(one.order.kind, target.method);
      addEffect(injected, one.order, target.method, nowMs);
    }
    return injected;
  }

  private applyWorldFault(kind: WorldFault, order: FaultOrder): void {
    this.ledger.faulted(kind, null);
    for (const account of this.world.all()) {
      if (order.email !== undefined && account.email !== order.email.toLowerCase()) continue;
      switch (kind) {
        case 'expire-history':
          account.mailbox.history.expire();
          break;
        case 'invalid-sync-token':
          expireSyncTokens(account, order.method);
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

function expireSyncTokens({ shelf, contacts }: Account, method: string | undefined): void {
  const lists = Object.entries(contacts.byMethod());
  for (const [name, list] of lists)
    if (method === undefined || method === name) list.expireSyncTokens();
  if (method !== undefined) return;
  shelf.expireSyncTokens();
  for (const entry of shelf.current()) entry.calendar.expireSyncTokens();
}

/** Returns what is invalid in the order of a call's fault; null when it is valid. */
function problemOf(order: FaultOrder): string | null {
  if (!isAbsentOr(isShare, order.probability)) return 'probability must be between 0 and 1';
  if (!isAbsentOr(isShare, order.share)) return 'share must be between 0 and 1';
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

/** Returns the answer, or its replacement, with the damage of a whole request. */
export function applyFaults(injected: InjectedFaults, answer: () => Reply): Reply {
  const reply = injected.reply ?? answer();
  return injected.damage === null
    ? reply
    : damaged(reply, injected.damage.kind, injected.damage.ms);
}

function addEffect(
  injected: InjectedFaults,
  order: FaultOrder & { kind: CallFault },
  method: ApiMethod | null,
  nowMs: number,
): void {
  const { kind } = order;
  const ms = order.ms ?? DEFAULT_MS;
  if (kind === 'latency') injected.delayMs += ms;
  else if (kind === 'reset') injected.reset = true;
  else if (kind === 'overlapping-pages') injected.overlap = true;
  else if (kind === 'token-rotated') injected.rotate = true;
  else if (kind === 'altered-answer') injected.alterations.push(alterationOf(order));
  else if (isListingFault(kind)) injected.omitted = omittedShare(order);
  else if (isEnding(kind)) {
    injected.endings.push(kind);
    injected.cycle = order.pages ?? injected.cycle;
  } else if (isDamage(kind)) injected.damage = { kind, ms };
  else injected.reply = quoting(answerOf(kind, method, nowMs + ms), order.quote ?? '');
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
    canAffect(order.kind, target) &&
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

/** Whether a fault of this kind applies to the call at all. */
function canAffect(kind: CallFault, target: Target): boolean {
  if (isEnding(kind)) return target.method !== null && suits(kind, target.method);
  if (isListingFault(kind)) return isFullListing(kind, target);
  if (kind === '429-full-sync') return isFullSyncStart(target.name, target.query);
  if (kind === '400-expired-sync-token') return isPeopleSync(target);
  const onPage = kind === '400-page-token' || kind === 'overlapping-pages';
  return !onPage || (target.query?.get('pageToken') ?? '') !== '';
}

function isPeopleSync({ method, query }: Target): boolean {
  return method?.api === 'people' && isIncremental(query);
}

function isAbout(order: FaultOrder, { ids, query, holds }: Target): boolean {
  if (order.id !== undefined && ids?.includes(order.id) !== true) return false;
  if (order.incremental === true && !isIncremental(query)) return false;
  if (order.label !== undefined && query?.getAll('labelIds').includes(order.label) !== true)
    return false;
  // An answer is altered wherever it contains the item.
  if (order.item === undefined || order.kind === 'altered-answer') return true;
  return holds?.(order.item) === true;
}

function isIncremental(query: URLSearchParams | undefined): boolean {
  return ['syncToken', 'startHistoryId'].some((name) => (query?.get(name) ?? '') !== '');
}

const FULL_LISTINGS = [
  'messages.list',
  'events.list',
  'calendarList.list',
  'labels.list',
  'people.connections.list',
  'otherContacts.list',
  'contactGroups.list',
];

/**
 * Whether the call is a full listing. An answer to a sync token lists changes and may be empty
 * anyway. An empty listing applies to the first page only.
 */
function isFullListing(kind: CallFault, { name, query }: Target): boolean {
  const has = (parameter: string): boolean => (query?.get(parameter) ?? '') !== '';
  return (
    FULL_LISTINGS.includes(name) &&
    !has('syncToken') &&
    (kind === 'omitting-listing' || !has('pageToken'))
  );
}
