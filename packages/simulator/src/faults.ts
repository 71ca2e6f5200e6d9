/**
 * Trouble on order. Some faults hang over calls until their count is used up (refusals, 500, reset, latency …), some change
 * the world once (expired history, invalid sync tokens, a revoked grant). None of them is a violation of quota.
 */
import { backendError, htmlUnavailable, retryAfter, tooManyConcurrent, quotaExceeded } from './http/errors.js';
import type { Reply } from './http/reply.js';
import type { Ledger } from './ledger.js';
import type { ApiMethod } from './methods.js';
import type { Prng } from './prng.js';
import { unreachable } from './unreachable.js';
import type { World } from './world.js';
import type { Grants } from './grants.js';

export const CALL_FAULTS = ['403-user-rate', '429-retry-after', '429-concurrent', '500', '503-html', 'reset', 'latency'] as const;
export const WORLD_FAULTS = ['expire-history', 'invalid-sync-token', 'revoke-grant'] as const;
export type CallFault = (typeof CALL_FAULTS)[number];
export type WorldFault = (typeof WORLD_FAULTS)[number];

export interface FaultOrder {
  kind: CallFault | WorldFault;
  /** Share of matching calls that it hits, 0..1. Default 1. */
  probability?: number;
  /** Ends after that many hits. Default: never. */
  count?: number;
  /** Only calls of this account. Default: everybody's. */
  email?: string;
  /** Only this method (`messages.get`, `events.list`, `batch`, `token`). Default: every API method, not `batch` and `token`. */
  method?: string;
  /** `latency`: the delay. `429-retry-after`: how far ahead the named time is. Default 1,000. */
  ms?: number;
}

/** What a call meets: an answer in place of the real one, a cut connection, a delay. */
export interface Mishap { reply: Reply | null; reset: boolean; delayMs: number }

interface Standing { id: number; order: FaultOrder & { kind: CallFault }; hits: number }

const STANDING_LIMIT = 1_000;

export class Faults {
  private standing: Standing[] = [];
  private nextId = 1;

  constructor(private readonly world: World, private readonly grants: Grants, private readonly ledger: Ledger, private readonly prng: Prng) {}

  /** Takes an order; faults of the world happen at once. Throws RangeError for one that makes no sense. */
  add(order: FaultOrder): { id: number } {
    const { kind } = order;
    if (isWorldFault(kind)) { this.befall(kind, order.email); return { id: this.nextId++ }; }
    if (!CALL_FAULTS.includes(kind)) throw new RangeError(`unknown fault; the kinds are ${[...CALL_FAULTS, ...WORLD_FAULTS].join(', ')}`);
    if (order.probability !== undefined && !(order.probability >= 0 && order.probability <= 1)) throw new RangeError('probability must lie between 0 and 1');
    if (this.standing.length >= STANDING_LIMIT) throw new RangeError('too many standing faults');
    const id = this.nextId++;
    this.standing.push({ id, order: { ...order, kind }, hits: 0 });
    return { id };
  }

  list(): { id: number; order: FaultOrder; hits: number }[] { return this.standing.map((one) => ({ ...one })); }
  clear(): void { this.standing = []; }

  /** What befalls this call; counts hits. `name` is the method's, or `batch` or `token`. */
  meet(name: string, email: string | null, nowMs: number, method: ApiMethod | null): Mishap {
    const mishap: Mishap = { reply: null, reset: false, delayMs: 0 };
    if (this.standing.length === 0) return mishap;
    for (const one of this.standing) {
      if ((mishap.reply !== null || mishap.reset) && one.order.kind !== 'latency') continue;
      if (!matches(one.order, name, email, method) || !this.prng.chance(one.order.probability ?? 1)) continue;
      one.hits += 1;
      if (one.order.count !== undefined && one.hits >= one.order.count) this.standing = this.standing.filter((other) => other !== one);
      this.ledger.faulted(one.order.kind, method);
      if (one.order.kind === 'latency') mishap.delayMs += one.order.ms ?? 1_000;
      else if (one.order.kind === 'reset') mishap.reset = true;
      else mishap.reply = replyOf(one.order.kind, method, nowMs + (one.order.ms ?? 1_000));
    }
    return mishap;
  }

  private befall(kind: WorldFault, email: string | undefined): void {
    this.ledger.faulted(kind, null);
    for (const account of this.world.all()) {
      if (email !== undefined && account.email !== email.toLowerCase()) continue;
      switch (kind) {
        case 'expire-history': account.mailbox.history.expire(); break;
        case 'invalid-sync-token':
          account.shelf.expireSyncTokens();
          for (const entry of account.shelf.living()) entry.calendar.expireSyncTokens();
          break;
        case 'revoke-grant': this.revoke(account.email); break;
        default: unreachable(kind);
      }
    }
  }

  private revoke(email: string): void {
    const grant = this.grants.ofAccount(email);
    if (grant !== null) grant.state = 'revoked-by-user';
  }
}

function isWorldFault(kind: CallFault | WorldFault): kind is WorldFault {
  return (WORLD_FAULTS as readonly string[]).includes(kind);
}

function matches(order: FaultOrder, name: string, email: string | null, method: ApiMethod | null): boolean {
  if (order.email !== undefined && order.email.toLowerCase() !== email) return false;
  return order.method === undefined ? method !== null : order.method === name;
}

function replyOf(kind: Exclude<CallFault, 'latency' | 'reset'>, method: ApiMethod | null, laterMs: number): Reply {
  switch (kind) {
    case '403-user-rate': return quotaExceeded(method?.api ?? 'gmail', 'user', method?.api === 'calendar' ? 600 : 6_000);
    case '429-retry-after': return retryAfter(laterMs);
    case '429-concurrent': return tooManyConcurrent();
    case '500': return backendError();
    case '503-html': return htmlUnavailable();
    default: return unreachable(kind);
  }
}
