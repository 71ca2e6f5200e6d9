/**
 * The delivery of a notification: it may be lost, duplicated, delayed or reordered. Google
 * guarantees no more than this.
 */
import type { SimClock } from '../clock.js';
import type { Ledger, NotificationKind } from '../ledger.js';
import type { Prng } from '../prng.js';

export interface DeliveryConditions {
  dropPercent: number;
  duplicatePercent: number;
  /** Percentage that is held back until a later one has been delivered, or for a second. */
  reorderPercent: number;
  delayMs: readonly [minMs: number, maxMs: number];
  /**
   * The least time between two of Gmail's notifications for one user; earlier ones are dropped.
   * Google's is 1,000.
   */
  minGapMs: number;
}

const CALM: DeliveryConditions = {
  dropPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  delayMs: [0, 0],
  minGapMs: 1_000,
};
const HELD_MS = 1_000;

export class Delivery {
  private now: DeliveryConditions = CALM;
  private readonly held = new Set<() => void>();

  constructor(
    private readonly clock: SimClock,
    private readonly prng: Prng,
    private readonly ledger: Ledger,
  ) {}

  get conditions(): DeliveryConditions {
    return { ...this.now };
  }

  /** Changes the given conditions. Throws RangeError for an invalid percentage or range. */
  set(change: Partial<DeliveryConditions>): DeliveryConditions {
    const next = { ...this.now, ...change };
    for (const name of ['dropPercent', 'duplicatePercent', 'reorderPercent'] as const)
      if (!(next[name] >= 0 && next[name] <= 100))
        throw new RangeError(`${name} must be between 0 and 100`);
    if (!(next.minGapMs >= 0)) throw new RangeError('minGapMs must be at least 0');
    if (
      !Array.isArray(next.delayMs) ||
      next.delayMs.length !== 2 ||
      !(next.delayMs[0] >= 0 && next.delayMs[0] <= next.delayMs[1])
    )
      throw new RangeError('delayMs must be [min, max]');
    this.now = next;
    return this.conditions;
  }

  /** Delivers one notification under the current conditions. */
  post(kind: NotificationKind, deliver: () => void): void {
    this.ledger.notified(kind, 'published');
    if (this.prng.chance(this.now.dropPercent / 100)) {
      this.ledger.notified(kind, 'dropped');
      return;
    }
    this.carry(kind, deliver);
    if (!this.prng.chance(this.now.duplicatePercent / 100)) return;
    this.ledger.notified(kind, 'duplicated');
    this.carry(kind, deliver);
  }

  private carry(kind: NotificationKind, deliver: () => void): void {
    const [least, most] = this.now.delayMs;
    const delayMs = least + this.prng.next() * (most - least);
    if (!this.prng.chance(this.now.reorderPercent / 100)) {
      this.clock.schedule(delayMs, () => {
        deliver();
        this.release();
      });
      return;
    }
    this.ledger.notified(kind, 'reordered');
    const late = (): void => {
      if (this.held.delete(late)) deliver();
    };
    this.held.add(late);
    this.clock.schedule(delayMs + HELD_MS, late);
  }

  /** Delivers the notifications that were held back for reordering. */
  private release(): void {
    for (const late of this.held) late();
  }
}
