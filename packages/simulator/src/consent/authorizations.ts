/** Authorization requests that wait for a person's answer on a page. */
import { randomBytes } from 'node:crypto';
import type { SimClock } from '../clock.js';
import type { AuthorizationRequest } from './request.js';

export interface PendingAuthorization {
  readonly request: AuthorizationRequest;
  /** The chosen account; null before the choice. */
  readonly email: string | null;
}

const PENDING_TTL_MS = 3_600_000;
const PENDING_KEPT = 10_000;

export class Authorizations {
  private readonly pending = new Map<string, PendingAuthorization & { expiresAtMs: number }>();

  constructor(private readonly clock: SimClock) {}

  /** Returns the ticket, which the forms of the pages carry. */
  add(pending: PendingAuthorization): string {
    const ticket = randomBytes(16).toString('hex');
    this.put(ticket, pending);
    if (this.pending.size > PENDING_KEPT) {
      const oldest = this.pending.keys().next();
      if (oldest.done !== true) this.pending.delete(oldest.value);
    }
    return ticket;
  }

  put(ticket: string, pending: PendingAuthorization): void {
    this.pending.set(ticket, { ...pending, expiresAtMs: this.clock.nowMs() + PENDING_TTL_MS });
  }

  /** Returns null for a ticket that is unknown, used or expired. */
  get(ticket: string): PendingAuthorization | null {
    const known = this.pending.get(ticket);
    return known !== undefined && this.clock.nowMs() < known.expiresAtMs ? known : null;
  }

  end(ticket: string): void {
    this.pending.delete(ticket);
  }
}
