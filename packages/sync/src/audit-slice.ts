import type { GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Lease, Store } from '@syncline/store';
import type { MirrorPolicy } from './mirror-policy.js';

/** What one slice of an audit works with. */
export interface AuditContext {
  rt: Runtime;
  store: Store;
  account: GoogleAccount;
  lease: Lease;
  policy: MirrorPolicy;
  budget: AuditBudget;
}

/** How a slice ended: with the audit, or somewhere in it. */
export type AuditEnd =
  | { kind: 'whole'; checked: number; contents: number; drift: number }
  | { kind: 'unfinished'; why: 'budget spent' | 'Google has moved on' };

/** What a slice may still spend. Every request is taken from it before it is made. */
export class AuditBudget {
  constructor(
    private unitsLeft: number,
    private readonly hasTime: () => boolean,
  ) {}

  /** @returns false, and takes nothing, when it does not reach */
  take(units: number): boolean {
    if (!this.hasTime() || this.unitsLeft < units) return false;
    this.unitsLeft -= units;
    return true;
  }

  /** How many of `wanted` things of that price it takes. */
  takeSome(asked: number, unitsEach: number): number {
    const affordable = this.hasTime() ? Math.min(asked, Math.floor(this.unitsLeft / unitsEach)) : 0;
    this.unitsLeft -= affordable * unitsEach;
    return affordable;
  }
}

/** Counts drift and says so; the mending is the caller's, since it differs by kind. */
export function reportDrift({ rt, lease }: AuditContext, items: number): void {
  if (items === 0) return;
  rt.metrics.reconcileDrift.inc({ kind: lease.kind }, items);
  rt.log.warn(
    { event: 'drift', accountId: lease.accountId, collectionId: lease.collectionId, items },
    'an audit found rows that differ from Google; they are mended now',
  );
}
