import type { GoogleAccount } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Lease, Store } from '@syncline/store';
import type { MirrorPolicy } from './mirror-policy.js';

export interface AuditContext {
  rt: Runtime;
  store: Store;
  account: GoogleAccount;
  lease: Lease;
  policy: MirrorPolicy;
  budget: AuditBudget;
}

/** How a slice ended: the audit is complete, or there is more to do. */
export type AuditEnd =
  | { kind: 'whole'; checked: number; contents: number; drift: number }
  | { kind: 'unfinished'; why: 'budget spent' | 'changed meanwhile' };

/**
 * The units and the time that a slice may still spend. The price of a request is taken before it is
 * made.
 */
export class AuditBudget {
  constructor(
    private unitsLeft: number,
    private readonly hasTime: () => boolean,
  ) {}

  /** @returns false, and takes nothing, when the remaining units do not suffice */
  take(units: number): boolean {
    if (!this.hasTime() || this.unitsLeft < units) return false;
    this.unitsLeft -= units;
    return true;
  }

  /** @returns how many of `asked` items of that price the budget covers; their units are taken */
  takeSome(asked: number, unitsEach: number): number {
    const affordable = this.hasTime() ? Math.min(asked, Math.floor(this.unitsLeft / unitsEach)) : 0;
    this.unitsLeft -= affordable * unitsEach;
    return affordable;
  }
}

/** Counts and logs drift. The caller repairs it, because the repair differs by kind. */
export function reportDrift({ rt, lease }: AuditContext, items: number): void {
  if (items === 0) return;
  rt.metrics.reconcileDrift.inc({ kind: lease.kind }, items);
  rt.log.warn(
    { event: 'drift', accountId: lease.accountId, collectionId: lease.collectionId, items },
    'an audit found rows that differ from Google; they are being repaired',
  );
}
